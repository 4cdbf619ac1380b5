"""The page of an evaluation: what the model writes is text, never markup; scores that are missing are said to be."""

from pathlib import Path

import pytest

from components.evaluation import Prediction, Target
from components.evaluation_report import SHOWN_PREDICTIONS, write_report
from preprocessing.base.pages import write_page
from tests.components.html_page import HOSTILE, Page

SUMMARY = {
    "task": "cnn_dailymail",
    "split": "test",
    "generated": 1,
    "tokens": 12,
    "metrics": {"perplexity": 40.25, "rouge1": 0.125},
    "intervals": {"rouge1": [0.0625, 0.1875]},
    "gate_split": "validation",
    "champion": None,
    "differences": {},
    "baselines": {},
    "traits": {},
    "checks": [
        {"metric": "perplexity", "wanted": "finite", "value": 40.25, "passed": True, "found": "so"}
    ],
    "blessed": True,
    "note": "",
}


def prediction(text: str = "A text.", number: int = 0, **scores: float) -> Prediction:
    return Prediction(Target(f"id{number:03}", 1, "A prompt.", ("A reference.",)), text, scores)


def test_the_report_shows_scores_checks_and_texts(tmp_path: Path) -> None:
    write_report(tmp_path / "page.html", SUMMARY, [prediction(rouge1=0.125, non_empty=1.0)])
    page = Page(tmp_path / "page.html")
    scores = ("40.25", "0.125", "0.0625 to 0.1875", "finite", "40.25; so", "validation split")
    for shown in (*scores, "passed", "A prompt.", "A text.", "A reference."):
        assert shown in page.text
    assert "svg" in page.tags
    assert "champion" not in page.text


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    target = Target(HOSTILE, 1, HOSTILE, (HOSTILE,))
    hostile = Prediction(target, HOSTILE, {"rouge1": 0.5})
    write_report(tmp_path / "page.html", {**SUMMARY, "note": HOSTILE}, [hostile])
    page = Page(tmp_path / "page.html")
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert page.text.count(HOSTILE) == 5


def test_missing_scores_are_said_to_be_missing(tmp_path: Path) -> None:
    summary = {
        **SUMMARY,
        "metrics": {"perplexity": None, "rouge1": None},
        "champion": {"perplexity": 30.5, "rouge1": None},
        "checks": [
            {
                "metric": "perplexity",
                "wanted": "finite",
                "value": None,
                "passed": False,
                "found": "",
            }
        ],
        "blessed": False,
    }
    write_report(tmp_path / "page.html", summary, [])
    page = Page(tmp_path / "page.html")
    assert page.text.count("not scored") == 4
    for shown in ("not blessed", "30.5", "failed", "Nothing was generated."):
        assert shown in page.text
    assert "svg" not in page.tags


def test_a_difference_stands_with_its_interval_and_is_called_better_only_where_that_leaves_no_doubt(
    tmp_path: Path,
) -> None:
    drawn = {"p_bootstrap": 0.04, "p_randomisation": 0.05, "smallest": 0.1}
    summary = {
        **SUMMARY,
        "champion": {"perplexity": 41.0, "rouge1": 0.1},
        "differences": {
            "perplexity": {
                "value": 0.01,
                "low": None,
                "high": None,
                "verdict": "no difference shown",
            },
            "rouge1": {"value": 0.025, "low": 0.01, "high": 0.04, "verdict": "better", **drawn},
        },
    }
    write_report(tmp_path / "page.html", summary, [])
    text = " ".join(Page(tmp_path / "page.html").text.split())
    assert "better +0.0250, +0.0100 to +0.0400, p 0.0400" in text
    assert "no difference shown +0.0100" in text


def test_what_needs_no_model_and_what_the_texts_are_like_stand_beside_the_scores(
    tmp_path: Path,
) -> None:
    summary = {
        **SUMMARY,
        "baselines": {"lead_3": {"rouge1": 0.4015}, "first_words": {"rouge1": 0.3}},
        "traits": {"model": {"novel_1": 0.25}, "references": {"novel_1": 0.125}},
    }
    write_report(tmp_path / "page.html", summary, [])
    text = Page(tmp_path / "page.html").text
    for shown in ("first three sentences", "0.4015", "novel_1", "0.125"):
        assert shown in text


def test_the_report_shows_some_texts_and_counts_the_others(tmp_path: Path) -> None:
    predictions = [prediction(number=number, f1=0.5) for number in range(SHOWN_PREDICTIONS + 4)]
    write_report(tmp_path / "page.html", SUMMARY, predictions)
    page = Page(tmp_path / "page.html")
    assert page.tags.count("details") == SHOWN_PREDICTIONS
    assert "4 more are in predictions.jsonl" in page.text


def test_equal_evaluations_give_equal_pages(tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        write_report(tmp_path / name, SUMMARY, [prediction(rouge1=0.125, rouge2=0.25)])
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_page_without_a_value_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="'report' is undefined"):
        write_page(tmp_path / "page.html", "corpus.html", task="text")
    assert not (tmp_path / "page.html").exists()
