"""`gpt2-tfx lineage check`: whether a proof of inclusion holds; needs no corpus, store or workspace."""

import argparse

from pipeline.cli import print_json
from pipeline.inclusion.proof import CheckedProof, Proof, check_proof
from pipeline.lineage.workspace import LineageWorkspace


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Print what a proof proves; the status is 1 where it does not hold."""
    proof = Proof.read(arguments.proof)
    found = check_proof(proof, arguments.key)
    if arguments.json:
        print_json(
            {
                "ok": found.ok,
                "reason": found.reason,
                "record": proof.record._asdict(),
                "model": found.model,
                "signature": found.signature,
            }
        )
    else:
        print(as_text(proof, found))
    return 0 if found.ok else 1


def as_text(proof: Proof, found: CheckedProof) -> str:
    """The result for people."""
    record = f"{proof.record.id} (digest {proof.record.digest})"
    if not found.ok:
        return f"{record}: refused: {found.reason}"
    text = f"{record} was in the training set of the model whose model.sig has the digest {found.model}"
    if found.signature == "not checked":
        text += "\nsignature: not checked, so anybody can have written it; name the key with --key"
    return text
