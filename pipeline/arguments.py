"""The arguments of `gpt2-tfx`: every command with its flags."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline.argument_parts import (
    BEFORE,
    PLACES,
    Commands,
    add_command,
    add_configuration,
    add_json,
    positive,
    utf8,
)
from pipeline.corpus_arguments import add_corpus
from pipeline.evaluation_arguments import add_compare, add_evaluate, add_score
from pipeline.lineage_arguments import add_lineage
from pipeline.nodes import NODE_NAMES
from pipeline.selection import Selection


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The parsed command line; ends the process with status 2 where it is wrong.

    `--config` and `--set` may stand before the command and behind it: the last `--config` counts, and every `--set`
    in its order.
    """
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    if getattr(parsed, "only", None) and (parsed.first or parsed.last):
        parser.error("argument --only: not allowed with --from or --to")
    files = [getattr(parsed, f"config{place}", None) for place in PLACES]
    parsed.config = next((file for file in reversed(files) if file), Path("pipeline.yaml"))
    parsed.overrides = [
        override for place in PLACES for override in getattr(parsed, f"overrides{place}", [])
    ]
    return parsed


def selection_of(parsed: argparse.Namespace) -> Selection:
    """What --from, --to, --only and --force select."""
    return Selection(
        tuple(parsed.first), tuple(parsed.last), tuple(parsed.only), tuple(parsed.force)
    )


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="gpt2-tfx", description="Fine-tune GPT-2 as one pipeline, with lineage."
    )
    add_configuration(parser, BEFORE)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_init(commands)
    _add_run(commands)
    _add_plan(commands)
    _add_status(commands)
    add_corpus(commands)
    _add_generate(commands)
    _add_serve(commands)
    add_evaluate(commands)
    add_score(commands)
    add_compare(commands)
    _add_download(commands)
    _add_convert(commands)
    add_lineage(commands)
    _add_compile(commands)
    _add_node(commands)
    _add_rollback(commands)
    _add_erase(commands)
    _add_gc(commands)
    _add_doctor(commands)
    return parser


def _add_init(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "init", "write a configuration for one's own corpus")
    parser.add_argument("--task", metavar="T", help="what the corpus is; by default it is found")
    parser.add_argument("path", nargs="?", metavar="PATH", help="the corpus, a folder or a file")


def _add_run(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "run", "do what is out of date")
    _add_selection(parser)
    parser.add_argument("--watch", action="store_true", help="run again whenever something changes")
    parser.add_argument(
        "--require-blessing", action="store_true", help="exit 1 if the model is not blessed"
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print the result alone, and nothing where there is nothing to do",
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    for flag, name, what in (
        ("--from", "first", "only NODE and what follows"),
        ("--to", "last", "only NODE and what it needs"),
        ("--only", "only", "only NODE"),
        ("--force", "force", "run NODE even if it need not"),
    ):
        parser.add_argument(
            flag,
            dest=name,
            action="append",
            default=[],
            metavar="NODE",
            help=f"{what}; may be repeated",
        )


def _add_plan(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "plan", "what would run, and why")
    _add_selection(parser)
    parser.add_argument(
        "--check", action="store_true", help="hash every output, whatever its times say"
    )
    parser.add_argument(
        "--exit-code", action="store_true", help="exit 3 if a node would or may run"
    )
    add_json(parser)


def _add_status(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "status", "the last runs and their nodes")
    parser.add_argument("--limit", type=positive, default=10, help="how many runs (10)")
    add_json(parser)


def _add_generate(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "generate", "continue a prompt")
    parser.add_argument("model", metavar="MODEL", help="latest, a pushed version, or a folder")
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT")
    prompt.add_argument("--prompt-file", metavar="F", type=Path)
    prompt.add_argument("stdin", nargs="?", choices=["-"], help="- reads the prompt from stdin")
    parser.add_argument("--max-new-tokens", type=positive)
    parser.add_argument("--top-p", type=float)
    parser.add_argument("--top-k", type=int)
    parser.add_argument("--temperature", type=float, help="0 takes the most probable token")
    parser.add_argument(
        "--repetition-penalty",
        type=float,
        help="above 1 makes tokens that were there less probable",
    )
    parser.add_argument("--beams", type=positive, help="above 1 searches instead of sampling")
    parser.add_argument("--length-penalty", type=float, help="of beams: above 1 prefers long texts")
    parser.add_argument("--num-samples", type=positive, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--stop", action="append", default=[], metavar="TEXT")
    parser.add_argument(
        "--task", metavar="T", help="ask as the examples of a task do, for what is raw in PROMPT"
    )
    parser.add_argument(
        "--chat", action="store_true", help="PROMPT is a story, each line of stdin a question on it"
    )
    parser.add_argument("--stream", action="store_true", help="print the text as it is written")
    add_json(parser)


def _add_serve(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "serve", "answer over HTTP")
    parser.add_argument("model", metavar="MODEL", help="latest, a pushed version, or a folder")
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine alone")
    parser.add_argument("--port", type=_port, default=8501, help="8501; 0 takes any that is free")
    parser.add_argument(
        "--verify",
        choices=["off", "stat", "full"],
        default="stat",
        help="look whether every file is there (stat), or hash each first (full)",
    )


def _add_download(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "download", "fetch a GPT-2 that OpenAI published")
    parser.add_argument("size", choices=["124M", "355M", "774M", "1558M"])
    parser.add_argument("--to", type=Path, metavar="DIR", help="default: models/SIZE")


def _add_convert(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "convert", "write a model in another format, lossless")
    parser.add_argument(
        "source", metavar="SRC", help="latest, a pushed version, a folder or an .h5 file"
    )
    parser.add_argument("destination", metavar="DST", type=Path, help="a folder that is not there")
    parser.add_argument("--to", required=True, choices=["openai", "huggingface", "savedmodel"])


def _add_compile(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "compile", "write the pipeline for an orchestrator")
    parser.add_argument("target", choices=["kubeflow"])
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")


def _add_node(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "node", "do one node of a run, as a container does")
    parser.add_argument("node", metavar="NODE", choices=NODE_NAMES)
    parser.add_argument("--run-id", required=True, metavar="ID")


def _add_rollback(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "rollback", "serve an earlier pushed version, and keep it")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("version", nargs="?", metavar="VERSION")
    target.add_argument("--release", action="store_true", help="let runs move `latest` again")


def _add_erase(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(
        commands, "erase", "leave records out from now on, and say what they have reached"
    )
    parser.add_argument(
        "names",
        nargs="+",
        type=utf8,
        metavar="RECORD|FILE",
        help="an id, or a file of the corpus",
    )
    parser.add_argument(
        "--purge",
        action="store_true",
        help="also remove their text from all that the workspace keeps",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DOSSIER", help="write what has become of them (JSON)"
    )


def _add_gc(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(
        commands, "gc", "remove what no kept run, pushed version or pinned model needs"
    )
    parser.add_argument(
        "--keep", type=_count, default=3, metavar="N", help="the last complete runs that stay (3)"
    )
    parser.add_argument(
        "--older-than",
        type=_age,
        metavar="D",
        help="leave alone what is younger: a number of hours, days or weeks, such as 12h, 30d or 2w",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    parser.add_argument("--why", type=Path, metavar="PATH", help="only say what keeps a file")
    parser.add_argument(
        "--purge-lineage",
        action="store_true",
        help="also remove what only the lineage of pushed versions refers to",
    )
    add_json(parser)


def _add_doctor(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = add_command(commands, "doctor", "device, memory, versions, a short self-test")
    add_json(parser)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _age(text: str) -> float:
    """Seconds."""
    units = {"h": 3600.0, "d": 24 * 3600.0, "w": 7 * 24 * 3600.0}
    if not text[:-1].isdecimal() or text[-1] not in units:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age such as 12h, 30d or 2w")
    return float(text[:-1]) * units[text[-1]]
