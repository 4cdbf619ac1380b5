"""Summaries as a sentence on each line, which ROUGE-Lsum needs, and as the rouge-baselines scripts write them."""

import re
from collections.abc import Sequence

_TAGGED = re.compile(r"<t>(.*?)</t>", re.DOTALL)
# Where a sentence ends that stands in a line with others: after its mark and closing quotes, before a capital, a digit
# or an opening quote.
_END = re.compile(r"(?<=[.!?])[\"'\u2019\u201d)]*\s+(?=[\"'\u2018\u201c(]*[A-Z0-9])")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text in one line.

    >>> split_sentences('He said "no." Then he left. At 3.5 miles it rained.')
    ['He said "no."', 'Then he left.', 'At 3.5 miles it rained.']
    """
    ends = [match.end() for match in _END.finditer(text)]
    starts = [0, *ends]
    return [text[a:b].strip() for a, b in zip(starts, [*ends, len(text)], strict=True)]


def in_lines(text: str) -> tuple[str, str]:
    """A text with a sentence on each line, and how they were told apart: t-tags, lines or split."""
    if tagged := _TAGGED.findall(text):
        return "\n".join(sentence.strip() for sentence in tagged), "t-tags"
    if "\n" in text.strip():
        return text.strip(), "lines"
    return "\n".join(split_sentences(text.strip())), "split"


def tagged(lines: str) -> str:
    """A text with a sentence on each line as one line of the rouge-baselines scripts.

    >>> tagged("One.\\nTwo.")
    '<t> One. </t> <t> Two. </t>'
    """
    sentences: Sequence[str] = [line.strip() for line in lines.split("\n") if line.strip()]
    return " ".join(f"<t> {sentence} </t>" for sentence in sentences) or "<t> </t>"
