"""Signing the pushed versions that lack a signature or claims: new ones, and those from before there was a key."""

import os
from collections.abc import Callable
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.manifests import Manifest, Manifests
from pipeline.signing import Signer, signed_files
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.staging import write_whole
from serving.versions import ADDED_LATER, CLAIMS, SIGNATURE, Versions


class VersionSigner:
    """Signs with the key of the environment, and does nothing without one. Raises InputError where it is no key."""

    def __init__(self, loaded: LoadedConfig, store: StoreReader, manifests: Manifests) -> None:
        self._signer = Signer.of_environment(os.environ)
        self._workspace = loaded.workspace
        self._store = store
        self._versions = Versions(loaded.workspace / "serving")
        self._manifests = manifests

    def sign(self, say: Callable[[str], None]) -> None:
        """Sign what is published and still what the store recorded, where it lacks something; say what is not."""
        if self._signer is None:
            return
        path = self._versions.path
        open_ones = [
            name
            for name in self._versions.names()
            if not all((path(name) / added).exists() for added in ADDED_LATER)
        ]
        if open_ones:
            self._sign_all(self._signer, open_ones, say)
        if (self._workspace / "erasures").is_dir():
            from pipeline.claims.erasures import claim_erasures

            claim_erasures(self._workspace, self._signer, say)

    def _sign_all(self, signer: Signer, versions: list[str], say: Callable[[str], None]) -> None:
        # Only who makes claims waits for what this imports.
        from pipeline.claims.making import ClaimMaker

        recorded = self._recorded()
        maker = ClaimMaker(self._workspace, self._store, self._manifests)
        for version in versions:
            folder, known = self._versions.path(version), recorded.get(version)
            fault = self._sign(signer, folder, known)
            if fault:
                say(f"version {version} is not signed: {fault}")
            elif known is not None and (fault := maker.claim(signer, folder, known)):
                say(f"version {version} has no claims: {fault}")

    def _recorded(self) -> dict[str, StoredArtifact]:
        """Version -> what the store knows of it."""
        return {
            str(artifact.properties.get("pushed_version")): artifact
            for artifact in self._store.artifacts("PushedModel")
            if artifact.digest
        }

    def _sign(self, signer: Signer, folder: Path, recorded: StoredArtifact | None) -> str:
        """Sign a version that has no signature; returns why not, where it is left as it is."""
        if recorded is None:
            return "the store does not know it"
        # By what is remembered of its files: a version that stays unsigned must not be read by every run.
        for mismatch in self._manifests.mismatches(recorded):
            return f"{mismatch.path} is not what was recorded"
        manifest, path = self._manifests.read(recorded.manifest_digest), folder / SIGNATURE
        try:
            signature = path.read_bytes() if path.exists() else signer.sign(folder)
            if not _covers(signature, manifest):
                return f"it has changed, has hidden files, or its {SIGNATURE} is of other files"
            if path.exists():
                return ""
            # Claims of another signature are none of this one.
            (folder / CLAIMS).unlink(missing_ok=True)
            write_whole(path, signature)
        except (LookupError, TypeError):
            return f"its {SIGNATURE} cannot be read"
        except (OSError, ValueError) as error:
            return str(error)
        return ""


def _covers(signature: bytes, manifest: Manifest | None) -> bool:
    """Whether a signature is over the files of a manifest: what was read to be signed is what was pushed."""
    if manifest is None:
        return False
    return signed_files(signature) == {name: digest for name, (_, digest) in manifest.files.items()}
