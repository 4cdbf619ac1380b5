"""An evaluation in a process of its own, to be killed; see `test_spread_texts`."""

import json
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions

from components.evaluation import TextWriter
from components.score_cache import ScoreCache
from components.scoring import HeldOut, ScoredModel, Scorer
from components.spread_texts import SpreadTexts
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.vocabulary import load_vocabulary
from serving.model import load_model
from trainer.options import GenerationOptions

GENERATION = GenerationOptions(max_new_tokens=12, top_p=0.9)


def run(folder: Path, scores: Path, batch: int, workers: int, result: Path) -> None:
    """Score the model of a folder; `result` (predictions, an object a line) appears at the end."""
    flags = [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]
    spread = SpreadTexts(PipelineOptions(["--allow_unsafe_triggers", *flags]), "bytes")
    scorer = Scorer(
        HeldOut(folder / "examples", "records", folder / "tokens", "rows", "test", None),
        TextWriter(TASKS["cnn_dailymail"], GENERATION, 3, "latin"),
        load_vocabulary("bytes"),
        batch,
        ScoreCache(scores, "components.scoring"),
        spread if workers > 1 else None,
    )
    model = folder / "model"
    found = scorer.score(ScoredModel("candidate", model, lambda: load_model(model)), "evaluate")
    lines = [json.dumps(prediction.to_dict(), sort_keys=True) for prediction in found.predictions]
    staged = result.with_suffix(".staged")
    staged.write_text("\n".join(lines))
    staged.rename(result)
