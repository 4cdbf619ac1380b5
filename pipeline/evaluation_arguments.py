"""The arguments of the commands that evaluate."""

import argparse
from pathlib import Path

from pipeline.argument_parts import Commands, add_command, add_json


def add_evaluate(commands: "Commands[argparse.ArgumentParser]") -> None:
    """Adds `evaluate`."""
    parser = add_command(commands, "evaluate", "score a model on a corpus")
    parser.add_argument("model", metavar="MODEL", help="latest, a pushed version, or a folder")
    parser.add_argument("--task", help="default: corpus.task")
    parser.add_argument("--data", metavar="PATH", help="default: corpus.path")
    parser.add_argument(
        "--split", choices=["train", "validation", "test"], help="default: evaluation.split"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="write every generation: FILE.jsonl for compare, else as the task's own scripts read it",
    )
    parser.add_argument(
        "--lm-eval",
        type=Path,
        metavar="FILE",
        help="write the scores as a result file of lm-evaluation-harness",
    )
    parser.add_argument(
        "--model-index",
        type=Path,
        metavar="FILE",
        help="write the scores as the head of a model card of the Hugging Face hub",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a FILE that is there")
    add_json(parser)


def add_score(commands: "Commands[argparse.ArgumentParser]") -> None:
    """Adds `score`."""
    parser = add_command(commands, "score", "score what another system wrote")
    parser.add_argument("--task", required=True, help="cnn_dailymail or coqa")
    parser.add_argument("--predictions", type=Path, required=True, metavar="F")
    parser.add_argument("--references", type=Path, required=True, metavar="PATH")
    parser.add_argument(
        "--stem",
        choices=["no", "porter", "perl"],
        help="make words of ROUGE alike: as rouge-score's stemmer, or as ROUGE-1.5.5 does",
    )
    parser.add_argument(
        "--exceptions", type=Path, metavar="FOLDER", help="of --stem perl: WordNet 2.0's *.exc"
    )
    parser.add_argument("--signature", metavar="S", help="of scores that these must be")
    add_json(parser)


def add_compare(commands: "Commands[argparse.ArgumentParser]") -> None:
    """Adds `compare`."""
    parser = add_command(commands, "compare", "two evaluations, paired")
    for name in ("a", "b"):
        parser.add_argument(
            name,
            metavar=name.upper(),
            help="a run id, a pushed version, or a file of `evaluate --predictions`",
        )
    add_json(parser)
