"""The dossiers that a run writes: of each name that was erased, when a version is there that replaces what had it."""

import os
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.store import StoredErasure, StoreReader


def write_dossiers(loaded: LoadedConfig) -> list[Path]:
    """Write `erasures/<SHA-256 of a name>.json` into the workspace, each once; returns those that were written now."""
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    by_name: dict[str, list[StoredErasure]] = defaultdict(list)
    for request in store.erasures():
        by_name[request.name].insert(0, request)
    folder = loaded.workspace / "erasures"
    open_ones = {name: folder / f"{name}.json" for name in by_name}
    open_ones = {name: path for name, path in open_ones.items() if not path.exists()}
    if not open_ones:
        return []
    # Only where something was erased it is waited for.
    from pipeline.erasure.dossier import dossier
    from pipeline.erasure.key import ErasureKey
    from pipeline.erasure.paper import write_dossier
    from pipeline.erasure.reach import reach_of_requests
    from pipeline.erasure.requests import Erasure
    from pipeline.manifests import Manifests
    from preprocessing.base.job_cache import JobCache

    key = ErasureKey.of_environment(os.environ, loaded.workspace)
    written = []
    with closing(JobCache(loaded.workspace).open_digests(writes=False)) as digests:
        manifests = Manifests(loaded.workspace / "manifests", digests)
        for name, path in open_ones.items():
            found = reach_of_requests(store, manifests, by_name[name], key)
            document = dossier(loaded, Erasure(found, by_name[name], [], None))
            if document["replacement"] is not None:
                write_dossier(path, document)
                written.append(path)
    return written
