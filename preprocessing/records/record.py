"""Records, which are made of segments, and what else can become of a document: Drop or Fault."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from preprocessing.records.examples import decode_example, encode_example

# So many characters of a document are its beginning.
TEXT_SHOWN = 300

TRAIN = "train"
SPLITS = (TRAIN, "validation", "test")


@dataclass(frozen=True)
class Segment:
    """A stretch of a record's text.

    text: the characters; a record's text is its segments' texts joined.
    in_loss: whether the model is trained to predict them.
    references: if any, this segment is a target of generation: the prompt is the text of every
        segment before it, the references are the accepted texts, the gold one first.
    ids: if any, the tokens, and text is empty; such a segment is the record's only one.
    """

    text: str
    in_loss: bool
    references: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()


class Place(NamedTuple):
    """Which record of a corpus, and where: see `Record`. is_part: of a text that was cut, which is its whole source."""

    id: str
    source: str
    position: int
    split: str
    is_part: bool = False


@dataclass(frozen=True)
class Record:
    """One document of a corpus.

    id: unique in the corpus and stable between runs.
    source: the file it came from, a posix path relative to the corpus.
    position: where in the file: the conversation's index, or the text's byte offset, else 0.
    digest: SHA-256 of the source bytes behind the record.
    split: one of SPLITS.
    segments: the text; the end of text id is not part of it, the Tokenizer appends that.
    continues: the position at which its document goes on, in another record or split, so that it has no end of text;
        0 where the document ends with it.
    domain: what the release calls the kind of its source, of which scores are told apart; empty where it does not.
    document: the digest of the text of which it is a part, see `copies`; not in its Example.
    """

    id: str
    source: str
    position: int
    digest: str
    split: str
    segments: tuple[Segment, ...]
    continues: int = 0
    domain: str = ""
    document: bytes = field(default=b"", compare=False)

    @property
    def place(self) -> Place:
        """Where the record is."""
        return Place(self.id, self.source, self.position, self.split, bool(self.document))

    def named(self, record_id: str) -> "Record":
        """The record with another id."""
        return replace(self, id=record_id)


@dataclass(frozen=True)
class Drop:
    """A document left out, with the reason (snake_case) by which it is counted.

    text: how the document begins, where whoever drops it has it; in no file but a page.
    """

    reason: str
    source: str
    id: str
    detail: str
    text: str = field(default="", compare=False)

    def to_dict(self) -> dict[str, str]:
        """What is written down of it."""
        return {
            "reason": self.reason,
            "source": self.source,
            "id": self.id,
            "detail": self.detail,
        }

    def beginning(self, text: str) -> "Drop":
        """The drop with the beginning of its document, in which half a surrogate pair is a question mark."""
        return replace(self, text=text[:TEXT_SHOWN].encode(errors="replace").decode())


@dataclass(frozen=True)
class Fault:
    """A mistake in the corpus that stops the run: file, place, value and remedy in one message."""

    message: str


Outcome = Record | Drop | Fault


def record_to_example(record: Record) -> bytes:
    """The record as a serialised tf.train.Example; `example_to_record` gives it back.

    Features beyond the record itself are for the data schema: `prompt_characters` and
    `target_characters` (characters out of and in the segments with references; without any, all
    are target; tokens count as characters) and `replacement_characters` (how many are U+FFFD).
    """
    texts = [segment.text for segment in record.segments]
    ids = [i for segment in record.segments for i in segment.ids]
    total = sum(map(len, texts)) + len(ids)
    target = sum(len(segment.text) for segment in record.segments if segment.references) or total
    return encode_example(
        {
            "id": [record.id.encode()],
            "source": [record.source.encode()],
            "position": [record.position],
            "digest": [record.digest.encode()],
            "split": [record.split.encode()],
            "text": [text.encode() for text in texts],
            "in_loss": [int(segment.in_loss) for segment in record.segments],
            "reference_counts": [len(segment.references) for segment in record.segments],
            "references": [
                reference.encode()
                for segment in record.segments
                for reference in segment.references
            ],
            "prompt_characters": [total - target],
            "target_characters": [target],
            "replacement_characters": [sum(text.count("\ufffd") for text in texts)],
            **({"ids": ids} if ids else {}),
            **({"continues": [record.continues]} if record.continues else {}),
            **({"domain": [record.domain.encode()]} if record.domain else {}),
        }
    )


def example_to_record(data: bytes) -> Record:
    """The record in a serialised Example. Raises ValueError if `data` does not hold one."""
    features = decode_example(data)
    try:
        references = iter(features.get("references", []))
        ids = tuple(features.get("ids", ()))
        segments = tuple(
            Segment(
                text.decode(),
                bool(in_loss),
                tuple(next(references).decode() for _ in range(count)),
                ids,
            )
            for text, in_loss, count in zip(
                features["text"], features["in_loss"], features["reference_counts"], strict=True
            )
        )
        return Record(
            id=features["id"][0].decode(),
            source=features["source"][0].decode(),
            position=features["position"][0],
            digest=features["digest"][0].decode(),
            split=features["split"][0].decode(),
            segments=segments,
            continues=features.get("continues", [0])[0],
            domain=features.get("domain", [b""])[0].decode(),
        )
    except (LookupError, ValueError, RuntimeError) as error:  # RuntimeError: no reference left
        raise ValueError(f"not a record, its features are {sorted(features)}") from error


def assign_split(record_id: str, fractions: tuple[float, float], seed: int) -> str:
    """The split of a record where the release has none, by a hash of its id.

    `fractions` are the shares of validation and test. A record stays in its split whatever else
    is in the corpus.
    """
    validation, test = fractions
    point = _hash_of("split", seed, record_id) / 2**64
    if point < test:
        return "test"
    return "validation" if point < test + validation else "train"


def record_seed(seed: int, record_id: str) -> int:
    """A 64-bit seed for the draws of one record, independent of every other record's."""
    return _hash_of("draw", seed, record_id)


def _hash_of(purpose: str, seed: int, record_id: str) -> int:
    digest = hashlib.sha256(f"{purpose}\0{seed}\0{record_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big")
