"""`gpt2-tfx run`: do what is out of date."""

import argparse
import os
import sys

from pipeline.arguments import selection_of
from pipeline.commands.failure_report import command_line, report_failure
from pipeline.commands.index_page import write_index
from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.erasure.after_run import write_dossiers
from pipeline.node_process import NodeFailureError
from pipeline.nodes import INDEX_PAGE
from pipeline.notifications import failure_told, tell_result
from pipeline.path_checks import paths_of_selection
from pipeline.progress_display import ProgressDisplay, QuietDisplay, duration
from pipeline.run_record import new_run_id
from pipeline.run_reports import RunResult
from pipeline.runner import run_pipeline
from pipeline.serving_history import pinned_text
from pipeline.signing import Signer


def run(arguments: argparse.Namespace) -> int:
    """Run once, or with --watch again whenever something changes."""
    if arguments.watch:
        from pipeline.commands.watching import watch

        return watch(arguments)
    return run_once(arguments)


def run_once(arguments: argparse.Namespace) -> int:
    """Run the pipeline, print what came of it, and tell whom the configuration names."""
    selection, run_id = selection_of(arguments), new_run_id()
    display = QuietDisplay() if arguments.quiet else ProgressDisplay()

    def configuration() -> LoadedConfig:
        return load_config(arguments.config, arguments.overrides)

    try:
        with failure_told(configuration, run_id, _warn):
            needed = paths_of_selection(selection)
            loaded = load_config(arguments.config, arguments.overrides, needed)
            result = run_pipeline(loaded, selection, display, run_id)
    except NodeFailureError as failure:
        return report_failure(failure, f"{command_line(arguments)} run")
    if result.launched or not (loaded.workspace / INDEX_PAGE).exists():
        write_index(loaded)
    refused = arguments.require_blessing and result.blessed is not True
    if result.did_anything or refused or not arguments.quiet:
        print(summary(loaded, result, arguments), flush=True)
    if result.pushed is not None and result.did_anything:
        tell_erasures(loaded)
    tell_result(loaded, result, _warn)
    return 1 if refused else 0


def tell_erasures(loaded: LoadedConfig) -> None:
    """Write the dossiers that are due, and say in the claims of the versions that they are about that they are."""
    try:
        written = write_dossiers(loaded)
        for path in written:
            print(f"erasure: replaced now; dossier: {path}")
        signer = Signer.of_environment(os.environ) if written else None
        if signer is not None:
            from pipeline.claims.erasures import claim_erasures

            claim_erasures(loaded.workspace, signer, _warn)
    except OSError as error:
        _warn(f"a dossier of an erasure could not be written: {error}")


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
        lines.append(f"all runs: {loaded.workspace / INDEX_PAGE}")
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


def _warn(text: str) -> None:
    print(f"gpt2-tfx: {text}", file=sys.stderr)
