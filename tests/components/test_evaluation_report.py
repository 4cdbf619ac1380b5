"""The page of an evaluation: what the model writes is text, never markup; scores that are missing are said to be."""

from pathlib import Path
from typing import Literal

import pytest

from components.evaluation import Prediction, Target
from components.evaluation_charts import (
    by_domain,
    by_source_length,
    length_histogram,
    source_lengths,
)
from components.evaluation_report import write_report
from components.inline_samples import BLOCK_SAMPLES
from preprocessing.base.pages import write_page
from tests.browser import Browser, beyond_the_edge, brightness, contrast, texts
from tests.components.html_page import HOSTILE, Page

SUMMARY = {
    "task": "cnn_dailymail",
    "split": "test",
    "generated": 1,
    "signature": "cnn_dailymail|records:1",
    "tokens": 12,
    "max_rows": None,
    "text": {
        "words": 9,
        "bytes": 51,
        "scores": {"word_perplexity": 812.5, "bits_per_byte": 1.25},
        "intervals": {"bits_per_byte": [1.125, 1.375]},
    },
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
    "leaks": {"documents": 0, "records": 1, "exposed": 0},
}


def prediction(text: str = "A text.", number: int = 0, **scores: float) -> Prediction:
    return Prediction(Target(f"id{number:03}", 1, "A prompt.", ("A reference.",)), text, scores)


def test_the_report_shows_scores_checks_and_texts(tmp_path: Path) -> None:
    write_report(tmp_path / "page.html", SUMMARY, [prediction(rouge1=0.125, non_empty=1.0)], 1)
    page = Page(tmp_path / "page.html")
    scores = ("40.25", "0.125", "0.0625 to 0.1875", "finite", "40.25; so", "validation split")
    for shown in (*scores, "passed", "A prompt.", "A text.", "A reference."):
        assert shown in page.text
    assert "svg" in page.tags
    assert "champion" not in page.text[page.text.index("Scores on") : page.text.index("Texts")]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    target = Target(HOSTILE, 1, HOSTILE, (HOSTILE,))
    hostile = Prediction(target, HOSTILE, {"rouge1": 0.5})
    write_report(tmp_path / "page.html", {**SUMMARY, "note": HOSTILE}, [hostile], 1)
    page = Page(tmp_path / "page.html")
    # The data, a block of texts, and the page's own script.
    assert page.tags.count("script") == 3
    assert "img" not in page.tags
    assert page.text.count(HOSTILE) == 1


def test_missing_scores_are_said_to_be_missing(tmp_path: Path) -> None:
    summary = {
        **SUMMARY,
        "generated": 0,
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
    write_report(tmp_path / "page.html", summary, [], 1)
    page = Page(tmp_path / "page.html")
    assert page.text.count("not scored") == 4
    for shown in ("not blessed", "30.5", "failed", "Nothing was generated."):
        assert shown in page.text
    assert page.tags.count("circle") == 2, "those of the legend"


def test_a_difference_stands_with_its_interval_and_is_called_better_only_where_that_leaves_no_doubt(
    tmp_path: Path,
) -> None:
    drawn = {"p_bootstrap": 0.04, "p_randomisation": 0.05, "smallest": 0.1}
    none = {"low": None, "high": None, "p_bootstrap": None, "p_randomisation": None}
    summary = {
        **SUMMARY,
        "champion": {"perplexity": 41.0, "rouge1": 0.1},
        "differences": {
            "perplexity": {"value": 0.01, "verdict": "no difference shown", **none},
            "rouge1": {"value": 0.025, "low": 0.01, "high": 0.04, "verdict": "better", **drawn},
        },
    }
    write_report(tmp_path / "page.html", summary, [], 1)
    page = Page(tmp_path / "page.html")
    text = " ".join(page.text.split())
    assert "better +0.0250 +0.0100 to +0.0400 0.0400 (0.0500)" in text
    assert "no difference shown +0.0100 none none" in text
    # 0 is in the middle, and the farther end of the interval a tenth from the edge.
    html = (tmp_path / "page.html").read_text()
    assert '<line class="range" x1="61.36%" x2="95.45%"' in html
    assert '<line class="zero" x1="50%"' in html


def test_what_needs_no_model_and_what_the_texts_are_like_stand_beside_the_scores(
    tmp_path: Path,
) -> None:
    summary = {
        **SUMMARY,
        "baselines": {"lead_3": {"rouge1": 0.4015}, "first_words": {"rouge1": 0.3}},
        "traits": {"model": {"novel_1": 0.25}, "references": {"novel_1": 0.125}},
    }
    write_report(tmp_path / "page.html", summary, [], 1)
    text = Page(tmp_path / "page.html").text
    for shown in ("first three sentences", "0.4015", "novel_1", "0.125"):
        assert shown in text


def test_scores_are_drawn_on_one_scale_with_intervals_baselines_and_the_champion(
    tmp_path: Path,
) -> None:
    summary = {
        **SUMMARY,
        "champion": {"rouge1": 0.15},
        "baselines": {"lead_3": {"rouge1": 0.39}, "first_words": {"rouge1": 0.3}},
    }
    write_report(tmp_path / "page.html", summary, [], 1)
    html = (tmp_path / "page.html").read_text()
    # From 0 to 0.4.
    assert '<line class="range" x1="15.62%" x2="46.88%"' in html
    assert '<circle class="value" cx="31.25%"' in html
    assert '<circle class="champion" cx="37.5%"' in html
    assert '<line class="lead_3" x1="97.5%"' in html
    assert '<line class="first_words" x1="75.0%"' in html


def test_scores_by_the_length_of_the_source_are_of_groups_of_about_as_many_texts() -> None:
    predictions = [
        Prediction(
            Target(f"id{number}", 1, "word " * (number + 1), ("A reference.",)),
            "A text.",
            {"f1": float(number >= 50)},
        )
        for number in range(100)
    ]
    groups = by_source_length(predictions, source_lengths(predictions), "f1", 1)
    names = [
        "1 to 20 words",
        "21 to 40 words",
        "41 to 60 words",
        "61 to 80 words",
        "81 to 100 words",
    ]
    assert [(group.name, group.texts) for group in groups] == [(name, 20) for name in names]
    assert [group.mean for group in groups] == [0, 0, 0.5, 1, 1]
    low, high = groups[2].interval or (0, 0)
    assert 0.2 < low < 0.5 < high < 0.8
    few = predictions[:39]
    assert by_source_length(few, source_lengths(few), "f1", 1) == []


def test_scores_by_domain_stand_with_intervals_over_stories(tmp_path: Path) -> None:
    predictions = [
        Prediction(
            Target(f"{domain}{story}", turn, "A story.", ("An answer.",), domain),
            "A text.",
            {"f1": float(story) if domain == "cnn" else 0.25},
        )
        for domain in ("reddit", "cnn")
        for story in range(2 if domain == "cnn" else 1)
        for turn in (1, 2)
    ]
    groups = by_domain(predictions, "f1", 1)
    assert [(group.name, group.texts, group.mean) for group in groups] == [
        ("cnn", 4, 0.5), ("reddit", 2, 0.25), ("in domain", 4, 0.5), ("out of domain", 2, 0.25)
    ]  # fmt: skip
    # Two stories, drawn whole: the mean of a resample is 0, a half or 1; of one story nothing can be drawn.
    assert [group.interval for group in groups] == [(0, 1), None, (0, 1), None]
    write_report(tmp_path / "page.html", SUMMARY, predictions, 1)
    text = " ".join(Page(tmp_path / "page.html").text.split())
    assert "f1 by the domain" in text
    assert "out of domain 2 0.2500 none" in text
    assert "by the length" not in text


def test_the_lengths_of_texts_and_references_are_counted_side_by_side() -> None:
    found = length_histogram([prediction("one two"), prediction("")])
    assert found.edges[-1] == 20
    assert found.series["model"][:3] == (1, 0, 1)
    assert found.series["references"][:3] == (0, 0, 2)


def test_equal_evaluations_give_equal_pages(tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        write_report(tmp_path / name, SUMMARY, [prediction(rouge1=0.125, rouge2=0.25)], 1)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_page_without_a_value_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="'report' is undefined"):
        write_page(tmp_path / "page.html", "corpus.html", task="text")
    assert not (tmp_path / "page.html").exists()


COUNT = 2 * BLOCK_SAMPLES + 7
SOURCE = "A story begins: the fox jumps over the lazy dog today."


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of texts, each of which says its number, in turns whose sources go on from one another."""
    path = tmp_path_factory.mktemp("evaluation") / "page.html"
    predictions = []
    for number in range(COUNT):
        turn = number % 3 + 1
        prompt = SOURCE + "".join(f" Question {n} of story {number // 3}?" for n in range(turn))
        target = Target(f"story{number // 3:03}", turn, prompt, (f"Reference {number}.",))
        text = f"The fox jumps over a zebra {number}." if number else HOSTILE
        predictions.append(Prediction(target, text, {"non_empty": 1.0, "f1": number / COUNT}))
    summary = {**SUMMARY, "generated": COUNT, "champion": {"rouge1": 0.1}, "note": HOSTILE}
    write_report(path, summary, predictions, 1)
    return path


def said(browser: Browser) -> str:
    return browser.ask("document.querySelector('#said').textContent")


def choose(browser: Browser, control: str, value: str) -> None:
    """Set a control as who uses it does."""
    browser.ask(
        f"(e => {{ e.value = '{value}'; e.dispatchEvent(new Event('input')); }})"
        f"(document.querySelector('#{control}'))"
    )


class TestInABrowser:
    def test_every_text_can_be_reached_in_pages(self, browser: Browser, page: Path) -> None:
        browser.open(page, 1300)
        seen = texts(browser, ".sample h3")
        assert said(browser) == f"1 to 10 of {COUNT}"
        while not browser.ask("document.querySelector('#next').disabled"):
            browser.ask("document.querySelector('#next').click()")
            seen += texts(browser, ".sample h3")
        assert seen == [f"story{number // 3:03}, {number % 3 + 1}" for number in range(COUNT)]
        assert said(browser) == f"101 to {COUNT} of {COUNT}"

    def test_a_text_stands_beside_its_reference_with_what_is_copied_and_new(
        self, browser: Browser, page: Path
    ) -> None:
        browser.open(page, 1300)
        second = ".sample:nth-child(2)"
        assert texts(browser, f"{second} .beside .text") == [
            "The fox jumps over a zebra 1.", "Reference 1."
        ]  # fmt: skip
        assert texts(browser, f"{second} .beside mark.copied") == ["The fox jumps over"]
        assert texts(browser, f"{second} .beside mark.novel") == ["zebra", "Reference"]
        assert texts(browser, f"{second} details .text") == []
        assert texts(browser, f"{second} summary")[0].endswith('Question 1 of story 0?"')
        browser.ask(f"document.querySelector('{second} summary').focus()")
        browser.press("\ue007")
        assert texts(browser, f"{second} details .text") == [
            f"{SOURCE} Question 0 of story 0? Question 1 of story 0?"
        ]

    def test_texts_are_ordered_by_a_score_and_filtered(self, browser: Browser, page: Path) -> None:
        browser.open(page, 1300)
        assert browser.ask("document.querySelector('#score').value") == "f1"
        choose(browser, "order", "best")
        assert texts(browser, ".sample:first-child .text")[1] == f"Reference {COUNT - 1}."
        choose(browser, "order", "worst")
        choose(browser, "least", "0.5")
        assert texts(browser, ".sample:first-child .text")[1] == f"Reference {COUNT // 2 + 1}."
        assert said(browser) == f"1 to 10 of {COUNT // 2}, of {COUNT} in all"
        choose(browser, "least", "2")
        assert said(browser) == f"No text, of {COUNT} in all"
        choose(browser, "least", "")
        choose(browser, "order", "random")
        drawn = texts(browser, ".sample h3")
        assert len(set(drawn)) == 10
        assert drawn != sorted(drawn)

    def test_the_search_looks_into_every_text_from_the_keyboard(
        self, browser: Browser, page: Path
    ) -> None:
        browser.open(page, 1300)
        browser.press("/", "zebra 104")
        browser.ask("new Promise(done => setTimeout(done, 100))")
        assert said(browser) == f"1 to 1 of 1, of {COUNT} in all"
        assert texts(browser, ".sample h3") == ["story034, 3"]

    def test_the_signature_is_copied(self, browser: Browser, page: Path) -> None:
        browser.open(page, 1300)
        browser.ask("document.querySelector('#copy').focus()")
        browser.press("\ue007")
        browser.ask("new Promise(done => setTimeout(done, 50))")
        assert browser.ask("navigator.clipboard.readText()") == SUMMARY["signature"]

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_texts_can_be_read_in_light_and_dark_and_400_pixels(
        self, browser: Browser, page: Path, scheme: Literal["light", "dark"]
    ) -> None:
        browser.open(page, 400, scheme)
        paper = browser.ask("getComputedStyle(document.body).backgroundColor")
        assert (brightness(paper) > 0.5) == (scheme == "light")
        for selector in ("h1", ".quiet", ".mark", ".text", "mark", "mark.novel", "button", "input"):
            assert contrast(browser, selector) >= 4.5, selector
        for width in (400, 1300):
            browser.open(page, width, scheme)
            browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert beyond_the_edge(browser) == []

    def test_it_asks_for_nothing_and_what_is_planted_stays_text(
        self, browser: Browser, page: Path, tmp_path: Path
    ) -> None:
        browser.complaints()
        browser.open(page, 1300)
        assert browser.ask("performance.getEntriesByType('resource').length") == 0
        assert browser.complaints() == []
        assert HOSTILE in browser.ask("document.querySelector('.sample .text').textContent")
        planted = "<script>document.title = 'planted'</script>"
        (tmp_path / "page.html").write_text(
            page.read_text().replace("</body>", f"{planted}</body>")
        )
        browser.open(tmp_path / "page.html", 1300)
        assert browser.ask("document.title").startswith("Evaluation")
        assert any("Content Security Policy" in text for text in browser.complaints())
