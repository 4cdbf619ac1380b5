"""`gpt2-tfx lineage prove`: write the proof that a record was in the training set of a pushed version."""

import argparse

from pipeline import lineage
from pipeline.cli import print_json
from pipeline.lineage.workspace import LineageWorkspace
from preprocessing.base.errors import InputError
from preprocessing.base.staging import write_whole


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Write the proof and say what it proves; raises FailureError where there is none."""
    pushed = place.pushed(arguments.model)
    version = str(pushed.properties["pushed_version"])
    proof = lineage.prove(place.workspace, place.store, place.manifests, pushed, arguments.record)
    try:
        write_whole(arguments.output, proof.to_json().encode())
    except OSError as error:
        raise InputError(
            f"-o {arguments.output}: cannot be written: {error.strerror}. Name another file."
        ) from error
    record = proof.record
    if arguments.json:
        document = {"proof": str(arguments.output), "record": record._asdict(), "model": version}
        print_json(document)
    else:
        print(
            f"{record.id} (digest {record.digest}) was in the training set of version {version}; "
            f"proof: {arguments.output}"
        )
    return 0
