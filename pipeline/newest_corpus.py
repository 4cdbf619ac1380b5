"""The examples that the newest run made: the records of CorpusGen and, where there are some, the rows of Tokenizer."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import locations
from pipeline.config import LoadedConfig
from pipeline.lineage.corpora import Corpora
from pipeline.lineage.drops import named_drops
from pipeline.lineage.trace import of_name
from pipeline.lineage.workspace import LineageWorkspace
from pipeline.manifests import content_root
from pipeline.store import StoredExecution, StoreReader
from preprocessing.base.errors import FailureError, InputError
from preprocessing.options import TokenOptions
from preprocessing.records.record import Record, example_to_record
from preprocessing.records.tfrecords import read_tfrecords
from preprocessing.tasks.registry import TASKS
from preprocessing.tasks.task import Task
from preprocessing.tokens.seen_records import SeenRecord, seen_records
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary


class Shard(NamedTuple):
    """A file of records, and of the rows that are packed from them."""

    split: str
    name: str


class Wanted(NamedTuple):
    """Records of one shard, by their ids."""

    shard: Shard
    ids: frozenset[str]


@dataclass(frozen=True)
class NewestCorpus:
    """What a run has made of a corpus. tokenizer: what made rows of it; None where nothing has."""

    place: LineageWorkspace
    run_id: str
    corpus: StoredExecution
    tokenizer: StoredExecution | None

    @property
    def examples(self) -> Path:
        """The folder of the records."""
        return content_root(self.corpus.outputs["examples"])

    @cached_property
    def task(self) -> Task:
        """What the corpus was read as."""
        return TASKS[self.corpus.ingredients["parameters"]["corpus.task"]]

    @cached_property
    def options(self) -> TokenOptions:
        """How its records were made into rows or, before that, how the configuration would do it."""
        options = self.place.loaded.config.tokens
        if self.tokenizer is not None:
            values = self.tokenizer.ingredients["parameters"]
            named = {field.name: f"tokens.{field.name}" for field in dataclasses.fields(options)}
            recorded = {name: values[key] for name, key in named.items() if key in values}
            options = dataclasses.replace(options, **recorded)
        return self.task.token_options(options)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the rows. Raises InputError where the configuration names another."""
        return _vocabulary(self.place.loaded, self.tokenizer)

    def find(self, name: str, split: str | None = None) -> list[Wanted]:
        """The records with an id, of a group or of a file, as they lie in the shards."""
        corpora = Corpora([self.corpus], self.place.manifests)
        if corpora.missing:
            raise InputError(f"the index of run {self.run_id} is gone; run again: gpt2-tfx run.")
        query = of_name(name)
        matching = corpora.find(name, query.matches).values()
        found = sorted(
            (record.split, record.shard, record.id)
            for records in matching
            for record in records
            if split in (None, record.split)
        )
        return [
            Wanted(Shard(*place), frozenset(record_id for *_, record_id in records))
            for place, records in groupby(found, key=lambda each: each[:2])
        ]

    def first(self, split: str, limit: int) -> list[Wanted]:
        """The first records of a split, as they lie in the shards."""
        found, left = [], limit
        for path in sorted(self.examples.glob(f"Split-{split}/records-*.tfrecord")):
            shard = Shard(split, path.stem.removeprefix("records-"))
            ids = frozenset(record.id for record in islice(self._records(shard), left))
            left -= len(ids)
            found += [Wanted(shard, ids)] if ids else []
            if not left:
                break
        return found

    def seen(self, wanted: Wanted) -> Iterator[SeenRecord]:
        """The records as the model sees them."""
        shard = self._records(wanted.shard)
        return seen_records(shard, wanted.ids, self.vocabulary, self.options)

    def drops(self, name: str) -> list[dict[str, Any]]:
        """What an id, a group or a file names that became no record, with the reasons."""
        return [drop for drop, _ in named_drops(self.corpus, [name])]

    def _records(self, shard: Shard) -> Iterator[Record]:
        path = self.examples / f"Split-{shard.split}" / f"records-{shard.name}.tfrecord"
        try:
            with path.open("rb") as file:
                yield from map(example_to_record, read_tfrecords(file))
        except (OSError, ValueError) as error:
            raise FailureError(
                f"{path}: cannot be read ({error}); make it again: gpt2-tfx run --force CorpusGen."
            ) from error


def newest_corpus(place: LineageWorkspace) -> NewestCorpus:
    """That of the newest run that has one. Raises InputError where there is none, or its files are gone."""
    store = place.store
    for run in store.runs():
        executions = store.executions_of_run(run.run_id)
        corpus = _maker(store, executions, "CorpusGen", "examples")
        if corpus is None:
            continue
        tokenizer = _maker(store, executions, "Tokenizer", "tokens")
        examples = corpus.outputs["examples"]
        if not content_root(examples).is_dir():
            raise InputError(
                f"{examples.uri}: the examples of run {run.run_id} were removed; make them again: gpt2-tfx run."
            )
        is_of_it = tokenizer is not None and tokenizer.inputs["examples"].id == examples.id
        return NewestCorpus(place, run.run_id, corpus, tokenizer if is_of_it else None)
    raise InputError(
        f"{place.workspace}: no run has made examples here; first gpt2-tfx run --to Tokenizer."
    )


def _maker(
    store: StoreReader, executions: list[StoredExecution], node: str, output: str
) -> StoredExecution | None:
    """What made a node's output that a run has made or used again."""
    outputs = [
        execution.outputs[output]
        for execution in executions
        if execution.node == node and output in execution.outputs and not execution.is_unfinished
    ]
    return store.producer(outputs[-1].id) if outputs else None


def _vocabulary(loaded: LoadedConfig, tokenizer: StoredExecution | None) -> Vocabulary:
    vocabulary = load_vocabulary(locations.vocabulary(loaded))
    recorded = tokenizer and tokenizer.ingredients["externals"].get("vocabulary")
    if recorded and recorded != vocabulary.digest:
        raise InputError(
            f"tokens.vocabulary: {loaded.config.tokens.vocabulary!r} is not the one that the rows were made with; "
            "run again: gpt2-tfx run --to Tokenizer."
        )
    return vocabulary
