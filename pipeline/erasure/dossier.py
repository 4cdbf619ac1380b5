"""The dossier of an erasure: what was asked, what had it, what replaces that, and what remains and why."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.config import LoadedConfig
from pipeline.erasure.holders import artifacts_with_text
from pipeline.erasure.key import ErasureKey
from pipeline.erasure.remains import remains
from pipeline.erasure.requests import Erasure
from pipeline.lineage.provenance import pushed_artifact
from pipeline.lineage.training_set import training_set_behind
from pipeline.manifests import removals, removed_at
from pipeline.serving_history import pushed_at, served_as, serving_events
from pipeline.store import ServingEvent, StoredErasure, StoredExecution, StoreReader
from preprocessing.base.errors import InputError
from serving.versions import Versions

VERSION = 1


def dossier(loaded: LoadedConfig, erasure: Erasure) -> dict[str, Any]:
    """The document of `docs/schemas/erasure-dossier.schema.json`, as of now; no name or text is in it."""
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    versions = Versions(loaded.workspace / "serving")
    events = list(serving_events(store, versions))
    found, requests = erasure.reach, erasure.requests
    corpora = {each.id: each for each in store.history("CorpusGen")}
    held = [corpora[execution] for execution in sorted(found.corpora)]
    key = ErasureKey.of_environment(os.environ, loaded.workspace)
    # The digest of a copy is that of what was purged.
    hashed = key.hash if key and any(request.key for request in requests) else str
    return {
        "version": VERSION,
        "made": time.time(),
        "pipeline": loaded.config.name,
        "workspace": store.names.workspace,
        "asked": _asked(requests),
        "corpora": [
            {
                "execution": execution,
                "uri": _within(loaded.workspace, corpora[execution].outputs["examples"].uri),
                "digest": corpora[execution].outputs["examples"].digest,
                "records": records,
                "training": training,
            }
            for execution, (records, training) in sorted(found.corpora.items())
        ],
        "models": [
            {
                "uri": _within(loaded.workspace, model.uri),
                "digest": model.digest,
                "execution": model.execution,
                "records": model.records,
                "pushed": [_pushed(version, events) for version in model.pushed],
            }
            for model in found.models
        ],
        "purged": _purged(store, loaded.workspace, requests, held),
        "latest": versions.latest(),
        "replacement": _replacement(store, erasure, events),
        "not_looked_at": len(found.not_looked_at),
        "copies": [
            {"digest": hashed(record.digest), "split": record.split} for record in found.copies
        ],
        "remains": list(remains(loaded, store, erasure, versions)),
    }


def _asked(requests: Sequence[StoredErasure]) -> list[dict[str, Any]]:
    """Each name once, with the time when it was asked for first and all records that were found of it."""
    by_name: dict[str, list[StoredErasure]] = {}
    for request in requests:
        by_name.setdefault(request.name, []).append(request)
    return [
        {
            "name_sha256": name,
            "keyed": any(each.key for each in those),
            "time": those[0].time,
            "records": list(dict.fromkeys(digest for each in those for digest in each.records)),
        }
        for name, those in by_name.items()
    ]


def _pushed(version: str, events: Sequence[ServingEvent]) -> dict[str, Any]:
    return {
        "version": version,
        "time": pushed_at(version, events),
        "served": [
            {"since": each.since, "until": each.until} for each in served_as(version, events)
        ],
    }


def _replacement(
    store: StoreReader, erasure: Erasure, events: Sequence[ServingEvent]
) -> dict[str, Any] | None:
    """The first version that was pushed, or served again, after all was asked, from a corpus without the records."""
    first: dict[str, float] = {}
    for request in erasure.requests:
        first.setdefault(request.name, request.time)
    asked = max(first.values())
    for event in sorted(events, key=lambda event: event.id):
        if event.kind == "release" or event.time <= asked:
            continue
        corpus = _corpus_of_version(store, event.version)
        if corpus is not None and _is_free(corpus, erasure):
            return {
                "version": event.version,
                "time": event.time,
                "digest": event.model_digest,
                "corpus": corpus.outputs["examples"].digest,
            }
    return None


def _corpus_of_version(store: StoreReader, version: str) -> StoredExecution | None:
    try:
        training = training_set_behind(store, pushed_artifact(store, version))
        return None if training is None else training.corpus
    except InputError:
        return None


def _is_free(corpus: StoredExecution, erasure: Erasure) -> bool:
    """Whether it is known of a corpus that it holds none of the records."""
    looked_at = corpus.outputs["examples"].uri not in erasure.reach.not_looked_at
    return looked_at and corpus.id not in erasure.reach.corpora


def _purged(
    store: StoreReader,
    workspace: Path,
    requests: Sequence[StoredErasure],
    corpora: Sequence[StoredExecution],
) -> dict[str, Any] | None:
    """What purges have removed of these corpora and of what was made from them; None where none was asked for."""
    if not any(request.key for request in requests):
        return None
    with_text = artifacts_with_text(store, corpora)
    removed = removals(store, with_text)
    return {
        "artifacts": [
            {
                "type": artifact.type,
                "uri": _within(workspace, artifact.uri),
                "digest": artifact.digest,
                "time": time_erased,
            }
            for artifact in sorted(with_text, key=lambda artifact: artifact.id)
            if (time_erased := removed_at(removed, artifact, "erased")) is not None
        ]
    }


def _within(workspace: Path, uri: str) -> str:
    """A path relative to the workspace."""
    path = Path(uri)
    return path.relative_to(workspace).as_posix() if path.is_relative_to(workspace) else uri
