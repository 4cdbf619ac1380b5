"""The claims that every version gets when it is signed, from lineage alone."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.model_card import MODEL_CARD
from pipeline.claims import predicates
from pipeline.claims.chain import FIRST_TYPE, append_claims
from pipeline.claims.envelopes import RefusedError, key_id
from pipeline.claims.slsa import PREDICATE_TYPE
from pipeline.inclusion.salts import SaltedRecord, Salts
from pipeline.inclusion.training_sets import TrainingSets, TreeHead
from pipeline.lineage.corpora import Corpora
from pipeline.lineage.provenance import show
from pipeline.lineage.training_set import TrainingSet, training_set_behind
from pipeline.manifests import Manifests
from pipeline.signing import Signer, signing_key
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import InputError
from serving.versions import PROVENANCE, SIGNATURE

Predicates = list[tuple[str, Mapping[str, Any]]]


class ClaimMaker:
    """Makes the claims of versions of one workspace; versions of one corpus share a Merkle tree."""

    def __init__(self, workspace: Path, store: StoreReader, manifests: Manifests) -> None:
        self._workspace = workspace
        self._store = store
        self._manifests = manifests
        # Execution of CorpusGen -> the tree of its training set.
        self._heads: dict[tuple[int, int], TreeHead | None] = {}

    def claim(self, signer: Signer, folder: Path, pushed: StoredArtifact) -> str:
        """Write the claims of a signed version; returns why not, where it gets none."""
        try:
            if signing_key((folder / SIGNATURE).read_bytes()) != key_id(signer.public_key):
                return f"another key has signed it; remove its {SIGNATURE} to have it signed anew"
            append_claims(folder, signer, self.first_claims(folder, pushed))
        except (InputError, RefusedError, OSError, ValueError) as error:
            return str(error)
        return ""

    def first_claims(self, folder: Path, pushed: StoredArtifact) -> Predicates:
        """The predicates of a version, with their types; the first one lists the types of the others.

        None is about the training set where the index of its records is gone, or a purge has erased some of them.
        Raises InputError, OSError or ValueError where version, store or salts do not say what a claim needs.
        """
        shown = show(self._store, pushed)
        try:
            evaluation = predicates.evaluation(json.loads((folder / PROVENANCE).read_bytes()))
        except LookupError as error:
            raise InputError(f"{folder / PROVENANCE}: it does not state {error}.") from error
        pusher = self._store.producer(pushed.id)
        record = "" if pusher is None else pusher.record_digest
        claims: Predicates = [
            (PREDICATE_TYPE, predicates.provenance(shown, list(self._logs(shown)), record)),
            (predicates.EVALUATION_TYPE, evaluation),
            (
                predicates.CARD_TYPE,
                predicates.model_card(MODEL_CARD, (folder / MODEL_CARD).read_bytes()),
            ),
        ]
        head = self._head(pushed)
        if head is not None:
            claims.append(
                (predicates.TRAINING_SET_TYPE, predicates.training_set(shown["corpus"], head))
            )
        return [(FIRST_TYPE, {"required": [kind for kind, _ in claims]}), *claims]

    def _logs(self, shown: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The logs of the nodes that are still in the workspace."""
        for node in shown["nodes"]:
            run_id = self._store.run_id_of(node["execution"])
            log = self._workspace / "logs" / run_id / f"{node['node']}.log"
            if log.is_file():
                yield {
                    "name": f"{node['node']}/log",
                    "digest": {"sha256": sha256_file(log)},
                    "annotations": {"run": run_id, "key": node["key"]},
                }

    def _head(self, pushed: StoredArtifact) -> TreeHead | None:
        training = training_set_behind(self._store, pushed)
        if training is None:
            return None
        made_from = (training.corpus.id, training.tokenizer.id)
        if made_from not in self._heads:
            corpora = Corpora([training.corpus], self._manifests)
            self._heads[made_from] = (
                None if corpora.missing or corpora.redacted else self._commit(corpora, training)
            )
        return self._heads[made_from]

    def _commit(self, corpora: Corpora, training: TrainingSet) -> TreeHead:
        salts = Salts(self._workspace, writes=True)
        try:
            records = (
                SaltedRecord(record.id, record.digest)
                for record in corpora.records(corpora.training_shards[training.corpus.id])
                if training.has(record)
            )
            return TrainingSets(self._workspace).commit(records, salts)
        finally:
            salts.close()
