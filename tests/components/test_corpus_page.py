"""The page of a corpus: what became of each document, in words; what the corpus writes is text, never markup."""

from pathlib import Path
from typing import Any

import pytest

from components.corpus_page import write_corpus_page
from components.second_look import CleaningExample, SecondLook
from preprocessing.base.pages import INDEX_VARIABLE
from preprocessing.options import CorpusOptions
from tests.browser import Browser, beyond_the_edge, brightness
from tests.components.html_page import HOSTILE, Page

NONE: dict[str, Any] = {"count": 0, "first": []}


def page_of(
    folder: Path,
    options: CorpusOptions | None = None,
    look: SecondLook | None = None,
    **changes: Any,
) -> Page:
    """The page of a report: three records and nothing else, except for `changes`."""
    report = {
        "records": 3,
        "dropped": 0,
        "splits": {"train": 2, "validation": 0, "test": 1},
        "reasons": {},
        "duplicates": NONE,
        "leaks": NONE,
        **changes,
    }
    write_corpus_page(folder / "page.html", report, options or CorpusOptions(), look)
    page = Page(folder / "page.html")
    page.text = " ".join(page.text.split())
    return page


def copies(count: int, *documents: tuple[str, str]) -> dict[str, Any]:
    first = [{"id": name, "source": f"{name}.story", "split": split} for name, split in documents]
    return {"count": count, "first": first}


def test_a_corpus_without_a_flaw_is_said_to_be(tmp_path: Path) -> None:
    text = page_of(tmp_path).text
    assert (
        "3 records were kept, no document was dropped. Every document was found only once." in text
    )
    assert "Nothing was dropped." in text
    assert "No document is in more than one split (the same article, whatever its" in text
    assert "No document occurs more than once within a split" in text


def test_what_was_dropped_is_listed_as_text(tmp_path: Path) -> None:
    drop = {"id": HOSTILE, "source": "a.story", "detail": HOSTILE}
    reasons = {"no_highlights": {"count": 1, "first": [drop]}}
    page = page_of(tmp_path, dropped=1, reasons=reasons)
    assert "3 records were kept, 1 document was dropped." in page.text
    assert "no highlights: 1 document" in page.text
    assert "a.story" in page.text
    assert page.text.count(HOSTILE) == 2
    assert "script" not in page.tags


def test_how_drops_begin_and_what_cleaning_did_is_shown_as_text(tmp_path: Path) -> None:
    drop = {"id": "a", "source": "a.story", "detail": "why"}
    look = SecondLook(
        {("a.story", "a"): HOSTILE},
        {"byline": [CleaningExample("b", "head ", HOSTILE, "come", " tail")], "dateline": []},
    )
    reasons = {"no_highlight": {"count": 1, "first": [drop, {**drop, "id": "z"}]}}
    page = page_of(tmp_path, look=look, dropped=1, reasons=reasons)
    assert page.text.count(HOSTILE) == 2
    assert "script" not in page.tags
    assert f"head {HOSTILE} tail" in page.text
    assert "head come tail" in page.text
    assert "dateline" not in page.text


def test_it_leads_to_the_page_of_all_runs_where_it_lies_in_a_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report").mkdir()
    monkeypatch.setenv(INDEX_VARIABLE, str(tmp_path / "a workspace" / "index.html"))
    page_of(tmp_path / "report")
    assert 'href="../a%20workspace/index.html"' in (tmp_path / "report" / "page.html").read_text()
    monkeypatch.delenv(INDEX_VARIABLE)
    page_of(tmp_path / "report")
    assert "index.html" not in (tmp_path / "report" / "page.html").read_text()


def test_one_and_many_have_their_words(tmp_path: Path) -> None:
    drop = {"id": "a", "source": "a.story", "detail": "why"}
    many = {"no_highlight": {"count": 25, "first": [drop] * 20}}
    text = page_of(tmp_path, records=1, dropped=25, reasons=many).text
    assert "1 record was kept, 25 documents were dropped." in text
    assert "no highlight: 25 documents" in text
    assert "The first 20 of 25 documents are shown." in text


def test_leaks_are_named_with_what_to_do(tmp_path: Path) -> None:
    groups = [
        copies(2, ("a", "test"), (HOSTILE, "train")),
        copies(9, ("c", "test"), ("d", "train")),
    ]
    page = page_of(tmp_path, leaks={"count": 3, "first": groups})
    assert "3 documents were found in more than one split." in page.text
    assert "3 documents are in more than one split (the same article" in page.text
    assert "set corpus.on_leak to drop" in page.text
    assert f"1testaa.story train{HOSTILE}" in page.text
    assert page.text.count(HOSTILE) == 2
    assert "2testcc.story traindd.story and 7 more copies" in page.text
    assert "The first 2 of 3 documents are shown." in page.text
    assert "script" not in page.tags


def test_dropped_leaks_are_said_to_be_dropped(tmp_path: Path) -> None:
    group = copies(3, ("a", "test"), ("b", "train"))
    options = CorpusOptions(task="coqa", on_leak="drop")
    text = page_of(tmp_path, options, leaks={"count": 1, "first": [group]}).text
    assert "1 document was in more than one split (the same story, whatever is asked" in text
    assert "Only the copies in the most held-out split were kept" in text
    assert "and 1 more copy" in text
    assert "set corpus.on_leak to drop" not in text


@pytest.mark.parametrize(("count", "words"), [(1, "1 document occurs"), (2, "2 documents occur")])
def test_duplicates_are_named_and_kept(tmp_path: Path, count: int, words: str) -> None:
    groups = [copies(2, ("a", "train"), ("b", "train"))] * count
    text = page_of(tmp_path, duplicates={"count": count, "first": groups}).text
    assert f"{words} more than once within a split" in text
    assert "All copies were kept" in text
    assert "1trainaa.story trainbb.story" in text


def test_long_names_fit_a_narrow_window_in_the_dark(browser: Browser, tmp_path: Path) -> None:
    drop = {"id": "a" * 90, "source": "b" * 90, "detail": "c" * 90}
    example = CleaningExample("d" * 90, "e" * 90, "f" * 90, "\u202eg" * 90, "h" * 90)
    page_of(
        tmp_path,
        look=SecondLook({("b" * 90, "a" * 90): "\u202ei" * 90}, {"byline": [example]}),
        dropped=1,
        reasons={"no_highlights": {"count": 1, "first": [drop]}},
        leaks={"count": 1, "first": [copies(2, ("d" * 90, "test"), ("e" * 90, "train"))]},
    )
    browser.complaints()
    for width in (400, 1300):
        browser.open(tmp_path / "page.html", width, "dark")
        assert beyond_the_edge(browser) == []
    assert brightness(browser.ask("getComputedStyle(document.body).backgroundColor")) < 0.5
    assert browser.complaints() == []
