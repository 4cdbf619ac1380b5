"""Asking for records to be erased: leave them out from the next run on, and have the store remember that."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.erasure.exclusions import Exclusions
from pipeline.erasure.reach import Reach, reach, request_for
from pipeline.failure import FailureError
from pipeline.leases import RUN_LEASE, Leases
from pipeline.manifests import Manifests
from pipeline.run_record import new_run_id
from pipeline.store import Store, StoredErasure, StoreReader
from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import JobCache

COMMAND = "gpt2-tfx erase"


@dataclass(frozen=True)
class Erasure:
    """What came of asking. requests: for these names, oldest first, earlier ones too.

    added: the names that were written into the file that leaves them out, which is None where the configuration does.
    """

    reach: Reach
    requests: Sequence[StoredErasure]
    added: Sequence[str]
    file: Path | None


def erase(
    loaded: LoadedConfig,
    names: Sequence[str],
    say: Callable[[str], None],
    make_leases: Callable[[Store, str], Leases] = Leases,
) -> Erasure:
    """Leave records out: names are ids, groups of them, or files. To ask again changes nothing.

    Raises FailureError for names that nothing here has, or beside a run; InputError where there is no file to write
    the names into. Nothing is changed then.
    """
    names = list(dict.fromkeys(names))
    if "" in names:
        raise InputError("RECORD: it has no name; give an id, or a file of the corpus.")
    if not loaded.workspace.is_dir():
        raise _unknown(names, ())
    store = Store(loaded.config.name, loaded.config.store, loaded.workspace)
    leases = make_leases(store, f"erase-{new_run_id()}")
    leases.command = COMMAND
    with (
        leases.acquire(RUN_LEASE, wait=False, say=say) as lease,
        closing(JobCache(loaded.workspace).open_digests(writes=False)) as digests,
    ):
        earlier = requests_for(store, names)
        found = reach(store, Manifests(loaded.workspace / "manifests", digests), names, earlier)
        _refuse_unknown(names, found, earlier)
        exclusions = Exclusions.of(loaded)
        added = exclusions.missing(names)
        lease.check()
        if added:
            exclusions.add(added)
        _record(store, names, found, earlier)
        return Erasure(found, requests_for(store, names), added, exclusions.file)


def requests_for(store: StoreReader, names: Sequence[str]) -> list[StoredErasure]:
    """The requests for some names, oldest first."""
    asked = {sha256_text(name) for name in names}
    return [request for request in store.erasures() if request.name in asked][::-1]


def _record(
    store: Store, names: Sequence[str], found: Reach, earlier: Sequence[StoredErasure]
) -> None:
    """Have the store remember each name that it does not know yet, or whose records are in further corpora."""
    known: dict[str, set[int]] = {}
    for request in earlier:
        known.setdefault(request.name, set()).update(request.corpora)
    indices = {each.id: each.outputs["index"] for each in store.history("CorpusGen")}
    for name in names:
        request = request_for(name, found)
        if request.name not in known or request.corpora.keys() - known[request.name]:
            held = [indices[corpus] for corpus in request.corpora]
            store.record_erasure(held, request.to_properties())


def _refuse_unknown(names: Sequence[str], found: Reach, earlier: Sequence[StoredErasure]) -> None:
    known = {request.name for request in earlier}
    unknown = [name for name in names if not found.records[name] and sha256_text(name) not in known]
    if unknown:
        raise _unknown(unknown, found.not_looked_at)


def _unknown(names: Sequence[str], not_looked_at: Sequence[str]) -> FailureError:
    lines = [
        f"{name}: no corpus of this workspace holds a record or a file of this name"
        for name in names
    ]
    lines += [f"{uri}: its index is gone; it was not looked at" for uri in not_looked_at]
    return FailureError(
        "\n".join(
            [
                *lines,
                "Nothing was changed. `gpt2-tfx lineage trace --text -` finds a record by its text.",
            ]
        )
    )
