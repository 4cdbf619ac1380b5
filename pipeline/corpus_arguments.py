"""The arguments of `corpus`: each action with its flags."""

import argparse

from pipeline.argument_parts import (
    BEHIND_ACTION,
    Commands,
    add_command,
    add_configuration,
    add_json,
    positive,
)


def add_corpus(commands: "Commands[argparse.ArgumentParser]") -> None:
    """Adds `corpus` with its actions."""
    parser = add_command(commands, "corpus", "what a corpus is for the model")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    help_ = "records as the model sees them, with their loss mask"
    show = actions.add_parser("show", help=help_, description=help_)
    show.add_argument(
        "record", nargs="?", metavar="RECORD", help="an id, or a file of the corpus; else the first"
    )
    show.add_argument(
        "--split",
        choices=["train", "validation", "test"],
        help="only of this split; without RECORD train",
    )
    show.add_argument("--limit", type=positive, default=3, metavar="N", help="at most so many (3)")
    show.add_argument("--tokens", action="store_true", help="token by token")
    add_configuration(show, BEHIND_ACTION)
    add_json(show)
