"""Scores of what other systems wrote: files, intervals, signatures."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.metrics.intervals import bootstrap_intervals
from components.prediction_files import read_pairs
from components.published_scores import Scores, published_scores
from components.sentences import split_sentences
from preprocessing.base.errors import InputError


def score(task: str, predictions: Path, references: Path) -> Scores:
    pairs = read_pairs(task, predictions, references)
    return published_scores(task, pairs, 1, lambda done, total: None)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def tagged(sentences: list[str]) -> str:
    return " ".join(f"<t> {sentence} </t>" for sentence in sentences)


class TestSummaries:
    def test_of_the_t_format_are_those_of_perl(self, tmp_path: Path, genuine: Path) -> None:
        golden = json.loads((genuine / "rouge" / "golden20.json").read_text(encoding="utf-8"))
        ours = write(tmp_path / "o", "".join(f"{tagged(p)}\n" for p, _ in golden["pairs"]))
        theirs = write(tmp_path / "t", "".join(f"{tagged(r)}\n" for _, r in golden["pairs"]))
        found = score("cnn_dailymail", ours, theirs)
        perl = golden["scores"]["full_nostem"]
        for metric, name in (
            ("rouge1", "ROUGE-1"),
            ("rouge2", "ROUGE-2"),
            ("rougeLsum", "ROUGE-L"),
        ):
            for part, suffix in enumerate(("_precision", "_recall", "")):
                mean = sum(row[part] for row in perl[name]) / len(perl[name])
                assert found.scores[f"{metric}{suffix}"].value == pytest.approx(mean, abs=1e-4)
        assert "sentences:t-tags" in found.signature

    def test_a_text_in_one_line_is_split_into_sentences_first(self, tmp_path: Path) -> None:
        reference = ["The ship left port.", "It carried grain."]
        theirs = write(tmp_path / "t", tagged(reference) + "\n")
        lines = write(tmp_path / "o", "It carried grain. The ship left port.\n")
        found = score("cnn_dailymail", lines, theirs)
        assert found.scores["rougeLsum"].value == pytest.approx(1.0)
        assert found.scores["rougeL"].value < 0.7
        assert "sentences:split+t-tags" in found.signature

    def test_of_every_layout_are_the_same(self, tmp_path: Path) -> None:
        ours = [["The ship left.", "It was late."], ["Rain fell."]]
        theirs = [["A ship left.", "Late."], ["Rain fell hard."]]
        t = write(tmp_path / "t", "".join(tagged(s) + "\n" for s in theirs))
        layouts = {
            "o": "".join(tagged(s) + "\n" for s in ours),
            "o.txt": "".join(" ".join(s) + "\r\n" for s in ours),
            "a.jsonl": "".join(json.dumps({"prediction": "\n".join(s)}) + "\n" for s in ours),
            "b.jsonl": "".join(json.dumps({"highlights": s}) + "\n" for s in ours),
        }
        values = {
            name: score("cnn_dailymail", write(tmp_path / name, text), t).scores
            for name, text in layouts.items()
        }
        assert len({json.dumps({k: s.value for k, s in v.items()}) for v in values.values()}) == 1

    def test_an_empty_prediction_scores_nothing_and_an_unseen_reference_is_counted(
        self, tmp_path: Path
    ) -> None:
        found = score(
            "cnn_dailymail",
            write(tmp_path / "o", "\nТекст.\n"),
            write(tmp_path / "t", "A text.\nТекст.\n"),
        )
        assert found.scores["rouge1"].value == 0
        assert found.unseen == 1

    def test_many_pairs_are_scored_the_same_by_several_processes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dice = random.Random(3)
        words = ["ship", "port", "grain", "sea", "rain", "left", "late"]
        texts = [" ".join(dice.choices(words, k=8)) + "." for _ in range(900)]
        ours, theirs = (
            write(tmp_path / "o", "\n".join(texts[:450])),
            write(tmp_path / "t", "\n".join(texts[450:])),
        )
        spread = score("cnn_dailymail", ours, theirs)
        monkeypatch.setattr("components.published_scores._FOR_PROCESSES", 10_000)
        assert score("cnn_dailymail", ours, theirs) == spread


def release(*stories: tuple[str, str, list[list[str]]]) -> str:
    """CoQA's JSON of (story, domain, turns), each turn the answers of the annotators, the first the gold one."""
    return json.dumps(
        {
            "data": [
                {
                    "id": story,
                    "source": domain,
                    "answers": [
                        {"turn_id": n, "input_text": turn[0]} for n, turn in enumerate(turns, 1)
                    ],
                    "additional_answers": {
                        str(other): [
                            {"turn_id": n, "input_text": turn[other + 1]}
                            for n, turn in enumerate(turns, 1)
                        ]
                        for other in range(len(turns[0]) - 1)
                    },
                }
                for story, domain, turns in stories
            ]
        }
    )


def answers(*rows: tuple[str, int, str]) -> str:
    return json.dumps([{"id": i, "turn_id": n, "answer": a} for i, n, a in rows])


class TestAnswers:
    def test_leave_one_annotator_out_and_count_an_empty_answer(self, tmp_path: Path) -> None:
        """By hand: leaving out either of the others, the best is 1; leaving out the gold one, the best is 0."""
        theirs = write(tmp_path / "r.json", release(("s", "cnn", [["white house", "", "red"]])))
        ours = write(tmp_path / "o.json", answers(("s", 1, "The White House!")))
        found = score("coqa", ours, theirs)
        assert found.scores["em"].value == pytest.approx(2 / 3)
        assert found.scores["f1"].value == pytest.approx(2 / 3)

    def test_are_told_by_domain(self, tmp_path: Path) -> None:
        theirs = write(
            tmp_path / "r.json",
            release(("s", "cnn", [["yes"], ["no"]]), ("t", "reddit", [["two"]])),
        )
        ours = write(
            tmp_path / "o.json", answers(("s", 1, "yes"), ("s", 2, "maybe"), ("t", 1, "two"))
        )
        found = score("coqa", ours, theirs)
        assert found.domains["cnn"]["em"] == found.domains["in_domain"]["em"] == 0.5
        assert found.domains["reddit"]["em"] == found.domains["out_of_domain"]["em"] == 1

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([("s", 1, "a")], "no answer to turn 2 of s"),
            ([("s", 1, "a"), ("s", 2, "b"), ("s", 2, "c")], "turn 2 of s is answered twice"),
            ([("s", 1, "a"), ("s", 2, "b"), ("x", 1, "c")], "turn 1 of x is not in"),
        ],
    )
    def test_that_do_not_fit_the_questions_are_refused(
        self, tmp_path: Path, rows: list[tuple[str, int, str]], message: str
    ) -> None:
        theirs = write(tmp_path / "r.json", release(("s", "cnn", [["yes"], ["no"]])))
        with pytest.raises(InputError, match=message):
            score("coqa", write(tmp_path / "o.json", answers(*rows)), theirs)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("o", b"one\ntwo\n", "has 2 texts and .* has 1"),
            ("o", b"", "has 0 texts"),
            ("o", b"\xff\xfe\n", "byte 0 is not UTF-8"),
            ("o.jsonl", b"{\n", "o.jsonl:1: not JSON"),
            ("o.jsonl", b"[1]\n", "o.jsonl:1: not an object"),
            ("o.jsonl", b'{"text": "x"}\n', "o.jsonl:1: none of prediction"),
            ("gone", None, "cannot be read: No such file"),
        ],
    )
    def test_are_refused_by_name(
        self, tmp_path: Path, name: str, content: bytes | None, message: str
    ) -> None:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=message):
            score("cnn_dailymail", tmp_path / name, write(tmp_path / "t", "one\n"))


class TestIntervals:
    def test_are_those_of_a_plain_bootstrap(self) -> None:
        dice = np.random.default_rng(5)
        scores = dice.normal(size=(200, 2))
        found = bootstrap_intervals(scores, [str(n) for n in range(200)], 1, 4000)
        plain = np.array([scores[dice.integers(200, size=200)].mean(axis=0) for _ in range(4000)])
        assert found is not None
        assert found == pytest.approx(np.quantile(plain, [0.025, 0.975], axis=0).T, abs=0.02)

    def test_draw_stories_whole(self) -> None:
        """Ten equal turns of a story tell no more than one."""
        alone = np.array([[0.0], [1.0], [1.0], [0.0]])
        many = np.repeat(alone, 10, axis=0)
        groups = [story for story in "abcd" for _ in range(10)]
        one = bootstrap_intervals(alone, list("abcd"), 1)
        assert one is not None
        assert np.array_equal(one, bootstrap_intervals(many, groups, 1))

    def test_are_none_of_one_record(self) -> None:
        assert bootstrap_intervals(np.array([[0.5]]), ["a"], 1) is None

    @given(values=st.lists(st.floats(0, 1), min_size=2, max_size=20))
    def test_hold_within_the_scores(self, values: list[float]) -> None:
        scores = np.array(values)[:, None]
        found = bootstrap_intervals(scores, [str(n) for n in range(len(values))], 1, 200)
        assert found is not None
        low, high = found[0]
        assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("It cost $3.5 million, he said.", 1),
        ("no capital follows. so it goes on", 1),
        ('"Stop." He did.', 2),
        ("", 1),
    ],
)
def test_sentences_end_before_capitals_and_digits(text: str, count: int) -> None:
    found = split_sentences(text)
    assert len(found) == count
    assert " ".join(found).split() == text.split()


def test_a_signature_changes_with_everything_that_the_numbers_follow_from(tmp_path: Path) -> None:
    theirs = write(tmp_path / "t", "A ship left.\nRain fell.\n")
    same = [score("cnn_dailymail", write(tmp_path / n, "Ship.\nRain.\n"), theirs) for n in "ab"]
    assert same[0] == same[1]
    other: list[Any] = [
        score("cnn_dailymail", write(tmp_path / "c", "Ship.\nRain!\n"), theirs),
        score("cnn_dailymail", write(tmp_path / "d", "<t>Ship.</t>\n<t>Rain.</t>\n"), theirs),
    ]
    assert len({same[0].signature, *(found.signature for found in other)}) == 3
