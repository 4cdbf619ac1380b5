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

# Characters below U+0080 that ftfy may change: controls other than tab, newline and form feed,
# and the ampersand, which may begin an HTML entity. (The escape of a terminal sequence is a
# control; a carriage return becomes a newline.)
_ASCII_THAT_FTFY_TOUCHES = re.compile(r"[\x00-\x08\x0b\x0d-\x1f\x7f&]")

_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}

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

    >>> clean_article("By\nAnn Lee\n\nPUBLISHED:\n12:21 EST, 14 May 2012\n\nIt rained.\n\nA lot.")
    'It rained.\nA lot.'
    >>> clean_article("LONDON, England (CNN) -- It\u2019s  raining.")
    "It's raining."
    """
    return strip_dateline(strip_byline(normalise_whitespace(fix_characters(text))))


def clean_highlight(text: str) -> str:
    r"""A highlight as one line without broken characters.

    >>> clean_highlight("The \u201cstorm\u201d\n is  over")
    'The "storm" is over'
    """
    return " ".join(fix_characters(text).split())


def fix_characters(text: str) -> str:
    r"""What `ftfy.fix_text(text)` returns, found sooner: only the lines that need it go through it.

    ftfy works line by line, and its steps leave a line alone that is ASCII and free of controls and
    "&" (no wrong encoding, ligature, width, surrogate or line break is ASCII, and NFC changes
    none). A line that has the four common curly quotes besides is only changed by uncurling these:
    in every encoding that ftfy tries they are either lone continuation bytes or lead bytes without
    one, so that the line never decodes as UTF-8. Across lines ftfy remembers one thing: after the
    first "<" it takes HTML entities for what they are in HTML.

    >>> fix_characters("caf\u00c3\u00a9 &amp; \u2018bar\u2019")
    "café & 'bar'"
    """
    plain = straighten_quotes(text)
    if _is_untouched_by_ftfy(plain):
        return plain
    fixed = []
    unescape_html: bool | str = "auto"
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if "<" in line:
            unescape_html = False
        plain = straighten_quotes(line)
        if not _is_untouched_by_ftfy(plain):
            plain = ftfy.fix_text(line, unescape_html=unescape_html)
        fixed.append(plain)
    return "".join(fixed)


def _is_untouched_by_ftfy(text: str) -> bool:
    return text.isascii() and not _ASCII_THAT_FTFY_TOUCHES.search(text)


def straighten_quotes(text: str) -> str:
    r"""Curly single and double quotes as straight ones.

    >>> straighten_quotes("\u2018No\u2019, she said, \u201cnever\u201d")
    '\'No\', she said, "never"'
    """
    for curly, straight in _QUOTES.items():  # far faster than str.translate
        text = text.replace(curly, straight)
    return text


def normalise_whitespace(text: str) -> str:
    r"""Runs of white space as one space, lines stripped, empty lines gone.

    >>> normalise_whitespace("  One \t line.\n\n \u00a0\n And\u00a0another. ")
    'One line.\nAnd another.'
    """
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def strip_byline(text: str) -> str:
    r"""The text without the lines of author and time that open a Daily Mail story.

    The block is `By` in a line of its own and a name, further names after "and"; then any of
    `PUBLISHED:`, `UPDATED:`, `|` and times. `By` and a name in one line count only before a time,
    because a sentence may begin like that.

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

    >>> strip_dateline("MINNEAPOLIS, Minnesota (CNN) -- Drivers told tales.")
    'Drivers told tales.'
    >>> strip_dateline("(CNN)The trial began.")
    'The trial began.'
    >>> strip_dateline("He told a network (CNN) that it rained.")
    'He told a network (CNN) that it rained.'
    """
    match = _DATELINE.match(text) or _DATELINE_WITHOUT_DASH.match(text)
    return text[match.end() :] if match else text
