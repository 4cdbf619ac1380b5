"""`gpt2-tfx score` on as many summaries as CNN/DailyMail's test split has, beside rouge-score in one process.

The command reads both files, scores on all processors, and draws the intervals of twelve scores; rouge-score alone
gives precision, recall and F of the same pairs. The means must be equal.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rouge_score.rouge_scorer import RougeScorer

from benchmarks.peers import ROOT
from benchmarks.stories import words_by_frequency
from components.metrics.rouge import ROUGE_METRICS

PAIRS = 11_490
# A reference has 56 words in three or four sentences on average (See et al. 2017); a model writes about as many.
SENTENCES, WORDS = (3, 4), 14
# So much of a prediction is taken from its reference.
KEPT = 0.4


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row `rouge_11k`."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pairs = _pairs()
        for file, side in (("ours.txt", 0), ("theirs.txt", 1)):
            lines = (" ".join(f"<t> {s} </t>" for s in pair[side]) for pair in pairs)
            (folder / file).write_text("".join(f"{line}\n" for line in lines))
        files = [
            "--predictions",
            str(folder / "ours.txt"),
            "--references",
            str(folder / "theirs.txt"),
        ]
        command = [sys.executable, "-m", "pipeline", "score", "--task", "cnn_dailymail", *files]
        began = time.perf_counter()
        done = subprocess.run([*command, "--json"], cwd=ROOT, check=True, capture_output=True)
        ours = time.perf_counter() - began
    scorer = RougeScorer(list(ROUGE_METRICS), use_stemmer=False)
    began = time.perf_counter()
    found = [scorer.score("\n".join(wanted), "\n".join(text)) for text, wanted in pairs]
    theirs = time.perf_counter() - began
    scores = json.loads(done.stdout)["scores"]
    for metric in ROUGE_METRICS:
        mean = sum(each[metric].fmeasure for each in found) / PAIRS
        assert abs(scores[metric]["value"] - mean) < 1e-12, (metric, mean, scores[metric])
    yield {
        "name": name,
        "unit": "pairs/s",
        "better": "higher",
        "ours": round(PAIRS / ours, 1),
        "peers": {"rouge-score, one process": round(PAIRS / theirs, 1)},
        "ratio": round(theirs / ours, 2),
        "goal": round(0.85 * (os.cpu_count() or 1), 2),
    }


def _pairs() -> list[tuple[list[str], list[str]]]:
    """Sentences of predictions and references."""
    dice = random.Random(1)
    words, weights = words_by_frequency()
    found = []
    for _ in range(PAIRS):
        reference = [
            dice.choices(words, cum_weights=weights, k=WORDS) for _ in range(dice.choice(SENTENCES))
        ]
        prediction = [
            [
                word if dice.random() < KEPT else dice.choices(words, cum_weights=weights)[0]
                for word in sentence
            ]
            for sentence in reference
        ]
        dice.shuffle(prediction)
        found.append(tuple([f"{' '.join(s)} ." for s in side] for side in (prediction, reference)))
    return found  # type: ignore[return-value]
