"""Signing the pushed versions that have no signature yet: new ones, and those from before there was a key."""

import os
from collections.abc import Callable
from pathlib import Path

from pipeline.manifests import Manifest, Manifests
from pipeline.signing import Signer, signed_files
from pipeline.store import StoredArtifact, StoreReader
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
        if self._signer is None:
            return
        names, path = self._versions.names(), self._versions.path
        unsigned = [name for name in names if not (path(name) / SIGNATURE).exists()]
        recorded = self._recorded() if unsigned else {}
        for version in unsigned:
            fault = self._sign(self._signer, path(version), recorded.get(version))
            if fault:
                say(f"version {version} is not signed: {fault}")

    def _recorded(self) -> dict[str, StoredArtifact]:
        """Version -> what the store knows of it."""
        return {
            str(artifact.properties.get("pushed_version")): artifact
            for artifact in self._store.artifacts("PushedModel")
            if artifact.digest
        }

    def _sign(self, signer: Signer, folder: Path, recorded: StoredArtifact | None) -> str:
        """Sign a version; returns why not, where it is left as it is."""
        if recorded is None:
            return "the store does not know it"
        # By what is remembered of its files: a version that stays unsigned must not be read by every run.
        for mismatch in self._manifests.mismatches(recorded):
            return f"{mismatch.path} is not what was recorded"
        try:
            signature = signer.sign(folder)
            if not _covers(signature, self._manifests.read(recorded.manifest_digest)):
                return "it has changed, or has hidden files"
            write_whole(folder / SIGNATURE, signature)
        except (OSError, ValueError) as error:
            return str(error)
        return ""


def _covers(signature: bytes, manifest: Manifest | None) -> bool:
    """Whether a signature is over the files of a manifest: what was read to be signed is what was pushed."""
    if manifest is None:
        return False
    return signed_files(signature) == {name: digest for name, (_, digest) in manifest.files.items()}
