"""What is evaluated: the records of a split, their token rows, and prompts that fit into the context."""

from collections.abc import Sequence
from pathlib import Path

from preprocessing.options import TokenOptions
from preprocessing.records.record import Record, Segment, example_to_record
from preprocessing.records.tfrecords import read_tfrecords
from preprocessing.tokens.record_rows import rows_of
from preprocessing.tokens.rows import Row, read_rows
from preprocessing.tokens.statistics import TokenStatistics
from preprocessing.tokens.vocabulary import Vocabulary


def read_split_records(examples: Path, split: str) -> list[Record]:
    """The records of a split of an Examples artifact, in order of id."""
    records: list[Record] = []
    for path in sorted(examples.glob(f"Split-{split}/records-*.tfrecord")):
        with path.open("rb") as file:
            records += map(example_to_record, read_tfrecords(file))
    return sorted(records, key=lambda record: record.id)


def read_split_rows(tokens: Path, split: str) -> list[Row]:
    """The token rows of a split of an Examples artifact."""
    return list(read_rows(sorted(tokens.glob(f"Split-{split}/rows-*.tfrecord"))))


def token_rows(
    records: Sequence[Record], vocabulary: Vocabulary, options: TokenOptions
) -> list[Row]:
    """The rows that the Tokenizer would make of some records in one shard."""
    return list(rows_of(records, vocabulary, options, TokenStatistics()))


def fitting_prompt(segments: Sequence[Segment], vocabulary: Vocabulary, room: int) -> str:
    """The text of a prompt's segments, cut at the end of the first (the article, the story) to `room` tokens.

    This is how the Tokenizer cuts an over-long record, so that a model is asked as it was taught: what follows the
    article survives, but for the oldest turns of a conversation whose history alone is too long.
    """
    first, later = segments[0].text, list(segments[1:])
    while len(history := vocabulary.encode(_text(later))) > room:
        answers = [place for place, segment in enumerate(later) if segment.references]
        if not answers:
            break
        del later[: answers[0] + 1]
    left = max(0, room - len(history))
    ids = vocabulary.encode(first)
    if len(ids) > left:
        # A cut inside a character would leave half of it.
        first = vocabulary.decode(ids[:left]).rstrip("\N{REPLACEMENT CHARACTER}")
    return first + _text(later)


def _text(segments: Sequence[Segment]) -> str:
    return "".join(segment.text for segment in segments)
