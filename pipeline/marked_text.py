"""A record's text with what counts in the loss marked: by colour, or by characters that the text does not have."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

import numpy as np

from preprocessing.tokens.seen_records import SeenRecord
from preprocessing.tokens.vocabulary import Vocabulary

_COLOUR, _PLAIN = "\x1b[1;32m", "\x1b[0m"

# A corpus must not command a terminal: control characters but tabs and line ends are shown as their pictures.
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
_PICTURES |= {0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)}


@dataclass(frozen=True)
class Piece:
    """Tokens that follow each other.

    text: of them. in_loss: whether they count in the loss. kind: whether they are text, the end of one, or `left_out`
    of what the model reads. tokens: how many they are.
    """

    text: str
    in_loss: bool
    kind: Literal["text", "end", "left_out"]
    tokens: int


class Marks(NamedTuple):
    """Characters that are in no text beside them: around what is in the loss, for an end of text and for a gap."""

    begin: str
    end: str
    end_of_text: str
    gap: str

    @property
    def legend(self) -> str:
        """What they mean."""
        return (
            f"{self.begin}in the loss{self.end} {self.end_of_text} end of text {self.gap} left out"
        )


_USUAL = Marks("⟦", "⟧", "∎", "⋯")


def pieces_of(seen: SeenRecord, vocabulary: Vocabulary) -> list[Piece]:
    """The pieces of a record in order, cut where the loss begins or ends."""
    gap = seen.left_out
    ends = seen.ids == vocabulary.end_of_text
    changes = np.flatnonzero(np.diff(seen.in_loss) | np.diff(ends)) + 1
    cuts = {0, len(seen.ids), *changes.tolist(), *([] if gap is None else [gap.at])}
    pieces = []
    for start, stop in pairwise(sorted(cuts)):
        if gap is not None and start == gap.at:
            pieces.append(left_out(gap.ids, vocabulary))
        text = vocabulary.decode(seen.ids[start:stop].tolist())
        kind: Literal["text", "end"] = "end" if ends[start] else "text"
        pieces.append(Piece(text, bool(seen.in_loss[start]), kind, stop - start))
    if gap is not None and gap.at == len(seen.ids):
        pieces.append(left_out(gap.ids, vocabulary))
    return pieces


def left_out(ids: np.ndarray, vocabulary: Vocabulary) -> Piece:
    """What is in no row. ids: int32 [n]."""
    return Piece(vocabulary.decode(ids.tolist()), False, "left_out", len(ids))


def marks_for(pieces: Sequence[Piece]) -> Marks:
    """The usual marks or, for each that a text has, another that none has."""
    used = {character for piece in pieces for character in piece.text}
    others = (chr(code) for code in range(0x25A0, sys.maxunicode) if chr(code).isprintable())
    spare = (mark for mark in others if mark not in used and mark not in _USUAL)
    return Marks(*(next(spare) if mark in used else mark for mark in _USUAL))


def marked(pieces: Sequence[Piece], marks: Marks, colour: bool) -> str:
    """The text with its marks. colour: whether what is in the loss has one in place of marks around it."""
    begin, end = (_COLOUR, _PLAIN) if colour else (marks.begin, marks.end)
    found = []
    for in_loss, group in groupby(pieces, key=lambda piece: piece.in_loss):
        text = "".join(_shown(group, marks))
        found.append(f"{begin}{text}{end}" if in_loss else text)
    return "".join(found)


def _shown(pieces: Iterator[Piece], marks: Marks) -> Iterator[str]:
    for piece in pieces:
        match piece.kind:
            case "text":
                yield piece.text.translate(_PICTURES)
            case "end":
                yield marks.end_of_text
            case "left_out":
                yield f"{marks.gap}{piece.tokens} tokens left out{marks.gap}"
