"""`gpt2-tfx convert`: a model's weights into another format, lossless."""

import argparse
from pathlib import Path

from pipeline import locations
from pipeline.config_reading import load_config
from pipeline.framework_imports import quiet_tensorflow
from pipeline.node_process import output_set_aside
from preprocessing.tokens.vocabulary import load_vocabulary
from serving.versions import Versions


def run(arguments: argparse.Namespace) -> int:
    """Print the new folder. The vocabulary is that of the configuration."""
    loaded = load_config(arguments.config, arguments.overrides)
    source = Versions(loaded.workspace / "serving").resolve(arguments.source)
    destination: Path = arguments.destination
    quiet_tensorflow()
    with output_set_aside():
        from pipeline.conversion import convert

        convert(
            source,
            destination,
            arguments.to,
            load_vocabulary(locations.vocabulary(loaded)),
            loaded.config.generation,
        )
    print(destination)
    return 0
