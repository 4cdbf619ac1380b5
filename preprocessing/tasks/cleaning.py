r"""The cleaning of CNN and Daily Mail stories, as small functions from text to text.

What is removed is what the preparation of the corpus for language models has removed since See et
al. (2017, https://arxiv.org/abs/1704.04368) and Ziegler et al. (2019,
https://arxiv.org/abs/1909.08593): the byline block, the dateline, typographic quotes, broken
encodings. Their known mistakes are not repeated: only the word "By" before a name starts a byline
(not "Byron ..."), and "(CNN)" counts after a place at the start of the article only (not in its last
line, where it would take the whole article with it, nor after the name that it is short for).

An article becomes one line, as See et al. have it: that is how Hugging Face passes it on, where
nobody can tell any more where its paragraphs began, and a story is to be the same example in every
release. Until a byline is found, " ." marks the end of a line that had no mark of its own. Highlights are
a line each, as See et al. take the sentences of a summary, without the mark of their end; a line that is to keep its
marks, such as one in tokens, loses broken characters alone.

>>> clean_article("By\nAnn Lee\n\nPUBLISHED:\n12:21 EST, 14 May 2012\n\nIt rained.\n\nA lot")
'It rained. A lot.'
>>> clean_article("By . Ann Lee . PUBLISHED: . 12:21 EST, 14 May 2012 . It rained. A lot .")
'It rained. A lot.'
>>> clean_article("LONDON, England (CNN) -- It\u2019s  raining.")
"It's raining."
>>> clean_highlight("The \u201cstorm\u201d is  over ."), clean_highlight("It is over.")
('The "storm" is over', 'It is over.')
>>> clean_line("it \u2018rained\u2019 .")
"it 'rained' ."
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import ftfy

_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}

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

# What a paragraph may end with for See et al. to leave it as it is.
_ENDS = (".", "!", "?", "'", "`", '"', "\u2019", "\u201d", ")")
# Without the mark before it, so that it begins with what the engine can look for: 20 times as fast.
_MARK = re.compile(r" \.(?= |$)")
_NEEDS_NO_STOP = frozenset(",:;\u2013\u2014-")

# 12:21 EST, 14 September 2012; 10:46 AM on 20th October 2011
_TIME = (
    r"\d{1,2}[:.]\d{2}(?: ?[AaPp][Mm])?(?: [A-Z]{2,4})?,? (?:on )?"
    r"\d{1,2}(?:st|nd|rd|th)? [A-Z][a-z]+,? \d{4}"
)
_STAMP = rf"(?:PUBLISHED:|UPDATED:|Last updated at|{_TIME})"
# Stamps up to the end of their line, after authors whose line has ended too.
_STAMPED = re.compile(
    rf"(?:By (?P<authors>.{{0,400}}?\. ))?(?:\| ?)?{_STAMP}(?:[ .|]*{_STAMP})*[ |]*"
    r"(?:\.(?= |$)|$)(?: ?[.|](?= |$))* ?"
)
# The full stops of "Dr. J. Smith Jr." end no sentence.
_NO_END = "".join(
    rf"(?<!\b{word})" for word in ("[A-Z]", "Dr", "Mr", "Ms", "St", "Jr", "Mrs", "Rev")
)
_SENTENCE_END = re.compile(rf"{_NO_END}[.!?:](?= |$)")

_PLACE_WORD = (
    r"(?:[A-Z][\w.'/-]*|de|del|du|la|le|al|of|the|on|and|in|at|off|near|from|along|outside|aboard|"
    r"north|south|east|west|northern|southern|eastern|western|central|border|coast)"
)
_SMALL = "[a-z\xdf-\xf6\xf8-\xff]"
_DASH = "(?:-{1,2}+|[\u2013\u2014])"
# A place that "(CNN)" is not short for, or none; then "(CNN)", a dash or none; then a sentence begins.
_DATELINE = re.compile(
    rf"(?!.{{0,80}}\bC\w* N\w* N\w* ?\(CNN\))(?=[A-Z]){_PLACE_WORD}(?:,? {_PLACE_WORD}){{0,9}} ?"
    rf"\(CNN\)(?:\s*{_DASH}(?!\s*{_SMALL})|(?!\s*{_DASH}|\s+{_SMALL}))\s*"
    rf"|\(CNN\)(?:\s*{_DASH}|(?!\s+{_SMALL}))\s*"
)


class Step(NamedTuple):
    """One thing that cleaning does, said for people, and how."""

    name: str
    clean: Callable[[str], str]


class Change(NamedTuple):
    """What a step made of a text."""

    step: str
    before: str
    after: str


@dataclass(frozen=True)
class Cleaning:
    """Steps from text to text, each of what the one before it made."""

    steps: tuple[Step, ...]

    def __call__(self, text: str) -> str:
        """The text when it is clean."""
        for step in self.steps:
            text = step.clean(text)
        return text

    def changes(self, text: str) -> Iterator[Change]:
        """The steps that change a text, with what it is before and after.

        >>> [(change.step, change.after) for change in clean_article.changes("(CNN)It  rained.")]
        [('white space', '(CNN)It rained.'), ('dateline', 'It rained.')]
        """
        for step in self.steps:
            after = step.clean(text)
            if after != text:
                yield Change(step.name, text, after)
            text = after


def fix_sentences(text: str) -> str:
    """As `fix_characters`, each sentence by itself: ftfy repairs a line by itself, so each is one meanwhile."""
    return fix_characters(text.replace(". ", ".\n")).replace(".\n", ". ")


def strip_mark(text: str) -> str:
    """A highlight without white space around it and without the mark of its end."""
    return text.strip().removesuffix(" .")


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


def join_paragraphs(text: str) -> str:
    r"""The paragraphs as one line, " ." after each that has no mark at its end.

    So do See et al. and, on their example, whoever made Hugging Face's copy. What is one line already
    stays as it is.

    >>> join_paragraphs("A caption\n\nIt rained.\n"), join_paragraphs("A caption . It rained.")
    ('A caption . It rained.', 'A caption . It rained.')
    """
    lines = filter(None, map(str.strip, text.split("\n")))
    return " ".join(line if line.endswith(_ENDS) else f"{line} ." for line in lines)


def normalise_whitespace(text: str) -> str:
    r"""The text as one line, with single spaces. What is white space says Unicode (`str.isspace`).

    >>> normalise_whitespace("  One \t line.\n\n \u00a0\n And\u00a0another. ")
    'One line. And another.'
    """
    return " ".join(text.split())


def attach_marks(text: str) -> str:
    """The text with the marks of `join_paragraphs` as full stops; none after another mark.

    >>> attach_marks("A caption . He said: . It rained .")
    'A caption. He said: It rained.'
    """
    return _MARK.sub(
        lambda mark: "" if text[max(0, mark.start() - 1) : mark.start()] in _NEEDS_NO_STOP else ".",
        text,
    )


def strip_byline(text: str) -> str:
    r"""The text, in one line, without the authors and times that open a Daily Mail story.

    The block is `By`, authors, and times after any of `PUBLISHED:`, `UPDATED:`, `Last updated at`, each a
    line, which ends with " ."; authors may be missing, or the times. Without times, `By` must be a
    line of its own, because a sentence may begin like that, and one name follows, or several after
    "and". Ziegler et al. take two lines off whatever begins with "By", and all before the last time
    after `UPDATED:`.

    >>> strip_byline("By . Ann Lee . PUBLISHED: . 12:21 EST, 4 May 2012 . | . UPDATED: . It rained.")
    'It rained.'
    >>> strip_byline("By Ann Lee . Last updated at 8:31 AM on 30th June 2011 . It rained.")
    'It rained.'
    >>> strip_byline("Byron was a poet. He wrote.")
    'Byron was a poet. He wrote.'
    """
    stamped = _STAMPED.match(text)
    if stamped and all(map(_may_be_name, (stamped["authors"] or "").strip(" .").split(" . "))):
        return text[stamped.end() :]
    if not text.startswith("By . "):
        return text
    # With a space, so that a last line ends as the others do.
    lines = f"{text} ".removeprefix("By . ").split(" . ")
    end = 1
    while end < len(lines) - 1 and lines[end].split(" ")[0] == "and":
        end += 2 if lines[end] == "and" else 1
    if end < len(lines) and all(map(_may_be_name, lines[:end])):
        return " . ".join(lines[end:]).rstrip()
    return text


def _may_be_name(line: str) -> bool:
    return len(line) <= 80 and not _SENTENCE_END.search(line)


def strip_dateline(text: str) -> str:
    """The text without the place and "(CNN)" that open a CNN story.

    Ziegler et al. take off all before the last "(CNN) --" of the text.

    >>> strip_dateline("MINNEAPOLIS, Minnesota (CNN) -- Drivers told tales.")
    'Drivers told tales.'
    >>> strip_dateline("(CNN)The trial began.")
    'The trial began.'
    >>> strip_dateline("Cable News Network (CNN) was founded in 1980.")
    'Cable News Network (CNN) was founded in 1980.'
    """
    match = _DATELINE.match(text)
    return text[match.end() :] if match else text


_WHITE_SPACE = Step("white space", normalise_whitespace)
_CHARACTERS = "broken encodings and curly quotes"

clean_line = Cleaning((Step(_CHARACTERS, fix_characters), _WHITE_SPACE))
clean_highlight = Cleaning((Step("mark of a highlight's end", strip_mark), *clean_line.steps))
# The steps of Ziegler et al.'s clean-up, in an order in which none hides from another what it looks for.
clean_article = Cleaning(
    (
        Step("paragraphs to one line", join_paragraphs),
        Step(_CHARACTERS, fix_sentences),
        _WHITE_SPACE,
        Step("byline", strip_byline),
        Step("dateline", strip_dateline),
        Step("marks at the ends of paragraphs", attach_marks),
    )
)
