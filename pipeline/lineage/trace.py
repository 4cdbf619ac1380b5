"""From a record to everything that it reached: corpora, shards, models, pushed versions, over all runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pipeline.lineage.corpora import Corpora, FoundRecord
from pipeline.lineage.training_set import (
    TrainingSet,
    model_of,
    training_set_behind,
    training_set_of,
)
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import InputError
from preprocessing.records.ids import names_of

# What is asked with fewer digits could be of many records.
FEWEST_DIGITS = 8

Matches = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Query:
    """What is asked for.

    values: what a field of the record's line begins with, any of them. matches: whether it is one.
    """

    values: tuple[str, ...]
    matches: Matches


def of_name(name: str) -> Query:
    """A record by its id or the group that it is in, or all records of a file of the corpus."""
    return Query((name,), lambda line: name in names_of(line["id"]) or line["source"] == name)


def of_digest(digest: str) -> Query:
    """A record by the SHA-256 of its source's bytes, or the beginning of it."""
    return Query((digest.lower(),), lambda line: line["digest"].startswith(digest.lower()))


def of_text(text: str) -> Query:
    """Records by their document (see `copies`) as it was read or as a task cleans it, or by their source's bytes."""
    # Only who asks by text waits for it.
    from preprocessing.records.copies import text_digest

    documents = {text_digest(version).hex() for version in _as_cleaned(text)}
    whole = {sha256_text(version) for version in (text, text.strip(), f"{text.strip()}\n")}
    return Query(
        (*sorted(documents), *sorted(whole)),
        lambda line: line["document"] in documents or line["digest"] in whole,
    )


@dataclass(frozen=True)
class ReachedModel:
    """A model with the record in its training set.

    uri: of the Trainer's output. pushed: the versions that hold it. records: how many of those that were asked for.
    rows: the files of token rows that they are in; each is packed from the records of one shard.
    """

    uri: str
    digest: str
    pushed: tuple[str, ...]
    execution: int
    records: int
    rows: tuple[str, ...]


@dataclass(frozen=True)
class ReachedExamples:
    """A corpus that a CorpusGen made with the record: its Examples, and the records that were found in it."""

    uri: str
    execution: int
    found: tuple[FoundRecord, ...]


@dataclass(frozen=True)
class Trace:
    """Where a record is. not_looked_at: the Examples whose index is gone, so that nothing is known of them."""

    examples: tuple[ReachedExamples, ...]
    models: tuple[ReachedModel, ...]
    not_looked_at: tuple[str, ...]

    @property
    def records(self) -> tuple[FoundRecord, ...]:
        """The records, each once."""
        return tuple(dict.fromkeys(found for each in self.examples for found in each.found))


def trace(store: StoreReader, manifests: Manifests, query: Query) -> Trace:
    """Everything that holds a record, over all runs of the workspace."""
    executions = list(store.history("CorpusGen"))
    corpora = Corpora(executions, manifests)
    by_shard: dict[str, list[FoundRecord]] = {}
    for value in query.values:
        for shard, records in corpora.find(value, query.matches).items():
            by_shard.setdefault(shard, []).extend(records)
    examples = [
        ReachedExamples(
            execution.outputs["examples"].uri, execution.id, tuple(dict.fromkeys(found))
        )
        for execution in executions
        if (found := [r for s in corpora.shards.get(execution.id, ()) for r in by_shard.get(s, ())])
    ]
    trained = {each.execution: each.found for each in examples}

    def learned(training: TrainingSet) -> tuple[int, list[str]]:
        found = [*filter(training.has, trained.get(training.corpus.id, ()))]
        return len(found), training.rows_of(found)

    missing = dict.fromkeys(each.outputs["examples"].uri for each in corpora.missing)
    models = models_trained_on(store, learned) if trained else ()
    return Trace(tuple(examples), tuple(models), tuple(missing))


def trained_on(
    store: StoreReader, manifests: Manifests, pushed: StoredArtifact, limit: int = 1000
) -> tuple[int, list[FoundRecord]]:
    """How many records a pushed model has in its training set, and the first of them.

    Raises InputError where the store or the workspace does not know them any more.
    """
    training = training_set_behind(store, pushed)
    corpora = Corpora([] if training is None else [training.corpus], manifests)
    if training is None or corpora.missing:
        raise InputError(f"version {pushed.properties.get('pushed_version')}: its index is gone.")
    shards = corpora.training_shards[training.corpus.id]
    records = filter(training.has, corpora.records(shards))
    return corpora.count(shards) - len(training.left_out), list(islice(records, limit))


def models_trained_on(
    store: StoreReader, learned: Callable[[TrainingSet], tuple[int, list[str]]]
) -> Iterator[ReachedModel]:
    """The models whose Trainer has learned from records.

    learned: how many of those that are asked for are in a set, and in which files of rows.
    """
    versions = _versions_by_model(store)
    for trainer in store.history("Trainer"):
        training = training_set_of(store, trainer)
        records, rows = (0, []) if training is None else learned(training)
        if records:
            model = trainer.outputs["model"]
            pushed = tuple(versions.get(model.id, ()))
            yield ReachedModel(model.uri, model.digest, pushed, trainer.id, records, tuple(rows))


def _versions_by_model(store: StoreReader) -> dict[int, list[str]]:
    """Model's artifact id -> the versions that were pushed of it."""
    found: dict[int, list[str]] = {}
    for pushed in store.artifacts("PushedModel"):
        version, model = pushed.properties.get("pushed_version"), model_of(store, pushed)
        if version is not None and model is not None:
            versions = found.setdefault(model.id, [])
            if str(version) not in versions:
                versions.append(str(version))
    return found


def _as_cleaned(text: str) -> Iterator[str]:
    """The text, and what each task makes of a document of its own."""
    from preprocessing.readers.decoding import normalise_line_ends
    from preprocessing.tasks.cleaning import clean_article, clean_line

    yield text
    for clean in (clean_article, clean_line, normalise_line_ends):
        yield clean(text)
