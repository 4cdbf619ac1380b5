"""Records to sequences of ids that fit in a row, with the loss mask, by the rules for long records.

In the drawings a row has six tokens: `a` stands for a token of the article or story, `s` for the
separator, `q` for a question, `t` for a target, `.` for the end of text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from preprocessing.options import OverLong
from preprocessing.records.record import Drop, Record
from preprocessing.tokens.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class TokenSegment:
    """The tokens of one segment of a record.

    ids: int32 [n]. in_loss: whether they count in the loss. is_target: whether this is a target of generation (the
    segment has references).
    """

    ids: np.ndarray
    in_loss: bool
    is_target: bool


@dataclass(frozen=True)
class TokenizedRecord:
    """A record in tokens, the end of text included: at least one segment. size: bytes of text; characters: of it."""

    id: str
    source: str
    segments: tuple[TokenSegment, ...]
    size: int
    characters: int


@dataclass(frozen=True, eq=False)
class TokenSequence:
    """Tokens that follow each other: a record, a piece of one, or a stream of records.

    ids: int32 [n]. loss: bool [n], whether each token counts in the loss as what is to be predicted. Never the first,
    which nothing predicts.
    """

    ids: np.ndarray
    loss: np.ndarray


def tokenize_record(
    record: Record, vocabulary: Vocabulary, ends: bool = True, room: int | None = None
) -> TokenizedRecord:
    """The record's segments in tokens, each tokenised by itself.

    A segment that has ids keeps them. If the record `ends`, the end of text is appended to the last
    segment, so it is in the loss if that segment is.

    room: if any, of a story before its first question or summary more than so many tokens need not be known: `fit`
        keeps none of them, and the record has other segments.
    """
    opens = room is not None and any(segment.references for segment in record.segments[1:3])
    segments = []
    size = 0
    for place, segment in enumerate(record.segments):
        size += len(segment.text.encode())
        if segment.ids:
            ids = np.array(segment.ids, np.int32)
            size += int(vocabulary.byte_counts[ids].sum())
        elif room is not None and opens and not place:
            ids = vocabulary.encode_start(segment.text, room)
        else:
            ids = vocabulary.encode_to_array(segment.text)
        segments.append(TokenSegment(ids, segment.in_loss, bool(segment.references)))
    last = segments.pop() if segments else TokenSegment(np.array([], np.int32), False, False)
    ids = np.append(last.ids, np.int32(vocabulary.end_of_text)) if ends else last.ids
    segments.append(TokenSegment(ids, last.in_loss, last.is_target))
    characters = sum(len(segment.text) for segment in record.segments)
    return TokenizedRecord(record.id, record.source, tuple(segments), size, characters)


def fit(record: TokenizedRecord, length: int, over_long: OverLong | None) -> TokenSequence | Drop:
    """The sequence that a record becomes; it has at most `length` tokens, except with `split`.

    A record that fits stays whole. For one that does not, `over_long` says what happens:

    `truncate_prompt`: the longest segment before the separator loses its end; the separator, which
    is the last segment before the first target, and all after it stay.

        a a a a a s t t .    ->    a a s t t .

    If the targets of a conversation do not all fit even without the story, the oldest turns
    (question and answer) go too, as few as possible, and the room that is left over is the story's.

        a a a q t q t t t q t .    ->    a a a q t .      (two turns gone, the story whole)

    If the last turn alone does not fit, the record is dropped as `target_too_long`; so is one whose
    whole text is the target.

    `drop`: the record is dropped as `too_long`.

    `split`: the record stays whole, and `packing` cuts it to the room that it finds in the rows.

    A sequence in which nothing is in the loss would teach nothing: it is dropped as `no_target`.
    """
    segments = record.segments
    size = sum(len(segment.ids) for segment in segments)
    if size > length and over_long == "drop":
        return _drop(record, "too_long", f"{size} tokens, more than {length}")
    if size > length and over_long == "truncate_prompt":
        segments = _truncate_prompt(segments, length)
        if not segments:
            detail = f"the last target with its prompt alone has more than {length} tokens"
            return _drop(record, "target_too_long", detail)
    sequence = _joined(segments)
    if not sequence.loss.any():
        return _drop(record, "no_target", "no token in the loss that another one precedes")
    return sequence


def stream_of(records: Iterable[TokenizedRecord]) -> list[TokenSequence]:
    """All tokens as one sequence, one record behind the other; of no record there is none."""
    segments = [segment for record in records for segment in record.segments]
    return [_joined(segments)] if segments else []


def _joined(segments: Sequence[TokenSegment]) -> TokenSequence:
    """Segments one behind the other; the very first token is out of the loss."""
    ids = np.concatenate([segment.ids for segment in segments])
    loss = np.concatenate([np.full(len(segment.ids), segment.in_loss) for segment in segments])
    loss[0] = False
    return TokenSequence(ids, loss)


def _drop(record: TokenizedRecord, reason: str, detail: str) -> Drop:
    return Drop(reason, record.source, record.id, detail)


def _truncate_prompt(segments: tuple[TokenSegment, ...], length: int) -> tuple[TokenSegment, ...]:
    """The segments that stay, the story shortened; none if the last turn alone does not fit."""
    sizes = [len(segment.ids) for segment in segments]
    targets = [place for place, segment in enumerate(segments) if segment.is_target]
    if not targets or targets[0] == 0:
        return ()
    # The separator is not a candidate, unless it is all that precedes the target.
    story = max(range(max(1, targets[0] - 1)), key=sizes.__getitem__)

    # A turn ends with its target; what follows the last target belongs to the last turn.
    ends = [target + 1 for target in targets[:-1]] + [len(segments)]
    turns = [
        [place for place in range(start, end) if place != story]
        for start, end in zip([0, *ends], ends, strict=False)
    ]
    while (turns_size := sum(sizes[place] for turn in turns for place in turn)) > length:
        if len(turns) == 1:
            return ()
        del turns[0]

    kept = segments[story].ids[: length - turns_size]
    in_loss = segments[story].in_loss
    shortened = TokenSegment(kept, in_loss, is_target=False)
    places = sorted([story, *(place for turn in turns for place in turn)])
    first = next(place for place in places if segments[place].is_target)
    # What ended the answer before the first one that stays ends nothing any more.
    return tuple(
        shortened
        if place == story
        else TokenSegment(segments[place].ids, in_loss, is_target=False)
        if place < first
        else segments[place]
        for place in places
    )
