"""A text that is printed as it is written, for `generate --stream`."""

import argparse
import sys
from itertools import chain

from pipeline.config import LoadedConfig
from pipeline.node_process import output_set_aside
from preprocessing.base.errors import InputError
from serving.growing_text import stream
from serving.model import LanguageModel
from serving.running_rows import Sampling


def check_stream(arguments: argparse.Namespace, loaded: LoadedConfig) -> None:
    """Raises InputError where what is asked for is no single text that grows."""
    beams = arguments.beams or loaded.config.generation.beams
    faults = []
    if arguments.num_samples != 1:
        faults.append(f"--num-samples {arguments.num_samples}: --stream writes one text")
    if beams != 1:
        faults.append(f"beams is {beams}: a search knows its text at the end; use --beams 1")
    if arguments.chat:
        faults.append("--chat: an answer is printed on one line, once it is whole; leave out one")
    if arguments.json:
        faults.append("--json: one document is whole at the end; leave out --stream or --json")
    if faults:
        raise InputError(*faults)


def print_stream(model: LanguageModel, prompt: str, sampling: Sampling) -> None:
    """Print a text as it comes, after what the context has no room for on stderr.

    Raises InputError where a value is out of its range.
    """
    with output_set_aside():
        pieces = stream(model, prompt, sampling)
        first = next(pieces, "")
        cuts = list(model.cuts([prompt], sampling.max_new_tokens))
    for cut in cuts:
        print(f"gpt2-tfx: {cut}", file=sys.stderr)
    for piece in chain([first], pieces):
        print(piece, end="", flush=True)
    print()
