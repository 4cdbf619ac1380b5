"""That what was erased stays left out: a corpus may be restored from before, without the names."""

from collections.abc import Iterable

from pipeline.config import LoadedConfig
from pipeline.externals import CORPUS
from pipeline.nodes import Node
from pipeline.serving_history import date
from pipeline.store import StoreReader
from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import InputError


def require_exclusions(loaded: LoadedConfig, store: StoreReader, nodes: Iterable[Node]) -> None:
    """Raise InputError where nodes read the corpus and a name that was erased is not left out of it any more."""
    if not any(CORPUS in node.externals.values() for node in nodes):
        return
    asked = {request.name: request.time for request in store.erasures()}
    if not asked:
        return
    # Only where something was erased it is waited for.
    from pipeline.erasure.exclusions import Exclusions

    exclusions = Exclusions.of(loaded)
    missing = asked.keys() - {sha256_text(name) for name in exclusions.names}
    if missing:
        first = min(missing, key=lambda name: asked[name])
        raise InputError(
            "erased names are not left out any more, neither by corpus.exclude nor by "
            f"{exclusions.file or 'an exclude_file'}: {len(missing)} of {len(asked)} are missing, the first of them "
            f"asked for on {date(asked[first])} (the SHA-256 of the name is {first}). Bring that file back as it was, "
            "or do `gpt2-tfx erase` for them again."
        )
