"""Removing the text of records from all that a workspace keeps; what was made of them is known as before."""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.erasure.holders import artifacts_with_text, corpora_with, items_with_text
from pipeline.erasure.key import ErasureKey
from pipeline.erasure.paper import signature_of
from pipeline.erasure.reach import matches_names
from pipeline.erasure.redaction import redact_facts, redact_index
from pipeline.garbage.removal import Remover
from pipeline.garbage.survey import survey
from pipeline.inclusion.salts import SALTS, SaltedRecord, Salts
from pipeline.leases import Lease
from pipeline.lineage.corpora import FoundRecord
from pipeline.manifests import Manifests
from pipeline.store import Store
from pipeline.store.vacuum import vacuum
from preprocessing.base.digests import sha256_text
from preprocessing.base.job_cache import JobCache

COMMAND = "gpt2-tfx erase --purge"


@dataclass(frozen=True)
class Purge:
    """What a purge has removed. items: outputs, caches and logs. freed: bytes."""

    items: int
    freed: int


def purge(
    loaded: LoadedConfig,
    store: Store,
    lease: Lease,
    key: ErasureKey,
    names: Sequence[str],
    known: Collection[int],
) -> Purge:
    """Remove whatever may hold text of the records of some names, and hash under the key what the store says of them.

    known: executions of CorpusGen whose corpora had them. Killed at any step, the next one goes on.
    """
    workspace = loaded.workspace
    with closing(JobCache(workspace).open_digests(writes=False)) as digests:
        manifests, matches = Manifests(workspace / "manifests", digests), matches_names(names)
        corpora, records = corpora_with(store, manifests, names, matches, known)
        with_text = artifacts_with_text(store, corpora)
        _forget_salts(workspace, records)
        for corpus in corpora:
            lease.check()
            redact_index(corpus.outputs["index"], manifests, names, matches)
        for artifact in with_text:
            redact_facts(artifact)
    items = list(
        items_with_text(
            survey(workspace, dead_seconds=0.0),
            with_text,
            corpora,
            lambda place: store.artifacts_at([workspace / place]),
        )
    )
    freed = Remover(store, workspace, lease, store.record_purge, COMMAND).remove(items)
    _forget_files(workspace)
    _hash_requests(store, workspace, key, names)
    vacuum(store.connection)
    return Purge(len(items), freed)


def _forget_salts(workspace: Path, records: Collection[FoundRecord]) -> None:
    """Delete the salts of the records, so that nobody can tell their leaves in a signed statement."""
    if not (workspace / SALTS).is_file():
        return
    salts = Salts(workspace, writes=True)
    try:
        salts.forget(SaltedRecord(record.id, record.digest) for record in records)
    finally:
        salts.close()


def _forget_files(workspace: Path) -> None:
    """Remove the digests of files: one may be of a text alone."""
    for path in workspace.glob("file_digests.sqlite*"):
        path.unlink(missing_ok=True)


def _hash_requests(store: Store, workspace: Path, key: ErasureKey, names: Sequence[str]) -> None:
    """Replace the plain digests of earlier requests, and remove what was written with them."""
    plain = {sha256_text(name): name for name in names}
    for request in list(store.erasures()):
        if request.key or request.name not in plain:
            continue
        hashed = replace(
            request,
            name=key.hash(plain[request.name]),
            records=tuple(map(key.hash, request.records)),
            key=key.identity,
        )
        store.rewrite_erasure(request, hashed.to_properties())
        dossier = workspace / "erasures" / f"{request.name}.json"
        for path in (dossier, signature_of(dossier)):
            path.unlink(missing_ok=True)
