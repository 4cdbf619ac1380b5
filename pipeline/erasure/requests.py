"""Asking for records to be erased: leave them out from the next run on, and have the store remember that."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.erasure import purge
from pipeline.erasure.dropped import corpora_that_dropped
from pipeline.erasure.exclusions import Exclusions
from pipeline.erasure.key import HOW_TO_MAKE, KEY_VARIABLE, ErasureKey
from pipeline.erasure.purge import Purge
from pipeline.erasure.reach import Reach, reach, request_for
from pipeline.garbage.removal import only_process
from pipeline.leases import RUN_LEASE, Lease, Leases
from pipeline.manifests import Manifests
from pipeline.run_record import new_run_id
from pipeline.store import Store, StoredErasure, StoreReader
from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import FailureError, InputError
from preprocessing.base.job_cache import JobCache

COMMAND = "gpt2-tfx erase"


@dataclass(frozen=True)
class Erasure:
    """What came of asking. requests: for these names, oldest first, earlier ones too.

    added: the names that were written into the file that leaves them out, which is None where the configuration does.
    purged: what was removed for it now, where that was asked.
    """

    reach: Reach
    requests: Sequence[StoredErasure]
    added: Sequence[str]
    file: Path | None
    purged: Purge | None = None


def erase(
    loaded: LoadedConfig,
    names: Sequence[str],
    say: Callable[[str], None],
    make_leases: Callable[[Store, str], Leases] = Leases,
    purges: bool = False,
) -> Erasure:
    """Leave records out: names are ids, groups of them, or files. To ask again changes nothing.

    purges: whether their text is removed from all that the workspace keeps, too.
    Raises FailureError for names that nothing here has, or beside a run; InputError where there is no file to write
    the names into, or no key for a purge. Nothing is changed then.
    """
    key = ErasureKey.of_environment(os.environ, loaded.workspace)
    if purges and key is None:
        raise InputError(
            f"--purge: {KEY_VARIABLE} is not set. What the store keeps of a purged name is a hash under this key, "
            f"which later runs need to see that it stays left out. {HOW_TO_MAKE}"
        )
    names = list(dict.fromkeys(names))
    if "" in names:
        raise InputError("RECORD: it has no name; give an id, or a file of the corpus.")
    if not loaded.workspace.is_dir():
        raise _unknown(names, ())
    store = Store(loaded.config.name, loaded.config.store, loaded.workspace)
    leases = make_leases(store, f"erase-{new_run_id()}")
    leases.command = purge.COMMAND if purges else COMMAND
    alone = only_process if purges else _beside_containers
    with alone(store, leases, say) as lease:
        earlier = requests_for(store, names, key)
        with closing(JobCache(loaded.workspace).open_digests(writes=False)) as digests:
            manifests = Manifests(loaded.workspace / "manifests", digests)
            found = reach(store, manifests, names, earlier)
        dropped = corpora_that_dropped(store.history("CorpusGen"), names)
        _refuse_unknown([name for name in names if name not in dropped], found, earlier, key)
        exclusions = Exclusions.of(loaded)
        added = exclusions.missing(names)
        lease.check()
        if added:
            exclusions.add(added)
        _record(store, names, found, earlier, key, purges)
        purged = None
        if purges and key is not None:
            purged = purge.purge(loaded, store, lease, key, names, found.corpora)
        return Erasure(found, requests_for(store, names, key), added, exclusions.file, purged)


@contextmanager
def _beside_containers(store: Store, leases: Leases, say: Callable[[str], None]) -> Iterator[Lease]:
    """What only adds to the workspace may be done while a run of containers is not over."""
    with leases.acquire(RUN_LEASE, wait=False, say=say) as lease:
        yield lease


def requests_for(
    store: StoreReader, names: Sequence[str], key: ErasureKey | None
) -> list[StoredErasure]:
    """The requests for some names, oldest first. key: what those are hashed under for which there was a purge."""
    hashes = [sha256_text, *([key.hash] if key else [])]
    asked = {hashed(name) for hashed in hashes for name in names}
    return [request for request in store.erasures() if request.name in asked][::-1]


def _record(
    store: Store,
    names: Sequence[str],
    found: Reach,
    earlier: Sequence[StoredErasure],
    key: ErasureKey | None,
    purges: bool,
) -> None:
    """Have the store remember each name that it does not know yet, or whose records are in further corpora.

    purges: whether it does so by hashes under the key; those of before are hashed by the purge.
    """
    known: dict[str, set[int]] = {}
    for request in earlier:
        known.setdefault(request.name, set()).update(request.corpora)
    indices = {each.id: each.outputs["index"] for each in store.history("CorpusGen")}
    for name in names:
        request = request_for(name, found, key if purges else None)
        hashes = (sha256_text(name), key.hash(name) if key else "")
        before = [known[each] for each in hashes if each in known]
        if not before or request.corpora.keys() - set().union(*before):
            held = [indices[corpus] for corpus in request.corpora]
            store.record_erasure(held, request.to_properties())


def _refuse_unknown(
    names: Sequence[str],
    found: Reach,
    earlier: Sequence[StoredErasure],
    key: ErasureKey | None,
) -> None:
    known = {request.name for request in earlier}
    unknown = [
        name
        for name in names
        if not found.records[name]
        and sha256_text(name) not in known
        and (key is None or key.hash(name) not in known)
    ]
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
