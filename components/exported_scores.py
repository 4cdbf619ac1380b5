"""The scores of an evaluation in the formats of other tools."""

import json
from collections.abc import Mapping
from typing import Any

from components.metrics.intervals import RESAMPLES
from components.model_index import dataset_of, model_index, with_front_matter
from components.options import LOWER_IS_BETTER
from preprocessing.base.errors import InputError


def lm_eval_results(
    document: Mapping[str, Any],
    scored: int,
    errors: Mapping[str, float | None],
    settings: Mapping[str, Any],
    seed: int,
) -> bytes:
    """A result file of lm-evaluation-harness (`EvalResults` of its version 0.4), without times and machines.

    The task has a name of its own: the harness' tasks of these corpora score otherwise, see `docs/evaluation.md`.

    document: what `evaluate --json` says. scored: the records that texts were written for. errors: metric -> standard
        error. settings: of the generation.
    """
    task = f"gpt2_tfx_{document['task']}"
    scores = document["metrics"] | document["text"]["scores"]
    metrics = {name: value for name, value in scores.items() if value is not None}
    found: dict[str, Any] = {"name": task, "alias": task, "sample_len": scored}
    for name, value in sorted(metrics.items()):
        found[f"{name},none"] = value
        error = errors.get(name)
        found[f"{name}_stderr,none"] = "N/A" if error is None else error
    results = {
        "results": {task: found},
        "group_subtasks": {task: []},
        "configs": {
            task: {
                "task": task,
                "dataset_path": document["task"],
                "test_split": document["split"],
                "output_type": "generate_until",
                "generation_kwargs": dict(settings),
                "num_fewshot": 0,
                "metadata": {"version": 1, "signature": document["signature"]},
            }
        },
        "versions": {task: 1},
        "n-shot": {task: 0},
        "higher_is_better": {task: {name: name not in LOWER_IS_BETTER for name in metrics}},
        "n-samples": {task: {"original": document["records"], "effective": scored}},
        "config": {
            "model": "gpt2-tfx",
            "model_args": {"pretrained": document["model"]},
            "bootstrap_iters": RESAMPLES,
            "gen_kwargs": dict(settings),
            "random_seed": seed,
        },
        "model_source": "gpt2-tfx",
        "model_name": document["model"],
    }
    return (json.dumps(results, indent=2, ensure_ascii=False) + "\n").encode()


def model_index_head(document: Mapping[str, Any]) -> bytes:
    """The head of a model card with the scores, to be put before a README.md of the Hugging Face hub.

    Raises InputError where nothing was scored.
    """
    arguments: dict[str, dict[str, Any]] = {
        name: {"interval_95": list(ends)} for name, ends in document["intervals"].items()
    }
    if document["signature"]:
        for name in document["metrics"]:
            if name != "perplexity":
                arguments.setdefault(name, {})["signature"] = document["signature"]
    dataset = dataset_of(document["task"], document["split"])
    index = model_index(document["model"], dataset, document["metrics"], arguments)
    if not index:
        raise InputError(
            "--model-index: nothing was scored, and the hub takes no entry without a score."
        )
    return with_front_matter({"model-index": index}, "").encode()
