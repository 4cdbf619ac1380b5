"""What the arguments of every command have in common."""

import argparse
from pathlib import Path

from preprocessing.base.utf8 import printable

# Where `--config` and `--set` may stand. Each place has names of its own among the parsed arguments: those of a
# command would replace those before it.
BEFORE, BEHIND, BEHIND_ACTION = PLACES = ("", "_behind", "_behind_action")

Commands = argparse._SubParsersAction  # argparse gives its type no public name


def add_configuration(parser: argparse.ArgumentParser, place: str) -> None:
    """Adds `--config` and `--set` at one of their places."""
    parser.add_argument(
        "--config", dest=f"config{place}", type=Path, metavar="FILE", help="default: pipeline.yaml"
    )
    parser.add_argument(
        "--set",
        dest=f"overrides{place}",
        action="append",
        default=[],
        metavar="A.B=VALUE",
        help="set a configuration key for this call; may be repeated",
    )


def add_command(
    commands: "Commands[argparse.ArgumentParser]", name: str, help_: str
) -> argparse.ArgumentParser:
    """Adds a command, which is done by the module of its name."""
    parser = commands.add_parser(name, help=help_, description=help_)
    parser.set_defaults(module=name)
    add_configuration(parser, BEHIND)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def utf8(text: str) -> str:
    """The type of a text that a corpus may hold, or that something in it may be called."""
    if text != printable(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8, as all of a corpus is")
    return text


def positive(text: str) -> int:
    """The type of a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
