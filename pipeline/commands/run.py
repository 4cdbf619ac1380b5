"""`gpt2-tfx run`: do what is out of date."""

import argparse
import subprocess
import sys
import time

from pipeline.arguments import selection_of
from pipeline.code_snapshot import read_snapshot
from pipeline.commands.failure_report import command_line, report_failure
from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.node_process import NodeFailureError
from pipeline.path_checks import paths_of_selection
from pipeline.progress_display import ProgressDisplay, QuietDisplay, duration
from pipeline.run_reports import RunResult
from pipeline.runner import run_pipeline
from pipeline.serving_history import pinned_text
from preprocessing.base.errors import InputError
from serving.versions import LATEST

WATCH_SECONDS = 1.0


def run(arguments: argparse.Namespace) -> int:
    """Run once, or with --watch again whenever something changes."""
    if not arguments.watch:
        return run_once(arguments)
    tried: set[str] | None = None
    code = read_snapshot().digest
    while True:
        found = _out_of_date(arguments)
        # Code that nodes do not reach decides too: what runs, what is recorded.
        if (now := read_snapshot().digest) != code:
            found.add(now)
        # What failed is tried again only when it would be another run.
        if not found:
            tried = None
        elif found != tried:
            tried = found
            _run_in_new_process(arguments)
        time.sleep(WATCH_SECONDS)


def run_once(arguments: argparse.Namespace) -> int:
    """Run the pipeline and print what came of it."""
    selection = selection_of(arguments)
    loaded = load_config(arguments.config, arguments.overrides, paths_of_selection(selection))
    try:
        result = run_pipeline(
            loaded, selection, QuietDisplay() if arguments.quiet else ProgressDisplay()
        )
    except NodeFailureError as failure:
        return report_failure(failure, f"{command_line(arguments)} run")
    print(summary(loaded, result, arguments))
    refused = arguments.require_blessing and result.blessed is not True
    return 1 if refused else 0


def summary(loaded: LoadedConfig, result: RunResult, arguments: argparse.Namespace) -> str:
    """The run in a few lines: scores, where model and report are, what to try next."""
    reused = sum(state == "cached" for state in result.nodes.values())
    lines = [
        f"run {result.run_id}: {result.launched} run, {reused} reused, {duration(result.seconds)}"
    ]
    if result.metrics:
        lines.append("scores:")
        for name, value in sorted(result.metrics.items()):
            lines.append(f"  {name:<12} {'not scored' if value is None else f'{value:.4f}'}")
    if result.blessed is not None:
        lines.append(f"blessed: {'yes' if result.blessed else 'no'}")
    if result.evaluation is not None:
        lines.append(f"report: {result.evaluation / 'evaluation.html'}")
    if result.pushed is not None:
        lines.append(
            f"model: {loaded.workspace / 'serving' / result.pushed} (version {result.pushed})"
        )
        if result.pinned is not None:
            lines.append(f"latest: {pinned_text(result.pinned)}")
        command = command_line(arguments)
        lines += [
            "try next:",
            f"  {command} generate latest --prompt {_example_prompt(loaded)}",
            f"  {command} lineage show latest",
            f"  {command} status",
        ]
    return "\n".join(lines)


def _example_prompt(loaded: LoadedConfig) -> str:
    prompts = {
        "cnn_dailymail": "$'The harbour bridge reopened on Monday.\\nTL;DR:\\n'",
        "coqa": "$'The harbour bridge reopened on Monday.\\n Q: What reopened?\\n A:' --stop $'\\n'",
    }
    return prompts.get(loaded.config.corpus.task, "'The tide was'")


def _run_in_new_process(arguments: argparse.Namespace) -> None:
    """One run by the code as it is now; what this process has imported may have been edited since.

    Its mistakes are told and end nothing: the next change may mend them.
    """
    given = [given for given in arguments.given if not _is_watch(given)]
    subprocess.run([sys.executable, "-m", "pipeline", *given], check=False)


def _is_watch(argument: str) -> bool:
    """Whether an argument is --watch, or short for it as argparse takes it."""
    return argument.startswith("--w") and "--watch".startswith(argument)


def _out_of_date(arguments: argparse.Namespace) -> set[str]:
    """What a run would do now: nodes and keys that are out of date, a move of `latest`, or the text of a mistake."""
    from pipeline.commands.plan import make_plan

    try:
        # What is learned about files is kept: this is done every second.
        steps, pointer = make_plan(arguments)
    except InputError as error:
        return {str(error)}
    found = {f"{step.node.name}:{step.key}" for step in steps if step.action == "run"}
    if pointer.moves:
        found.add(f"{LATEST}:{pointer.after}")
    return found
