"""Signing the pushed versions that have no signature yet: new ones, and those from before there was a key."""

import os
from collections.abc import Callable

from pipeline.manifests import Manifest, Manifests
from pipeline.signing import Signer, signed_files
from pipeline.store import StoreReader
from preprocessing.base.staging import write_whole
from serving.versions import SIGNATURE, Versions


class VersionSigner:
    """Signs with the key of the environment, and does nothing without one. Raises InputError where it is no key."""

    def __init__(self, store: StoreReader, versions: Versions, manifests: Manifests) -> None:
        self._signer = Signer.of_environment(os.environ)
        self._store = store
        self._versions = versions
        self._manifests = manifests

    def sign(self, say: Callable[[str], None]) -> None:
        """Sign what is published, unsigned, and still what the store recorded; say what is not, and leave it."""
        versions = self._versions
        unsigned = [n for n in versions.names() if not (versions.path(n) / SIGNATURE).exists()]
        if self._signer is None or not unsigned:
            return
        recorded = {
            str(artifact.properties.get("pushed_version")): artifact.manifest_digest
            for artifact in self._store.artifacts("PushedModel")
            if artifact.digest
        }
        for version in unsigned:
            manifest = self._manifests.read(recorded.get(version, ""))
            try:
                signature = self._signer.sign(versions.path(version))
                if _covers(signature, manifest):
                    write_whole(versions.path(version) / SIGNATURE, signature)
                else:
                    say(f"version {version} is not signed: it is not what the store recorded")
            except (OSError, ValueError) as error:
                say(f"version {version} is not signed: {error}")


def _covers(signature: bytes, manifest: Manifest | None) -> bool:
    """Whether a signature is over the files of a manifest: what was read to be signed is what was pushed."""
    if manifest is None:
        return False
    return signed_files(signature) == {name: digest for name, (_, digest) in manifest.files.items()}
