"""Records to rows: tokenised, made to fit or joined to one stream, packed, and counted."""

from collections.abc import Iterable, Iterator

from preprocessing.options import TokenOptions
from preprocessing.records.record import Drop, Record
from preprocessing.tokens.packing import pack
from preprocessing.tokens.rows import Row
from preprocessing.tokens.sequences import (
    TokenizedRecord,
    TokenSequence,
    fit,
    stream_of,
    tokenize_record,
)
from preprocessing.tokens.statistics import SEPARATOR, TokenStatistics
from preprocessing.tokens.vocabulary import Vocabulary


def rows_of(
    records: Iterable[Record],
    vocabulary: Vocabulary,
    options: TokenOptions,
    statistics: TokenStatistics,
) -> Iterator[Row]:
    """The rows of a shard of records, which are all held until the first row is made.

    With windows (`options.is_stream`) the records become one stream, each document with its end of text, in
    the order of their sources and of their places in them, and it is cut into rows that overlap by
    one token, so that every token but the stream's first is predicted exactly once. With rows of
    six tokens, records `a b c d` and `e f`, capitals in the loss and `!` an end of text in it:

        a B C D ! E
        e F ! _ _ _

    A row is one sequence: its segment ids are 1 (0 for the padding) and its positions count from 0,
    so that what follows an end of text may look at what precedes it.

    Args:
        options: of which `over_long` says what `fit` does; it is not asked with windows.
        statistics: what is counted is added to it while the rows are taken.
    """
    tokenized = _tokenized(records, vocabulary, options, statistics)
    sequences = (
        stream_of(_measured(tokenized, statistics))
        if options.is_stream
        else list(_fitted(tokenized, vocabulary, options, statistics))
    )
    for row in pack(
        sequences,
        options.sequence_length,
        vocabulary.end_of_text,
        packing=options.packing,
        split=options.is_stream or options.over_long == "split",
    ):
        statistics.rows += 1
        statistics.sequences += int(row.segment_ids.max())
        statistics.tokens += int((row.segment_ids > 0).sum())
        statistics.loss_tokens += int(row.loss_mask.sum())
        yield row


def in_order(records: Iterable[Record], options: TokenOptions) -> Iterator[tuple[Record, bool]]:
    """A shard's records in the order in which they are read, and whether an end of text belongs behind each.

    None does where its document goes on. Behind such a record comes what goes on with it, or, where that is elsewhere
    or was dropped, something else.
    """
    if options.is_stream:
        # By id the piece `book@1000` would come before the piece `book@500`.
        records = sorted(records, key=lambda record: (record.source, record.position, record.id))
    waiting: Record | None = None
    for record in records:
        if waiting is not None:
            goes_on = (waiting.source, waiting.continues) == (record.source, record.position)
            yield waiting, not (waiting.continues and goes_on)
        waiting = record
    if waiting is not None:
        yield waiting, not waiting.continues


def tokenized_or_drop(
    record: Record, ends: bool, vocabulary: Vocabulary, room: int | None = None
) -> TokenizedRecord | Drop:
    """A record in tokens, or why it has none: ids of another vocabulary (`unknown_id`). See `tokenize_record`."""
    highest = max((i for segment in record.segments for i in segment.ids), default=0)
    if highest < vocabulary.end_of_text:
        return tokenize_record(record, vocabulary, ends, room)
    detail = f"holds the id {highest}; those of texts are below {vocabulary.end_of_text}"
    return Drop("unknown_id", record.source, record.id, detail)


def _tokenized(
    records: Iterable[Record],
    vocabulary: Vocabulary,
    options: TokenOptions,
    statistics: TokenStatistics,
) -> Iterator[TokenizedRecord]:
    is_cut = options.over_long == "truncate_prompt" and not options.is_stream
    room = options.sequence_length if is_cut else None
    for record, ends in in_order(records, options):
        statistics.records += 1
        statistics.separators += sum(segment.text.count(SEPARATOR) for segment in record.segments)
        found = tokenized_or_drop(record, ends, vocabulary, room)
        if isinstance(found, Drop):
            statistics.add_drop(found)
        else:
            yield found


def _measured(
    records: Iterable[TokenizedRecord], statistics: TokenStatistics
) -> Iterator[TokenizedRecord]:
    for record in records:
        if tokens := sum(len(segment.ids) for segment in record.segments):
            statistics.add_lengths(record.characters, tokens)
        yield record


def _fitted(
    records: Iterable[TokenizedRecord],
    vocabulary: Vocabulary,
    options: TokenOptions,
    statistics: TokenStatistics,
) -> Iterator[TokenSequence]:
    for record in records:
        fitted = fit(record, options.sequence_length, options.over_long)
        if isinstance(fitted, Drop):
            statistics.add_drop(fitted)
        else:
            statistics.bytes += record.size
            statistics.add_lengths(record.characters, len(fitted.ids))
            if left_out := record.size - int(vocabulary.byte_counts[fitted.ids].sum()):
                statistics.add_truncated(record.id, record.source, record.size, left_out)
            yield fitted
