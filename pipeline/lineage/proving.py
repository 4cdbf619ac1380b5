"""Making the proof that a record was in the training set of a pushed version, from the workspace."""

from pathlib import Path

from pipeline.claims.chain import Claim, read_claims
from pipeline.claims.envelopes import RefusedError
from pipeline.inclusion.merkle import inclusion_path, leaf_hash
from pipeline.inclusion.proof import Proof, head_of
from pipeline.inclusion.salts import SaltedRecord, Salts
from pipeline.inclusion.training_sets import TrainingSets, TreeHead, entry_of
from pipeline.lineage.corpora import Corpora, FoundRecord
from pipeline.lineage.trace import Matches
from pipeline.lineage.training_set import TRAINED_ON, training_set_behind
from pipeline.manifests import Manifests, content_root
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.errors import FailureError, InputError
from preprocessing.records.ids import names_of
from serving.versions import CLAIMS


def prove(
    workspace: Path, store: StoreReader, manifests: Manifests, pushed: StoredArtifact, name: str
) -> Proof:
    """The proof that a record (by its id) was in the training set of a pushed version.

    Raises FailureError where it was not there or that cannot be proved any more, InputError where the version has no
    signed statement of its training set, or the name is of several records.
    """
    version = str(pushed.properties["pushed_version"])
    claim, head = _signed(content_root(pushed), version)
    record = _record(store, manifests, pushed, name)
    salts = Salts(workspace)
    try:
        salt = salts.find(record)
    finally:
        salts.close()
    leaves = TrainingSets(workspace).leaves(head)
    index = None
    if salt is not None:
        leaf = leaf_hash(entry_of(record, salt))
        index = next((at for at, each in enumerate(leaves(0, head.size)) if each == leaf), None)
    if salt is None or index is None:
        raise FailureError(
            f"{name}: the salt that it had in version {version} was deleted or lost, so nobody can prove any more that "
            "it was in there."
        )
    path = inclusion_path(leaves, index, head.size)
    proof = Proof(record, salt, index, tuple(path), claim.envelope)
    if not proof.leads_to(head):
        raise InputError(
            f"training_sets/{head.root} of the workspace: not the leaves that were signed; bring it back from a backup."
        )
    return proof


def _signed(folder: Path, version: str) -> tuple[Claim, TreeHead]:
    """The claim about the training set of a version, and its root."""
    try:
        for claim in read_claims(folder):
            if head := head_of(claim.statement):
                return claim, head
        reason = "it has no claim about its training set"
    except RefusedError as error:
        reason = str(error)
    except FileNotFoundError:
        reason = f"it has no {CLAIMS}; a run that has a key to sign with writes it"
    raise InputError(f"version {version}: nothing to prove against: {reason}.")


def _why_not(record: FoundRecord) -> str:
    """Why a record of the corpus was not trained on."""
    if record.split == TRAINED_ON:
        return "the Tokenizer had no row for it"
    return f"it is held out, for {record.split}"


def _record(
    store: StoreReader, manifests: Manifests, pushed: StoredArtifact, name: str
) -> SaltedRecord:
    """The record of a name in the training set of a version."""
    version = pushed.properties["pushed_version"]
    training = training_set_behind(store, pushed)
    corpora = Corpora([] if training is None else [training.corpus], manifests)
    if training is None or corpora.missing:
        raise InputError(f"version {version}: its index is gone, so that no record of it is known.")
    found = [each for those in corpora.find(name, _has_name(name)).values() for each in those]
    trained = {SaltedRecord(each.id, each.digest) for each in found if training.has(each)}
    trained = {record for record in trained if record.id == name} or trained
    if len(trained) > 1:
        named = ", ".join(sorted(record.id for record in trained)[:5])
        raise InputError(
            f"{name}: {len(trained)} records of the training set have this name; name one of them: {named}"
            f"{', ...' if len(trained) > 5 else ''}."
        )
    if not found and corpora.redacted:
        raise FailureError(
            f"{name}: not among what is left of the corpus of version {version}, from which records were purged: of "
            "those nobody can prove any more that they were in it, or that they were not."
        )
    if not trained:
        where = (
            _why_not(found[0])
            if found
            else "looked at were the ids and groups of all records in the index of its corpus (CorpusGen's "
            f"execution {training.corpus.id}); `gpt2-tfx lineage trace` finds the id of a text or file"
        )
        raise FailureError(f"{name}: not in the training set of version {version}: {where}.")
    return trained.pop()


def _has_name(name: str) -> Matches:
    """Whether a record has an id or is in a group of this name; a file may have more records than fit in memory."""
    return lambda line: name in names_of(line["id"])
