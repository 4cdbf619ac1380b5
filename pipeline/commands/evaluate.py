"""`gpt2-tfx evaluate`: score a model on a corpus, outside of a run."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from components.evaluation import evaluate
from components.evaluation_inputs import token_rows
from pipeline import locations
from pipeline.cli import print_json
from pipeline.commands.generate import open_model
from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.externals import CORPUS
from pipeline.path_checks import missing_paths
from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.base.staging import write_whole
from preprocessing.corpus.whole import read_records
from preprocessing.options import TaskName
from preprocessing.readers.globs import split_pattern
from preprocessing.records.record import Record
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.vocabulary import load_vocabulary


def run(arguments: argparse.Namespace) -> int:
    """Read the corpus, generate, score, print the metrics."""
    read = [CORPUS] if arguments.data is None else []
    loaded = load_config(
        arguments.config, arguments.overrides, lambda loaded: missing_paths(loaded, read)
    )
    task_name = arguments.task or loaded.config.corpus.task
    if task_name not in TASKS:
        raise InputError(f"--task {task_name}: unknown; there are {', '.join(TASKS)}.")
    if arguments.predictions is not None and not arguments.overwrite:
        _check_new(arguments.predictions)
    split = arguments.split or loaded.config.evaluation.split
    records = _records(loaded, cast(TaskName, task_name), arguments.data, split)
    model = open_model(loaded, arguments.model)
    length = min(loaded.config.tokens.sequence_length, model.context)
    vocabulary = load_vocabulary(locations.vocabulary(loaded))
    options = dataclasses.replace(
        TASKS[task_name].token_options(loaded.config.tokens), sequence_length=length
    )
    rows = token_rows(records, vocabulary, options, TASKS[task_name].over_long)
    with progress.reported_to(_print_progress):
        result = evaluate(
            model,
            TASKS[task_name],
            records[: loaded.config.evaluation.max_records],
            rows,
            loaded.config.generation,
            vocabulary,
            loaded.config.seed,
        )
    if arguments.predictions is not None:
        _write_predictions(arguments.predictions, [p.to_dict() for p in result.predictions])
    document = {
        "model": arguments.model,
        "task": task_name,
        "split": split,
        "records": len(records),
        "generated": len(result.predictions),
        "metrics": result.metrics,
    }
    if arguments.json:
        print_json(document)
    else:
        print(f"{len(records)} records of the {split} split, {len(result.predictions)} generations")
        for name, value in sorted(result.metrics.items()):
            print(f"  {name:<12} {'not scored' if value is None else f'{value:.4f}'}")
    return 0


def _records(loaded: LoadedConfig, task: TaskName, data: str | None, split: str) -> list[Record]:
    root = Path(data) if data is not None else locations.corpus_path(loaded)
    options = dataclasses.replace(loaded.config.corpus, task=task, path=str(root))
    root, pattern = split_pattern(root)
    if pattern is not None:
        options = dataclasses.replace(options, text_files=pattern)
    if data is not None:  # what is left out of the pipeline's own corpus says nothing about another
        options = dataclasses.replace(options, exclude=[], exclude_file=None)
    records, drops = read_records(root, options, loaded.config.seed)
    for drop in drops:
        print(f"gpt2-tfx: dropped {drop.source}: {drop.reason} {drop.detail}", file=sys.stderr)
    chosen = sorted((r for r in records if r.split == split), key=lambda record: record.id)
    if not chosen:
        found = sorted({record.split for record in records})
        raise InputError(
            f"{root}: no record in the {split} split; there are {', '.join(found) or 'no records'}. "
            "Choose another with --split."
        )
    return chosen


def _check_new(path: Path) -> None:
    """Before the work of hours, not after it."""
    if path.exists():
        raise InputError(f"--predictions {path}: exists already; --overwrite replaces it.")


def _write_predictions(path: Path, predictions: Sequence[dict[str, object]]) -> None:
    lines = (json.dumps(p, ensure_ascii=False, sort_keys=True) + "\n" for p in predictions)
    try:
        write_whole(path, "".join(lines).encode())
    except OSError as error:
        raise InputError(f"--predictions {path}: cannot be written: {error}") from error


def _print_progress(report: progress.Report) -> None:
    if "total" in report:
        print(f"{report['phase']}: {report['done']}/{report['total']}", file=sys.stderr)
