"""The cleaning of CNN and Daily Mail stories, as small functions from text to text.

What is removed is what the preparation of the corpus for language models has removed since See et
al. (2017, https://arxiv.org/abs/1704.04368) and Ziegler et al. (2019,
https://arxiv.org/abs/1909.08593): the byline block, the dateline, typographic quotes, broken
encodings. Their known mistakes are not repeated: only a line that is the word "By" starts a byline
(not "Byron ..."), and "(CNN)" counts at the start of the article only (not in its last line, where
it would take the whole article with it).
"""

import re
from itertools import takewhile

import ftfy

_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}

# Every white space but the space and the newline; see `str.isspace`.
_OTHER_SPACES = (
    *"\t\x0b\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000",
    *map(chr, range(0x2000, 0x200B)),
)

_HTML_ENTITY = re.compile(r"&#?[0-9A-Za-z]{1,24};")

# Bytes of UTF-8: a space for ASCII that ftfy leaves alone, "!" for the controls that it does not.
_ORDINARY = b"\t\n\f" + bytes(range(0x20, 0x7F))
_MARK_ORDINARY = bytes(
    32 if byte in _ORDINARY else 33 if byte < 0x80 else byte for byte in range(256)
)

# What ftfy leaves alone between such ASCII (the four quotes apart, which it makes straight).
_LEFT_ALONE = {*map(chr, range(0xA0, 0x100)), *"\u2013\u2014\u2022\u2026\u20ac"} - {*"\xc2\xc3"}
_PAIRS_OF_QUOTES = {first + second for first in _QUOTES for second in _QUOTES}
_POSSESSIVES = {f"{letter}\u2019" for letter in "\xe8\xe9\xf3\xed\xe1\xf6\xfc"}
_UNTOUCHED = frozenset(
    run.encode() for run in _LEFT_ALONE | {*_QUOTES} | _PAIRS_OF_QUOTES | _POSSESSIVES
)

# 12:21 EST, 14 September 2012; 10:46 AM on 20th October 2011
_STAMP = (
    r"\d{1,2}[:.]\d{2}(?: ?[AaPp][Mm])?(?: [A-Z]{2,4})?,? (?:on )?"
    r"\d{1,2}(?:st|nd|rd|th)? [A-Z][a-z]+,? \d{4}"
)
_STAMP_LINE = re.compile(rf"(?:(?:PUBLISHED:|UPDATED:|Last updated at|\||{_STAMP})[ .]*)+")

# Up to 80 characters of place, then (CNN), then a dash ...
_DATELINE = re.compile(r"(?:[A-Z][^()\n]{0,79} )?\(CNN\)\s*(?:--|[-\u2013\u2014])\s*")
# ... or a place of capitalised words only (or none), then (CNN) without a dash.
_PLACE_WORD = r"(?:[A-Z][\w.'/-]*|de|del|du|la|le|al|of|the|on|and)"
_DATELINE_WITHOUT_DASH = re.compile(
    rf"(?:(?=[A-Z]){_PLACE_WORD}(?:,? {_PLACE_WORD}){{0,7}} ?)?\(CNN\)\s*"
)


def clean_article(text: str) -> str:
    r"""An article as one paragraph a line, without byline, dateline and broken characters.

    The steps of Ziegler et al.'s clean-up, each a function below, in an order in which none hides
    from another what it looks for.

    >>> clean_article("By\nAnn Lee\n\nPUBLISHED:\n12:21 EST, 14 May 2012\n\nIt rained.\n\nA lot.")
    'It rained.\nA lot.'
    >>> clean_article("LONDON, England (CNN) -- It\u2019s  raining.")
    "It's raining."
    """
    return strip_dateline(strip_byline(normalise_whitespace(fix_characters(text))))


def clean_highlight(text: str) -> str:
    r"""A highlight as one line without broken characters.

    One line each, as See et al. take the sentences of a summary.

    >>> clean_highlight("The \u201cstorm\u201d\n is  over")
    'The "storm" is over'
    """
    return " ".join(fix_characters(text).split())


def fix_characters(text: str) -> str:
    r"""What `ftfy.fix_text(text)` returns, found sooner: only the lines that need it go through it.

    ftfy is Speer (2019, https://doi.org/10.5281/zenodo.2591652).
    ftfy works line by line. A line of ordinary characters (see `_is_ordinary`) it leaves as it is
    but for curly quotes. Across lines it remembers one thing: after the first "<" it takes HTML
    entities for what they are in HTML.

    >>> fix_characters("caf\u00c3\u00a9 &amp; \u2018bar\u2019")
    "café & 'bar'"
    """
    if _is_ordinary(text):
        return straighten_quotes(text)
    fixed = []
    unescape_html: bool | str = "auto"
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if _is_ordinary(line):
            fixed.append(straighten_quotes(line))
        else:
            fixed.append(ftfy.fix_text(line, unescape_html=unescape_html))
        if "<" in line:  # within a line ftfy sees to it, part by part of a very long one
            unescape_html = False
    return "".join(fixed)


def _is_ordinary(text: str) -> bool:
    """Whether ftfy would do nothing to `text` but make its curly quotes straight.

    That is so if it has no HTML entity, no ASCII control but tab, newline and form feed, and, of
    characters outside ASCII, only quotes, alone or two together, those of `_LEFT_ALONE`, each alone
    between ASCII, and accented letters before an apostrophe ("\xe9\u2019s").

    For ftfy repairs an encoding only where its heuristic (`ftfy.badness`) finds one of its
    patterns, and each of these needs two adjacent characters outside ASCII, not such pairs, or a C1
    control, "\xc2", "\xc3" or the ligature "oe"; and each of its other steps changes characters of
    its own, none of which is among these, which NFC keeps as well.
    """
    marked = text.encode("utf-8", "surrogatepass").translate(_MARK_ORDINARY)
    return _UNTOUCHED.issuperset(marked.split()) and not ("&" in text and _HTML_ENTITY.search(text))


def straighten_quotes(text: str) -> str:
    r"""Curly single and double quotes as straight ones.

    Ziegler et al. do so for the single ones, ftfy (`uncurl_quotes`) for all four.

    >>> straighten_quotes("\u2018No\u2019, she said, \u201cnever\u201d")
    '\'No\', she said, "never"'
    """
    for curly, straight in _QUOTES.items():  # far faster than str.translate
        text = text.replace(curly, straight)
    return text


def normalise_whitespace(text: str) -> str:
    r"""Runs of white space as one space, lines stripped, empty lines gone.

    See et al. strip the lines and join them by a space; here a paragraph stays a line. What is white
    space says Unicode (`str.isspace`).

    >>> normalise_whitespace("  One \t line.\n\n \u00a0\n And\u00a0another. ")
    'One line.\nAnd another.'
    """
    for space in _OTHER_SPACES:  # far faster than to split every line into words
        text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return "\n".join(filter(None, map(str.strip, text.split("\n"))))


def strip_byline(text: str) -> str:
    r"""The text without the lines of author and time that open a Daily Mail story.

    The block is `By` in a line of its own and a name, further names after "and"; then any of
    `PUBLISHED:`, `UPDATED:`, `|` and times. `By` and a name in one line count only before a time,
    because a sentence may begin like that. Ziegler et al. take two lines off whatever begins with
    "By", and all before the last time after `UPDATED:`.

    >>> strip_byline("By\nAnn Lee\nPUBLISHED:\n12:21 EST, 4 May 2012\n|\nUPDATED:\nIt rained.")
    'It rained.'
    >>> strip_byline("By Ann Lee\nLast updated at 8:31 AM on 30th June 2011\nIt rained.")
    'It rained.'
    >>> strip_byline("Byron was a poet.\nHe wrote.")
    'Byron was a poet.\nHe wrote.'
    """
    lines = text.split("\n")
    end = _end_of_names(lines)
    stamps = len(list(takewhile(_STAMP_LINE.fullmatch, lines[end:])))
    if lines[0] != "By" and not stamps:
        return text
    return "\n".join(lines[end + stamps :])


def _end_of_names(lines: list[str]) -> int:
    """How many lines at the start are a byline's names, or may be if a time follows."""
    if re.fullmatch(r"By [A-Z].{0,80}[^.!?]", lines[0]):
        end = 1
    elif lines[0] == "By" and len(lines) > 1 and _may_be_name(lines[1]):
        end = 2
    else:
        return 0
    while end < len(lines) and _may_be_name(lines[end]):
        if lines[end] == "and" and end + 1 < len(lines) and _may_be_name(lines[end + 1]):
            end += 2
        elif lines[end].startswith("and "):
            end += 1
        else:
            break
    return end


def _may_be_name(line: str) -> bool:
    return len(line) <= 80 and not line.endswith((".", "!", "?", ":"))


def strip_dateline(text: str) -> str:
    """The text without the place and "(CNN)" that open a CNN story.

    Ziegler et al. take off all before the last "(CNN) --" of the text.

    >>> strip_dateline("MINNEAPOLIS, Minnesota (CNN) -- Drivers told tales.")
    'Drivers told tales.'
    >>> strip_dateline("(CNN)The trial began.")
    'The trial began.'
    >>> strip_dateline("He told a network (CNN) that it rained.")
    'He told a network (CNN) that it rained.'
    """
    match = _DATELINE.match(text) or _DATELINE_WITHOUT_DASH.match(text)
    return text[match.end() :] if match else text
