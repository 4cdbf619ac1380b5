"""What every export of a model is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from pipeline.claims.slsa import root_digest
from pipeline.described_changes import packages_of_lock
from pipeline.lineage.facts import training_tokens
from pipeline.lineage.provenance import executions_behind, show
from pipeline.manifests import Manifests
from pipeline.outside_files import OutsideFiles
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.errors import InputError

# Of the UUIDs of exports: the same model has the same ones.
_NAMES = uuid5(UUID(int=0), "urn:gpt2-tfx:export")
# What no record of a pipeline can say.
PROVIDER = "to be stated by the provider"

Node = Mapping[str, Any]


@dataclass(frozen=True)
class ExportedModel:
    """A pushed model, as exports see it.

    shown: the document of `lineage.show`. files: relative name -> (size in bytes, SHA-256) of the pushed folder.
    corpus_files: relative name -> SHA-256; None where no list of them was kept. tokens: of the training set; None where
    the file that says so is gone. packages: name -> version, of the locks that the Trainer had; empty where they are
    gone.
    """

    shown: Mapping[str, Any]
    files: Mapping[str, tuple[int, str]]
    corpus_files: Mapping[str, str] | None
    tokens: int | None
    packages: Mapping[str, str]

    @property
    def root(self) -> str:
        """The digest of the pushed folder: see `root_digest`."""
        return root_digest({name: digest for name, (_, digest) in self.files.items()})

    @property
    def version(self) -> str:
        """The pushed version."""
        return str(self.shown["model"]["version"])

    @property
    def name(self) -> str:
        """What the model card calls it."""
        size, task = self.shown["parameters"]["model.size"], self.shown["corpus"]["task"]
        return f"gpt2-{size}-{task}"

    def uuid(self, *names: object) -> str:
        """The UUID of a part of this model's export, by names that tell the parts apart."""
        return str(uuid5(_NAMES, "\0".join([self.root, *map(str, names)])))

    @property
    def trainer(self) -> Node:
        """The node that trained it."""
        uri = self.shown["model"]["trained_as"]
        made = {each["id"] for each in self.shown["artifacts"] if each["uri"] == uri}
        (node,) = (each for each in self.shown["nodes"] if made & set(each["outputs"].values()))
        return node


def exported_model(
    store: StoreReader, workspace: Path, manifests: Manifests, pushed: StoredArtifact
) -> ExportedModel:
    """What exports say of a pushed model. Raises InputError where the list of its files is gone."""
    manifest = manifests.read(pushed.manifest_digest)
    if manifest is None:
        raise InputError(
            f"version {pushed.properties['pushed_version']}: the list of its files is gone from the workspace "
            f"({pushed.manifest_digest}); push the model again."
        )
    shown = show(store, pushed)
    behind = executions_behind(store, {"pushed_model": pushed})
    # What the model itself was made of comes first; another may be behind its evaluation.
    tokenizer, trainer = (
        next(execution for execution in behind if execution.node == node)
        for node in ("Tokenizer", "Trainer")
    )
    return ExportedModel(
        shown,
        manifest.files,
        OutsideFiles(workspace / "outside").read(shown["corpus"]["digest"]),
        training_tokens(tokenizer),
        _packages(
            workspace / "code" / str(trainer.properties.get("code", "")), shown["environment"]
        ),
    )


def _packages(code: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The packages of the locks of an environment (name -> digest), from the code that a node ran."""
    found: dict[str, str] = {}
    for name, digest in environment.items():
        try:
            content = (code / name).read_bytes()
        except OSError:
            continue
        if sha256_bytes(content) == digest:
            found |= packages_of_lock(content)
    return found
