"""Evaluator: generates and scores with the exported model, compares with the champion, blesses or refuses."""

import json
from collections.abc import Sequence
from pathlib import Path

from tfx.dsl.component.experimental.annotations import (
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types.standard_artifacts import (
    Examples,
    Model,
    ModelBlessing,
    ModelEvaluation,
    PushedModel,
)
from tfx.utils import path_utils

from components.artifacts import recorded_digest
from components.blessing import Check, checks
from components.declared import Declared
from components.evaluation import Evaluation
from components.evaluation_report import write_report
from components.options import ChampionOptions, EvaluationOptions, Threshold
from components.score_cache import ScoreCache, score_folder
from components.scoring import HeldOut, ScoredModel, Scorer
from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.rows import Row
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary
from serving.model import LanguageModel, load_model
from trainer.export_layout import METADATA_FILE
from trainer.options import GenerationOptions


@component
def Evaluator(  # noqa: N802 - a component is named like a class
    model: InputArtifact[Model],
    examples: InputArtifact[Examples],
    tokens: InputArtifact[Examples],
    evaluation: OutputArtifact[ModelEvaluation],
    blessing: OutputArtifact[ModelBlessing],
    task: Parameter[str],
    evaluation_options: Parameter[str],
    generation_options: Parameter[str],
    vocabulary: Parameter[str],
    seed: Parameter[int],
    champion: InputArtifact[PushedModel] = None,
) -> None:
    """Score the exported model on the held-out split, and the champion on the same records and rows.

    Scores that an earlier execution has computed come from the cache (`score_folder`), if there is one.
    The options are JSON. An empty split gives null metrics and no blessing; a refusal is a result, not a failure.
    """
    options = read_evaluation_options(evaluation_options)
    generation = GenerationOptions(**json.loads(generation_options))
    held_out = HeldOut(
        Path(examples.uri),
        recorded_digest(examples),
        Path(tokens.uri),
        recorded_digest(tokens),
        options.split,
        options.max_records,
    )
    words = load_vocabulary(vocabulary)
    cache = ScoreCache(score_folder(), "components.scoring")
    scorer = Scorer(held_out, TASKS[task], generation, words, seed, cache)
    candidate = ScoredModel(
        recorded_digest(model),
        lambda: load_model(Path(path_utils.serving_model_path(model.uri))),
    )
    scored = scorer.score(candidate, "evaluate")
    rival, note = None, ""
    if champion is not None and (held_out.records or held_out.rows):
        pushed = Path(champion.get_string_custom_property("pushed_destination"))
        try:
            # Perplexity needs no generated text.
            by_text = options.champion is not None and options.champion.metric != "perplexity"
            defender = ScoredModel(
                champion.get_string_custom_property("model_digest"),
                lambda: load_champion(pushed, held_out.rows, words),
            )
            rival = scorer.score(defender, "champion", texts=by_text)
        except InputError as error:
            reason = str(error).replace(str(pushed), f"version {pushed.name}")
            note = f"the champion could not be compared: {reason}"
            progress.report(message=note)
    found = checks(scored.metrics, options, rival.metrics if rival else None)
    if not scored.tokens:
        progress.report(
            message=f"the {options.split} split holds no token to score, so there is no blessing"
        )
    blessed = all(check.passed for check in found)
    _write_evaluation(Path(evaluation.uri), task, options, scored, rival, found, blessed, note)
    evaluation.set_string_custom_property("metrics", json.dumps(scored.metrics, sort_keys=True))
    _write_blessing(blessing, model.id, blessed, found)


def load_champion(path: Path, rows: Sequence[Row], vocabulary: Vocabulary) -> LanguageModel:
    """A pushed model that can score the rows.

    Raises InputError where it cannot be loaded, has another vocabulary, or its context is shorter than a row.
    """
    model = load_model(path)
    metadata = json.loads((path / METADATA_FILE).read_text(encoding="utf-8"))
    if metadata["vocabulary_digest"] != vocabulary.digest:
        raise InputError(
            f"{path}: its vocabulary is another, of digest {metadata['vocabulary_digest']}"
        )
    length = max((len(row.input_ids) for row in rows), default=0)
    if length > model.context:
        raise InputError(f"{path}: its context is {model.context} and a row has {length} tokens")
    return model


def read_evaluation_options(text: str) -> EvaluationOptions:
    """EvaluationOptions from the JSON of its `asdict`."""
    values = json.loads(text)
    champion = values.pop("champion")
    thresholds = {name: Threshold(**bounds) for name, bounds in values.pop("thresholds").items()}
    return EvaluationOptions(
        **values, thresholds=thresholds, champion=ChampionOptions(**champion) if champion else None
    )


def _write_evaluation(
    folder: Path,
    task: str,
    options: EvaluationOptions,
    scored: Evaluation,
    rival: Evaluation | None,
    found: list[Check],
    blessed: bool,
    note: str,
) -> None:
    summary = {
        "task": task,
        "split": options.split,
        "generated": len(scored.predictions),
        "tokens": scored.tokens,
        "metrics": scored.metrics,
        "champion": rival.metrics if rival else None,
        "checks": [check.to_dict() for check in found],
        "blessed": blessed,
        "note": note,
    }
    (folder / "metrics.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
    with (folder / "predictions.jsonl").open("w", encoding="utf-8") as file:
        for prediction in scored.predictions:
            file.write(json.dumps(prediction.to_dict(), ensure_ascii=False, sort_keys=True) + "\n")
    write_report(folder / "evaluation.html", summary, scored.predictions)


def _write_blessing(
    blessing: ModelBlessing, model_id: int, blessed: bool, found: list[Check]
) -> None:
    """TFX's Pusher reads the property; the file carries the same for the digest and for people."""
    blessing.set_int_custom_property("blessed", int(blessed))
    blessing.set_int_custom_property("current_model_id", model_id)
    folder = Path(blessing.uri)
    (folder / ("BLESSED" if blessed else "NOT_BLESSED")).write_text("")
    (folder / "checks.json").write_text(
        json.dumps([check.to_dict() for check in found], indent=1) + "\n"
    )


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return Evaluator(
        task=declared.parameters["corpus.task"],
        evaluation_options=json.dumps(declared.section("evaluation")),
        generation_options=json.dumps(declared.section("generation")),
        vocabulary=declared.externals["vocabulary"],
        seed=declared.parameters["seed"],
        **declared.inputs,
    )
