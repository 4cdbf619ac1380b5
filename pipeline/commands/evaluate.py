"""`gpt2-tfx evaluate`: score a model on a corpus, outside of a run."""

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from components.baselines import baselines
from components.evaluation import TextWriter, evaluate
from components.evaluation_inputs import token_rows
from components.exported_scores import lm_eval_results, model_index_head
from components.samples import scores_of, standard_error
from components.scoring import beside
from components.written_predictions import as_file, signature_of
from pipeline import locations
from pipeline.cli import print_json
from pipeline.commands.generate import open_model
from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.externals import CORPUS
from pipeline.path_checks import missing_paths
from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.base.staging import make_folder, staged_beside, write_whole
from preprocessing.corpus.whole import read_records
from preprocessing.options import TaskName
from preprocessing.readers.file_names import split_pattern
from preprocessing.records.record import Record
from preprocessing.tasks.registry import task_named
from preprocessing.tokens.vocabulary import load_vocabulary
from serving.model import texts_at_once


def run(arguments: argparse.Namespace) -> int:
    """Read the corpus, generate, score, print the metrics."""
    read = [CORPUS] if arguments.data is None else []
    loaded = load_config(
        arguments.config, arguments.overrides, lambda loaded: missing_paths(loaded, read)
    )
    task_name = arguments.task or loaded.config.corpus.task
    task = task_named(task_name)
    asked = {
        "--predictions": arguments.predictions,
        "--lm-eval": arguments.lm_eval,
        "--model-index": arguments.model_index,
    }
    files = {flag: path for flag, path in asked.items() if path is not None}
    for flag, path in files.items():
        _check_place(flag, path, arguments.overwrite)
    split = arguments.split or loaded.config.evaluation.split
    records = _records(loaded, cast(TaskName, task_name), arguments.data, split)
    model = open_model(loaded, arguments.model)
    length = min(loaded.config.tokens.sequence_length, model.context)
    vocabulary = load_vocabulary(locations.vocabulary(loaded))
    options = dataclasses.replace(task.token_options(loaded.config.tokens), sequence_length=length)
    evaluation, seed = loaded.config.evaluation, loaded.config.seed
    rows = token_rows(records, vocabulary, options)
    rows = rows[: evaluation.max_rows]
    words, scored = evaluation.words, records[: evaluation.max_records]
    writer = TextWriter(task, loaded.config.generation, seed, words)
    with progress.reported_to(_print_progress):
        batch = evaluation.batch or texts_at_once()
        result = evaluate(model, writer, scored, rows, vocabulary, batch)
    document = {
        "model": arguments.model,
        "task": task_name,
        "split": split,
        "records": len(records),
        "generated": len(result.predictions),
        "max_rows": evaluation.max_rows,
        **scores_of(result, seed),
        **beside(
            task,
            result.predictions,
            lambda: scored,
            lambda records: baselines(records, words),
        ),
        "signature": signature_of(
            task_name, result.predictions, split, loaded.config.generation, seed, words
        ),
    }
    # Whatever becomes of the files, the scores are not lost.
    if arguments.json:
        print_json(document)
    else:
        print(as_text(document))
    contents = {
        "--predictions": lambda path: as_file(task_name, path.name, result.predictions),
        "--lm-eval": lambda path: lm_eval_results(
            document,
            len(scored),
            {name: standard_error(result, name, seed) for name in result.metrics},
            dataclasses.asdict(writer.generation),
            seed,
        ),
        "--model-index": lambda path: model_index_head(document),
    }
    for flag, path in files.items():
        _write(flag, path, contents[flag](path))
    return 0


def as_text(document: Mapping[str, Any]) -> str:
    """The scores for people, with their intervals."""
    lines = [
        f"{document['records']} records of the {document['split']} split, {document['generated']} generations"
    ]
    if document["max_rows"] is not None:
        lines.append(f"  perplexity is over the first {document['max_rows']} rows of the split")
    of_text = document["text"]
    intervals = document["intervals"] | of_text["intervals"]
    for name, value in [*sorted(document["metrics"].items()), *of_text["scores"].items()]:
        shown = "not scored" if value is None else f"{value:.4f}"
        ends = intervals.get(name)
        interval = f"  [{ends[0]:.4f}, {ends[1]:.4f}]" if ends else ""
        lines.append(f"  {name:<15} {shown}{interval}")
    for name, scores in (document["domains"] | document["baselines"]).items():
        text = ", ".join(f"{metric} {value:.4f}" for metric, value in scores.items())
        lines.append(f"  {name:<15} {text}")
    for name, found in document["traits"].items():
        text = ", ".join(f"{trait} {value:.3g}" for trait, value in found.items())
        lines.append(f"  {name:<15} {text}")
    return "\n".join([*lines, *filter(None, [document["signature"]])])


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


def _check_place(flag: str, path: Path, overwrite: bool) -> None:
    """Before the work of hours, not after it."""
    if path.is_dir():
        raise InputError(f"{flag} {path}: a folder; name a file in it.")
    if path.exists() and not overwrite:
        raise InputError(f"{flag} {path}: exists already; --overwrite replaces it.")
    probe = staged_beside(path)
    try:
        make_folder(path.parent)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _unwritable(flag, path, error) from error


def _write(flag: str, path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise _unwritable(flag, path, error) from error


def _unwritable(flag: str, path: Path, error: OSError) -> InputError:
    return InputError(f"{flag} {path}: cannot be written: {error.strerror or error}.")


def _print_progress(report: progress.Report) -> None:
    if "total" in report:
        print(f"{report['phase']}: {report['done']}/{report['total']}", file=sys.stderr)
