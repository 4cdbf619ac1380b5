"""Evaluator: generates and scores with the exported model, compares with the champion, blesses or refuses."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
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
    ModelRun,
    PushedModel,
)
from tfx.utils import path_utils

from components.artifacts import CorpusReport, recorded_digest
from components.blessing import Champion, Check, checks
from components.declared import Declared
from components.evaluation import Evaluation, TextWriter
from components.evaluation_background import Background, background, leaks_of
from components.evaluation_report import write_report
from components.metrics.rouge import ROUGE_METRICS, has_words
from components.options import EvaluationOptions, NotWorseOptions, Threshold, Words
from components.samples import differences, scores_of
from components.score_cache import ScoreCache, score_folder
from components.scoring import HeldOut, ScoredModel, Scorer
from components.spread_texts import SpreadTexts
from components.written_predictions import signature_of
from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.base.file_watch import check_unchanged_since
from preprocessing.base.workers import local_processes
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.rows import Row
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary
from serving.model import LanguageModel, load_model, texts_at_once
from trainer.export_layout import METADATA_FILE
from trainer.options import BASE_STATS_VARIABLE, GenerationOptions


@component(use_beam=True)
def Evaluator(  # noqa: N802 - a component is named like a class
    model: InputArtifact[Model],
    model_run: InputArtifact[ModelRun],
    report: InputArtifact[CorpusReport],
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
    base_model: InputArtifact[Model] = None,
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Score the exported model on the split that is reported and on the one that decides, and the champion on the same.

    Scores that an earlier execution has computed come from the cache (`score_folder`), if there is one.
    The options are JSON. An empty split gives null metrics and no blessing; a refusal is a result, not a failure.
    """
    options = read_evaluation_options(evaluation_options)
    generation = GenerationOptions(**json.loads(generation_options))
    words = load_vocabulary(vocabulary)
    cache = ScoreCache(score_folder(), "components.scoring")
    writer = TextWriter(TASKS[task], generation, seed, options.words)
    spread = _spread(beam_pipeline, vocabulary)
    batch = options.batch or texts_at_once()

    def scorer_of(split: str) -> Scorer:
        held_out = HeldOut(
            Path(examples.uri),
            recorded_digest(examples),
            Path(tokens.uri),
            recorded_digest(tokens),
            split,
            options.max_records,
            options.max_rows,
        )
        return Scorer(held_out, writer, words, batch, cache, spread)

    reporting, gate = scorer_of(options.split), scorer_of(options.gate_split or "validation")
    if options.gate_split is None and not gate.held_out.rows:
        gate = reporting

    def on_both(
        scored: ScoredModel, texts: bool, gate_texts: bool
    ) -> tuple[Evaluation, Evaluation]:
        """Scores of a model on the split that is reported, and on the one that decides."""
        first = reporting.score(scored, "evaluate", texts)
        if gate.held_out.split == options.split:
            return first, first
        return first, gate.score(scored, f"evaluate {gate.held_out.split}", gate_texts)

    exported = Path(path_utils.serving_model_path(model.uri))
    candidate = ScoredModel(
        recorded_digest(model), exported, lambda: load_model(exported, vocabulary)
    )
    reported, scored = on_both(candidate, True, options.decides_by_text)
    _warn_of_unseen_words(reported, options.words)
    defender: Evaluation | None = None
    rival: Champion | None = None
    if champion is not None and options.not_worse is not None and scored.losses:
        pushed = Path(champion.get_string_custom_property("pushed_destination"))
        former = ScoredModel(
            champion.get_string_custom_property("model_digest"),
            pushed,
            lambda: load_champion(pushed, [*reporting.held_out.rows, *gate.held_out.rows], words),
        )
        try:
            # Perplexity needs no generated text.
            by_text = options.not_worse.compares_text
            defender, deciding = on_both(former, by_text, by_text)
            rival = Champion(deciding)
        except InputError as error:
            rival = Champion(None, str(error).replace(str(pushed), f"version {pushed.name}"))
            progress.report(message=f"the champion could not be compared: {rival.why}")
    base = None
    if base_model is not None:
        base = _base_model(Path(base_model.uri), recorded_digest(base_model), vocabulary)
    found = checks(scored, reported, options, rival, seed)
    decides = gate.held_out.split
    for split, losses in {options.split: reported.losses, decides: scored.losses}.items():
        if not losses:
            progress.report(message=_nothing_to_score(split, split == decides))
    for check in found:
        if not check.passed:
            progress.report(message=_refusal(check))
    blessed = all(check.passed for check in found)
    summary = {
        "task": task,
        "split": options.split,
        "gate_split": decides,
        "generated": len(reported.predictions),
        "max_rows": options.max_rows,
        "signature": signature_of(
            task, reported.predictions, options.split, generation, seed, options.words
        ),
        **scores_of(reported, seed),
        **reporting.beside(reported, base),
        "champion": defender.metrics if defender else None,
        "differences": differences(defender, reported, seed) if defender else {},
        "gate": scores_of(scored, seed)
        | {"champion": rival.scores.metrics if rival and rival.scores else None},
        "checks": [check.to_dict() for check in found],
        "blessed": blessed,
        "leaks": leaks_of(Path(report.uri), options.split),
        "note": f"the champion could not be compared: {rival.why}" if rival and rival.why else "",
    }
    folder = Path(evaluation.uri)
    behind = background(folder, Path(model_run.uri), Path(report.uri))
    _write_evaluation(folder, summary, reported, seed, behind)
    evaluation.set_string_custom_property("metrics", json.dumps(reported.metrics, sort_keys=True))
    _write_blessing(blessing, model.id, blessed, found)


def _spread(pipeline: beam.Pipeline, vocabulary: str) -> SpreadTexts | None:
    """None where the pipeline's options ask for this process, or workers would have no folder to keep texts in."""
    if local_processes(pipeline, sys.maxsize) == 1 or score_folder() is None:
        return None
    return SpreadTexts(pipeline.options, vocabulary)


def _warn_of_unseen_words(reported: Evaluation, words: Words) -> None:
    """Of a reference in which ROUGE sees nothing every score is 0, whatever a model writes."""
    found = [p for p in reported.predictions if ROUGE_METRICS[0] in p.scores]
    unseen = sum(not has_words(p.target.references[0], words) for p in found)
    if unseen:
        progress.report(
            message=f"{unseen} of {len(found)} references have no letter from a to z and no digit, and ROUGE counts "
            "nothing else: they score 0; evaluation.words: unicode counts words of any script"
        )


def _nothing_to_score(split: str, decides: bool) -> str:
    text = f"the {split} split holds no token to score"
    if not decides:
        return text
    return f"{text}, so there is no blessing; evaluation.gate_split names the split that decides"


def _refusal(check: Check) -> str:
    found = f"{check.value:.6g}" if check.value is not None else "no score"
    return f"{check.metric}: {check.found or found}; wanted is {check.wanted}"


def _base_model(folder: Path, digest: str, vocabulary: str) -> ScoredModel:
    def load() -> LanguageModel:
        model = load_model(folder, vocabulary)
        if BASE_STATS_VARIABLE in os.environ:
            check_unchanged_since(Path(os.environ[BASE_STATS_VARIABLE]), "Evaluator read it")
        return model

    return ScoredModel(digest, folder, load)


def load_champion(path: Path, rows: Sequence[Row], vocabulary: Vocabulary) -> LanguageModel:
    """A pushed model that can score the rows.

    Raises InputError where it cannot be loaded, has another vocabulary, or its context is shorter than a row.
    """
    model = load_model(path, vocabulary.name)
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
    not_worse = values.pop("not_worse")
    thresholds = {name: Threshold(**bounds) for name, bounds in values.pop("thresholds").items()}
    return EvaluationOptions(
        **values,
        thresholds=thresholds,
        not_worse=NotWorseOptions(**not_worse) if not_worse else None,
    )


def _write_evaluation(
    folder: Path,
    summary: Mapping[str, Any],
    reported: Evaluation,
    seed: int,
    behind: Background,
) -> None:
    (folder / "metrics.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
    with (folder / "predictions.jsonl").open("w", encoding="utf-8") as file:
        for prediction in reported.predictions:
            file.write(json.dumps(prediction.to_dict(), ensure_ascii=False, sort_keys=True) + "\n")
    write_report(folder / "evaluation.html", summary, reported.predictions, seed, behind)


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
