"""`gpt2-tfx compile`: write the pipeline for an orchestrator."""

import argparse

from pipeline.config_reading import load_config
from preprocessing.base.errors import InputError


def run(arguments: argparse.Namespace) -> int:
    """Write the KFP v2 YAML."""
    loaded = load_config(arguments.config, arguments.overrides)
    if not arguments.output.absolute().parent.is_dir():
        raise InputError(f"-o {arguments.output}: its folder does not exist; make it first.")
    if arguments.output.suffix not in (".yaml", ".yml"):
        raise InputError(f"-o {arguments.output}: the pipeline is YAML; name a .yaml file.")
    # The kfp SDK takes a second to import.
    from pipeline.kubeflow import write_kubeflow_pipeline

    try:
        write_kubeflow_pipeline(loaded, arguments.output)
    except OSError as error:
        raise InputError(
            f"-o {arguments.output}: cannot be written: {error.strerror}. Name another file."
        ) from error
    print(arguments.output)
    return 0
