"""That what was erased stays left out: a corpus may be restored from before, without the names."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipeline.config import LoadedConfig
from pipeline.externals import CORPUS
from pipeline.nodes import Node
from pipeline.serving_history import date
from pipeline.store import StoredErasure, StoreReader
from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import InputError

if TYPE_CHECKING:
    from pipeline.erasure.key import ErasureKey


def require_exclusions(loaded: LoadedConfig, store: StoreReader, nodes: Iterable[Node]) -> None:
    """Raise InputError where nodes read the corpus and a name that was erased is not left out of it any more."""
    if not any(CORPUS in node.externals.values() for node in nodes):
        return
    requests = list(store.erasures())
    if not requests:
        return
    # Only where something was erased it is waited for.
    from pipeline.erasure.exclusions import Exclusions

    key = _key(loaded, requests)
    asked = {request.name: request.time for request in requests}
    exclusions = Exclusions.of(loaded)
    known = {sha256_text(name) for name in exclusions.names}
    if key is not None:
        known |= {key.hash(name) for name in exclusions.names}
    missing = asked.keys() - known
    if missing:
        first = min(missing, key=lambda name: asked[name])
        raise InputError(
            "erased names are not left out any more, neither by corpus.exclude nor by "
            f"{exclusions.file or 'an exclude_file'}: {len(missing)} of {len(asked)} are missing, the first of them "
            f"asked for on {date(asked[first])} (the hash of the name is {first}). Bring that file back as it was, "
            "or do `gpt2-tfx erase` for them again."
        )


def _key(loaded: LoadedConfig, requests: Iterable[StoredErasure]) -> "ErasureKey | None":
    """The key that the hashes of purged names are under; None where nothing was purged."""
    from pipeline.erasure.key import KEY_VARIABLE, ErasureKey

    identities = {request.key for request in requests} - {""}
    if not identities:
        return None
    key = ErasureKey.of_environment(os.environ, loaded.workspace)
    if key is None or identities != {key.identity}:
        what = "not set" if key is None else "another key than that"
        raise InputError(
            f"{KEY_VARIABLE}: {what} with which names were purged, and without it nobody sees whether they are still "
            "left out of the corpus. Set it to the key of `gpt2-tfx erase --purge`."
        )
    return key
