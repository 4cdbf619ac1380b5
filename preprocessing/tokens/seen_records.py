"""Records as the model sees them: their tokens, which count in the loss, what is cut off, and in which rows they are.

It is what `rows_of` makes of a shard, told record by record.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from preprocessing.options import TokenOptions
from preprocessing.records.record import Drop, Record
from preprocessing.tokens.packing import layout_of
from preprocessing.tokens.record_rows import in_order, tokenized_or_drop
from preprocessing.tokens.sequences import TokenizedRecord, TokenSequence, fit
from preprocessing.tokens.vocabulary import Vocabulary


class RowPart(NamedTuple):
    """Tokens `start` to `stop` of a record, which are in a row of its shard from the row's token `offset` on."""

    row: int
    offset: int
    start: int
    stop: int


class LeftOut(NamedTuple):
    """What is in no row. at: before which of the record's tokens it stood. ids: int32 [n], its tokens."""

    at: int
    ids: np.ndarray


@dataclass(frozen=True, eq=False)
class SeenRecord:
    """A record in tokens.

    ids: int32 [n], those in rows, the end of text included; of a record that was dropped, all it has.
    in_loss: bool [n], whether predicting each counts.
    parts: where they are; of a record that was cut over rows each begins with the last token of the one before.
    left_out: what its length has cut off. drop: why it is in no row.
    """

    record: Record
    ids: np.ndarray
    in_loss: np.ndarray
    parts: tuple[RowPart, ...] = ()
    left_out: LeftOut | None = None
    drop: Drop | None = None


def seen_records(
    shard: Iterable[Record], wanted: Collection[str], vocabulary: Vocabulary, options: TokenOptions
) -> Iterator[SeenRecord]:
    """Those records of a shard whose ids are wanted, in the order in which they are read.

    options: with the task's own in place of None, as `Task.token_options` gives them.
    """
    seen = [_seen(record, ends, vocabulary, options) for record, ends in in_order(shard, options)]
    kept = [place for place, each in enumerate(seen) if each.drop is None]
    sizes = [len(seen[place].ids) for place in kept]
    if options.is_stream and kept:
        # Nothing precedes the first token of a stream.
        seen[kept[0]].in_loss[0] = False
    parts = _parts_of_stream if options.is_stream else _parts
    for place, found in zip(kept, parts(sizes, options), strict=True):
        seen[place] = replace(seen[place], parts=tuple(found))
    return (each for each in seen if each.record.id in wanted)


def _seen(record: Record, ends: bool, vocabulary: Vocabulary, options: TokenOptions) -> SeenRecord:
    """A record by itself."""
    tokenized = tokenized_or_drop(record, ends, vocabulary)
    if isinstance(tokenized, Drop):
        return SeenRecord(record, *_nothing(), drop=tokenized)
    whole = _joined(tokenized)
    if options.is_stream:
        return SeenRecord(record, *whole)
    fitted = fit(tokenized, options.sequence_length, options.over_long)
    if isinstance(fitted, Drop):
        return SeenRecord(record, *whole, drop=fitted)
    return SeenRecord(record, fitted.ids, fitted.loss, left_out=_left_out(whole[0], fitted))


def _nothing() -> tuple[np.ndarray, np.ndarray]:
    return np.array([], np.int32), np.array([], np.bool_)


def _joined(record: TokenizedRecord) -> tuple[np.ndarray, np.ndarray]:
    ids = np.concatenate([segment.ids for segment in record.segments])
    loss = [np.full(len(segment.ids), segment.in_loss) for segment in record.segments]
    return ids, np.concatenate(loss)


def _left_out(whole: np.ndarray, fitted: TokenSequence) -> LeftOut | None:
    """What `fit` has taken out of a record, which is one stretch: the end of a story and the turns that follow it.

    whole     a a a a a s t .
    fitted    a a s t .            ->    "a a a" before the third
    """
    count = len(whole) - len(fitted.ids)
    if not count:
        return None
    differs = np.flatnonzero(whole[: len(fitted.ids)] != fitted.ids)
    at = int(differs[0]) if len(differs) else len(fitted.ids)
    return LeftOut(at, whole[at : at + count])


def _parts(sizes: list[int], options: TokenOptions) -> list[list[RowPart]]:
    """Of each sequence where it is."""
    found: list[list[RowPart]] = [[] for _ in sizes]
    layout = layout_of(sizes, options.sequence_length, options.packing)
    for row, pieces in enumerate(layout):
        offset = 0
        for place, start, stop in pieces:
            found[place].append(RowPart(row, offset, start, stop))
            offset += stop - start
    return found


def _parts_of_stream(sizes: list[int], options: TokenOptions) -> list[list[RowPart]]:
    """Of each record of one stream where it is."""
    windows = _parts([sum(sizes)], options)[0] if sizes else []
    spans = [(end - size, end) for size, end in zip(sizes, accumulate(sizes), strict=True)]
    return [
        [_within(each, begin, end) for each in windows if each.start < end and begin < each.stop]
        for begin, end in spans
    ]


def _within(window: RowPart, begin: int, end: int) -> RowPart:
    """What a window of a stream has of a record, which is the stream's tokens `begin` to `end`."""
    start = max(begin, window.start)
    return RowPart(window.row, start - window.start, start - begin, min(end, window.stop) - begin)
