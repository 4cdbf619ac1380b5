"""What a Trainer has learned from: the training records of a corpus but those that its Tokenizer had no row for."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.lineage.corpora import FoundRecord
from pipeline.store import StoredArtifact, StoredExecution, StoreReader
from preprocessing.tokens.statistics import DROPPED_FILE

TRAINED_ON = "train"


@dataclass(frozen=True)
class TrainingSet:
    """The records of a corpus that are in rows. corpus, tokenizer: the executions that made it."""

    corpus: StoredExecution
    tokenizer: StoredExecution

    @cached_property
    def left_out(self) -> frozenset[str]:
        """The ids of the training records that are in no row; none where the list is gone, or was never made."""
        statistics = self.tokenizer.outputs.get("statistics")
        if statistics is None:
            return frozenset()
        return frozenset(_dropped(Path(statistics.uri, DROPPED_FILE)))

    def has(self, record: FoundRecord) -> bool:
        """Whether a record of the corpus was trained on."""
        return record.split == TRAINED_ON and record.id not in self.left_out

    def rows_of(self, records: Iterable[FoundRecord]) -> list[str]:
        """The files of token rows that some of its records are in: a shard of records is packed by itself."""
        folder = Path(self.tokenizer.outputs["tokens"].uri, f"Split-{TRAINED_ON}")
        shards = dict.fromkeys(record.shard for record in records)
        return [str(folder / f"rows-{shard}.tfrecord") for shard in shards]


def training_set_of(store: StoreReader, trainer: StoredExecution) -> TrainingSet | None:
    """What a Trainer has read; None where the store does not know."""
    tokenizer = store.producer(trainer.inputs["examples"].id)
    corpus = None if tokenizer is None else store.producer(tokenizer.inputs["examples"].id)
    return None if tokenizer is None or corpus is None else TrainingSet(corpus, tokenizer)


def training_set_behind(store: StoreReader, pushed: StoredArtifact) -> TrainingSet | None:
    """What a pushed model was trained on; None where the store does not know."""
    model = model_of(store, pushed)
    trainer = None if model is None else store.producer(model.id)
    return None if trainer is None else training_set_of(store, trainer)


def model_of(store: StoreReader, pushed: StoredArtifact) -> StoredArtifact | None:
    """The Model that was pushed."""
    pusher = store.producer(pushed.id)
    return None if pusher is None else pusher.inputs["model"]


def _dropped(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as lines:
            for line in map(json.loads, lines):
                if line["split"] == TRAINED_ON:
                    yield line["id"]
    except FileNotFoundError:
        return
