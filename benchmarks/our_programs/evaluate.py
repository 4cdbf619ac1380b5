"""Write the summaries of 32 articles with a 124M model of random weights as the Evaluator does; prints tokens/s.

`python -m benchmarks.our_programs.evaluate FOLDER RECORDS PROMPT_TOKENS NEW_TOKENS TURNS`: FOLDER caches the export, in
bfloat16. In turns: all records by the Evaluator's Scorer, which cuts prompts, generates, scores by ROUGE and keeps what
it has written; and one call of `generate` with as many prompts as the Evaluator gives the model at once.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.our_programs.generate import TOP_P, WORDS, exported_model
from components.evaluation import TextWriter, targets
from components.score_cache import ScoreCache
from components.scoring import HeldOut, ScoredModel, Scorer
from preprocessing.records.record import Record, Segment, record_to_example
from preprocessing.records.tfrecords import tfrecords_of
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.vocabulary import load_vocabulary
from serving.model import Completion, LanguageModel, texts_at_once
from trainer.options import GenerationOptions

_BATCH = texts_at_once()
_SEPARATOR = "\nTL;DR:\n"
_REFERENCE_WORDS = 56


class _Counting:
    """A model that counts the tokens which it writes: of random weights, a text may end early."""

    def __init__(self, model: LanguageModel) -> None:
        self.context = model.context
        self.tokens = 0
        self._model = model

    def generate(self, prompts: Sequence[str], **options: Any) -> list[Completion]:
        done = self._model.generate(prompts, **options)
        self.tokens += sum(completion.tokens for completion in done)
        return done


def main() -> None:
    """Warm up once, then time both: {"evaluate": [new tokens/s], "generate": [new tokens/s]}."""
    folder = Path(sys.argv[1], "savedmodel")
    count, length, new, turns = map(int, sys.argv[2:])
    counting, vocabulary = _Counting(exported_model(folder)), load_vocabulary()
    model = cast(LanguageModel, counting)
    words = length - len(vocabulary.encode(_SEPARATOR))
    records = _records(count, words)
    prompts = [next(targets(r, vocabulary, model.context)).prompt for r in records[:_BATCH]]
    options = GenerationOptions(max_new_tokens=new, temperature=1.0, top_k=0, top_p=TOP_P)

    def evaluate(seed: int) -> None:
        with tempfile.TemporaryDirectory() as place:
            examples = Path(place, "examples")
            path = examples / "Split-test" / "records-00000-of-00001.tfrecord"
            path.parent.mkdir(parents=True)
            with path.open("wb") as file:
                file.write(tfrecords_of(map(record_to_example, records)))
            writer = TextWriter(TASKS["cnn_dailymail"], options, seed, "latin")
            held_out = HeldOut(examples, "records", Path(place), "no rows", "test", None)
            cache = ScoreCache(Path(place, "scores"), "components.scoring")
            scorer = Scorer(held_out, writer, vocabulary, _BATCH, cache)
            found = scorer.score(ScoredModel("model", folder, lambda: model), "evaluate")
            if len(found.predictions) != count:
                raise RuntimeError(f"{len(found.predictions)} texts of {count}")

    def generate(seed: int) -> None:
        model.generate(prompts, max_new_tokens=new, top_p=TOP_P, seed=seed)

    rates: dict[str, list[float]] = {"evaluate": [], "generate": []}
    for turn in range(1 + turns):
        for label, run in (("evaluate", evaluate), ("generate", generate)):
            counting.tokens, began = 0, time.perf_counter()
            run(turn)
            if turn:
                rates[label].append(counting.tokens / (time.perf_counter() - began))
    print(json.dumps(rates))


def _records(count: int, words: int) -> list[Record]:
    """Articles of so many tokens, each with a summary."""
    random = np.random.default_rng(1)
    found = []
    for number in range(count):
        article, summary = (
            "".join(random.choice(WORDS, size)) for size in (words, _REFERENCE_WORDS)
        )
        segments = (
            Segment(article, False),
            Segment(_SEPARATOR, False),
            Segment(summary, True, (summary,)),
        )
        found.append(Record(f"{number:03}", "a.story", 0, "d" * 64, "test", segments))
    return found


if __name__ == "__main__":
    main()
