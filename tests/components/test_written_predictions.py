"""Predictions that an evaluation writes are read by what scores files, and get the same scores and signature."""

import json
from pathlib import Path

import pytest

from components.compared_predictions import read_predictions
from components.evaluation import Evaluation, TextWriter, evaluate
from components.prediction_files import read_pairs
from components.published_scores import parts_of, published_scores
from components.written_predictions import as_file, signature_of
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.components.fakes import FakeModel, conversation_record, news_record
from trainer.options import GenerationOptions

GENERATION = GenerationOptions(max_new_tokens=4)
SEED = 5


def evaluated(task: str) -> Evaluation:
    if task == "coqa":
        records = [conversation_record(("who?", "Zoë"), ("why?", "no"), story="S.")]
        model = FakeModel(lambda prompt: " Zoë\n Q: more?")
    else:
        texts = ("The ship left. It rained.", "Port is open\nall day.", "None.")
        records = [news_record(n, f"Article {n}.", text) for n, text in enumerate(texts)]
        model = FakeModel(lambda prompt: " All day it rained. The ship left at 9.")
    words = load_vocabulary("bytes")
    writer = TextWriter(TASKS[task], GENERATION, SEED, "latin")
    return evaluate(model, writer, records, [], words, 8)


def write(folder: Path, task: str, name: str, found: Evaluation) -> Path:
    path = folder / name
    path.write_bytes(as_file(task, name, found.predictions))
    return path


class TestSummaries:
    def test_are_a_line_each_with_their_sentences_in_tags(self, tmp_path: Path) -> None:
        path = write(tmp_path, "cnn_dailymail", "P.txt", evaluated("cnn_dailymail"))
        line = "<t> All day it rained. </t> <t> The ship left at 9. </t>\n"
        assert path.read_text() == line * 3

    def test_get_the_same_scores_and_signature_from_the_file(self, tmp_path: Path) -> None:
        found = evaluated("cnn_dailymail")
        path = write(tmp_path, "cnn_dailymail", "P.jsonl", found)
        again = published_scores(
            "cnn_dailymail", read_pairs("cnn_dailymail", path, path), SEED, lambda *_: None
        )
        for name in ("rouge1", "rouge2", "rougeL", "rougeLsum"):
            assert again.scores[name].value == pytest.approx(found.metrics[name], abs=1e-12)
        signature = signature_of("cnn_dailymail", found.predictions, "test", GENERATION, SEED)
        assert signature is not None
        own = parts_of(signature)
        assert own.items() >= parts_of(again.signature).items()
        assert set(own) - set(parts_of(again.signature)) == {"split", "generation"}

    def test_of_one_line_are_split_into_sentences_before_they_are_scored(self) -> None:
        found = evaluated("cnn_dailymail")
        assert found.predictions[0].scores["rougeLsum"] > found.predictions[0].scores["rougeL"]

    def test_are_paired_by_compare(self, tmp_path: Path) -> None:
        path = write(tmp_path, "cnn_dailymail", "P.jsonl", evaluated("cnn_dailymail"))
        assert len(read_predictions(path)) == 3


class TestAnswers:
    def test_are_written_as_the_official_script_reads_them(self, tmp_path: Path) -> None:
        path = write(tmp_path, "coqa", "P.json", evaluated("coqa"))
        assert json.loads(path.read_text(encoding="utf-8")) == [
            {"id": "c1", "turn_id": 1, "answer": "Zoë"},
            {"id": "c1", "turn_id": 2, "answer": "Zoë"},
        ]

    def test_get_the_same_scores_and_signature_from_the_file(self, tmp_path: Path) -> None:
        found = evaluated("coqa")
        path = write(tmp_path, "coqa", "P.json", found)
        turns = [{"turn_id": turn, "input_text": text} for turn, text in ((1, "Zoë"), (2, "no"))]
        release = {"data": [{"id": "c1", "source": "cnn", "answers": turns}]}
        (tmp_path / "dev.json").write_text(json.dumps(release))
        pairs = read_pairs("coqa", path, tmp_path / "dev.json")
        again = published_scores("coqa", pairs, SEED, lambda *_: None)
        assert again.scores["em"].value == found.metrics["exact_match"]
        signature = signature_of("coqa", found.predictions, "test", GENERATION, SEED)
        assert signature is not None
        assert parts_of(signature).items() >= parts_of(again.signature).items()


def test_without_texts_there_is_no_signature() -> None:
    assert signature_of("text", (), "test", GENERATION, SEED) is None
