"""Raw stories to TFRecords of token rows: our two jobs beside `datasets.map` and beside bare tiktoken.

Each is a process of its own, timed by itself without the imports of its main process; all run in turns, and the
medians are compared. The speed is the stories' bytes, 20,000 of them of CNN/DailyMail lengths, by the seconds.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT, peer_command
from benchmarks.stories import write_stories
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.tasks import cleaning
from preprocessing.tokens.vocabulary import load_vocabulary, vocabulary_files
from preprocessing.tokens.vocabulary_files import ENCODER_FILE, MERGES_FILE

STORIES = 20_000
TURNS = 3
GOAL_OF_DATASETS = 2.0
GOAL_OF_TIKTOKEN = 0.6

_DATASETS, _DATASETS_BORROWED = "datasets.map", "datasets.map, our cleaning"
_TIKTOKEN = "tiktoken, 1 thread"
_CLEANING = {
    _DATASETS: "plain",
    _DATASETS_BORROWED: str(cleaning.__file__),
}


def measure(name: str) -> list[dict[str, Any]]:
    """The row `corpus_to_tfrecords` and two more: against bare tiktoken, and against `datasets.map` with our cleaning.

    `datasets.map` cleans as most write it, to the same text, in the first row. That is what people use today; in the
    last one it borrows our functions, which skip ftfy where it would change nothing: what is left is the work of the
    jobs themselves. It encodes whole articles; Tokenizer only what a row can hold.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        size = write_stories(folder / "stories", STORIES)
        records, _ = read_records(folder / "stories", CorpusOptions(), seed=1)
        texts = ["".join(segment.text for segment in record.segments) for record in records]
        (folder / "texts.json").write_text(json.dumps(texts))
        text_size = sum(len(text.encode()) for text in texts)
        del records, texts
        contents = vocabulary_files(load_vocabulary())
        for file, content in zip((ENCODER_FILE, MERGES_FILE), contents, strict=True):
            (folder / file).write_bytes(content)
        seconds = _seconds(folder)
    median = {label: statistics.median(times) for label, times in seconds.items()}
    jobs = {label: round(median[label], 2) for label in ("CorpusGen", "Tokenizer")}
    print(f"seconds of our jobs: {jobs}", file=sys.stderr)
    print(f"{size / 1e6:.1f} MB raw, {text_size / 1e6:.1f} MB clean", file=sys.stderr)
    # tiktoken gets the clean text, which is shorter, and its speed is in the same bytes as ours: raw stories.
    speed = {label: round(size / 1e6 / value, 2) for label, value in median.items()}

    def row(of: str, peer: str, goal: float) -> dict[str, Any]:
        return {
            "name": of,
            "unit": "MB/s",
            "better": "higher",
            "ours": speed["ours"],
            "peers": {peer: speed[peer]},
            "ratio": round(speed["ours"] / speed[peer], 2),
            "goal": goal,
        }

    return [
        row(name, _DATASETS, GOAL_OF_DATASETS),
        row(f"{name}_of_tiktoken", _TIKTOKEN, GOAL_OF_TIKTOKEN),
        row(f"{name}_our_cleaning", _DATASETS_BORROWED, GOAL_OF_DATASETS),
    ]


def _seconds(folder: Path) -> dict[str, list[float]]:
    """The seconds of each, a list of TURNS."""
    python, cores = str(peer_command("python")), str(len(os.sched_getaffinity(0)))
    vocabulary = [str(folder / ENCODER_FILE), str(folder / MERGES_FILE)]
    programs = ROOT / "benchmarks" / "peer_programs"
    stories, out = str(folder / "stories"), folder / "out"
    # Compiled modules are kept, as they are where this is installed: every worker imports Beam.
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }
    environment |= {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "HF_HOME": str(folder / "hf")}
    environment |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}

    def run(*command: str) -> list[float]:
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(folder / "hf", ignore_errors=True)  # nothing that an earlier turn has cached
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
        )
        return [float(word) for word in done.stdout.decode().split()[-2:]]

    ours = [sys.executable, "-m", "benchmarks.our_programs.corpus_jobs", stories, str(out)]
    run(*ours)  # compiles the modules
    seconds: dict[str, list[float]] = {}
    for _ in range(TURNS):
        corpus_gen, tokenizer = run(*ours)
        measured = {"CorpusGen": corpus_gen, "Tokenizer": tokenizer, "ours": corpus_gen + tokenizer}
        for label, way in _CLEANING.items():
            command = [
                str(programs / "datasets_map.py"),
                stories,
                *vocabulary,
                str(out),
                way,
                cores,
            ]
            measured[label] = run(python, *command)[-1]
        command = [str(programs / "tiktoken_only.py"), str(folder / "texts.json"), *vocabulary]
        measured[_TIKTOKEN], measured["tiktoken, 2 threads"] = run(python, *command)
        for label, value in measured.items():
            seconds.setdefault(label, []).append(value)
        print({label: round(value, 1) for label, value in measured.items()}, file=sys.stderr)
    return seconds
