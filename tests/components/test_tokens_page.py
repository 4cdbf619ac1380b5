"""The page of a corpus' tokens: lengths by split, what was cut and what that costs; what a corpus writes is text."""

from pathlib import Path
from typing import Any

from components.tokens_page import write_tokens_page
from preprocessing.records.record import Drop
from preprocessing.tokens.statistics import Lengths, TokenStatistics, merge, quantile
from tests.browser import Browser, beyond_the_edge, brightness
from tests.components.html_page import HOSTILE, Page


def counts_of(**splits: TokenStatistics) -> dict[str, Any]:
    return {
        "sequence_length": 512,
        "packing": True,
        "over_long": "truncate_prompt",
        "vocabulary": {"name": "gpt2", "size": 50257, "digest": "d" * 64},
        "splits": {name: split.report(512) for name, split in splits.items()},
    }


def statistics(*lengths: tuple[int, int]) -> TokenStatistics:
    """Of records with so many characters and tokens, each in a row of its own."""
    found = TokenStatistics(records=len(lengths), rows=len(lengths))
    for characters, tokens in lengths:
        found.add_lengths(characters, tokens)
        found.tokens += tokens
        found.bytes += characters
    return found


def page_of(path: Path, **splits: TokenStatistics) -> Page:
    write_tokens_page(path, counts_of(**splits), "cnn_dailymail")
    page = Page(path)
    page.text = " ".join(page.text.split())
    return page


def test_lengths_are_told_by_split_in_characters_and_tokens(tmp_path: Path) -> None:
    train = statistics(*[(1000, 200)] * 3, (4000, 512))
    page = page_of(tmp_path / "page.html", train=train, test=statistics((100, 20)))
    assert "train 4 1,750 on average" in page.text
    # The exact mean and longest; what half of them have is known to a quarter of an octave.
    assert "half have at most about 939" in page.text
    assert "the longest 4,000" in page.text
    assert "the longest 512" in page.text
    assert "train: 75.0 %" not in page.text
    assert "861 to 1,024: 75.0 % of train" in page.text
    # Two of train and one of test in each of two charts, and the legends.
    assert page.tags.count("rect") == 2 * 3 + 2 * 2
    assert "Nothing: every record" in page.text


def test_what_was_cut_is_told_with_what_is_lost(tmp_path: Path) -> None:
    train = statistics((1000, 200), (3000, 512))
    train.add_truncated(HOSTILE, "a.story", 3000, 900)
    page = page_of(tmp_path / "page.html", train=train)
    assert "train: 1 of 2 records" in page.text
    assert "900 of the 4,000 bytes of text are in no row: 22.5 % of the split is lost" in page.text
    assert "3,000 900, 30.0 %" in page.text
    assert HOSTILE in page.text
    assert "script" not in page.tags


def test_what_was_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    train = statistics((1000, 200))
    train.records += 25
    for number in range(25):
        train.add_drop(Drop("too_long", "a.story", f"r{number}", "513 tokens, more than 512"))
    page = page_of(tmp_path / "page.html", train=train)
    assert "26, 25 left out" in page.text
    assert "train, too long: 25 of 26 records" in page.text
    assert "r19 a.story 513 tokens, more than 512" in page.text
    assert "The first 20 are shown" in page.text


def test_a_corpus_of_ids_and_one_without_records_have_a_page_too(tmp_path: Path) -> None:
    page = page_of(tmp_path / "ids.html", train=statistics((0, 64)), test=TokenStatistics())
    assert "not known" in page.text
    assert page.tags.count("figure") == 1
    assert "figure" not in page_of(tmp_path / "none.html", train=TokenStatistics()).tags


def test_lengths_of_shards_come_to_those_of_the_whole() -> None:
    parts = [statistics((10, 3), (1000, 200)), statistics((10, 4))]
    whole = statistics((10, 3), (1000, 200), (10, 4))
    assert merge(parts).characters == whole.characters
    assert merge(parts).record_tokens == whole.record_tokens
    assert quantile(Lengths().counts, 0, 0.5) == 0
    # None is said to be longer than the longest.
    lengths = statistics((10, 185)).record_tokens
    assert quantile(lengths.counts, lengths.longest, 0.9) == 185


def test_it_fits_a_narrow_window_in_the_dark(browser: Browser, tmp_path: Path) -> None:
    train = statistics((1000, 200), (3000, 512))
    train.add_truncated("a" * 90, "b" * 90, 3000, 900)
    train.add_drop(Drop("too_long", "c" * 90, "d" * 90, "e" * 90))
    page_of(tmp_path / "page.html", train=train, test=statistics((100, 20)))
    browser.complaints()
    for width in (400, 1300):
        browser.open(tmp_path / "page.html", width, "dark")
        assert beyond_the_edge(browser) == []
    assert brightness(browser.ask("getComputedStyle(document.body).backgroundColor")) < 0.5
    fills = {
        browser.ask(f"getComputedStyle(document.querySelector('.bar.{s}')).fill")
        for s in ("train", "test")
    }
    assert len(fills) == 2
    assert browser.complaints() == []
