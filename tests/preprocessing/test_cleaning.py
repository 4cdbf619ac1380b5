import doctest

import ftfy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preprocessing.base import digests
from preprocessing.records import ids
from preprocessing.tasks import cleaning
from preprocessing.tasks.cleaning import (
    clean_article,
    clean_highlight,
    fix_characters,
    join_paragraphs,
    normalise_whitespace,
    strip_byline,
    strip_dateline,
)

# What ftfy acts on, so that Hypothesis meets it often: curly quotes, quotes decoded wrongly, the
# lead and continuation bytes of UTF-8 in several encodings, entities, controls, markup.
PIECES = [
    *"\u2018\u2019\u201c\u201d\u201a\u201e\u2013\u2026\u20ac\u2122",
    *"\u00c2\u00c3\u00e2\u00a0\u00e9\u00d2\u00d5\u0080\u009d\u0085\u2028\ufb01\uff21\ufeff\ufffd",
    *"\t\n\r\x0b\x0c\x00\x1a\x1b\x7f <>&;?'\"a",
    "\u00e2\u20ac\u2122", "\u00c3\u00a9", "&amp;", "&lt;", "&#39;", "&eacute;", "<b>", "\x1b[31m",
]  # fmt: skip


def in_one_line(article: str) -> str:
    """The article as the script behind Hugging Face's copy joins it."""
    ends = (".", "!", "?", "'", "`", '"', "\u2019", "\u201d", ")")
    lines = (line.strip() for line in article.split("\n"))
    return " ".join(line if line.endswith(ends) else line + " ." for line in lines if line)


@pytest.mark.parametrize("module", [cleaning, digests, ids])
def test_the_examples_in_the_docstrings_are_true(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8"), max_size=30).map("".join))
@example("<b>\n&amp;")
@example("&amp;\n<b>\n&amp;\n")
@example("one\r\ntwo\rthree")
def test_skipping_ftfy_gives_what_ftfy_gives(text):
    assert fix_characters(text) == ftfy.fix_text(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_text_gives_what_ftfy_gives(text):
    assert fix_characters(text) == ftfy.fix_text(text)


@given(st.text(st.sampled_from("\u2018\u2019\u201c\u201da ,.?\n"), max_size=60))
def test_text_with_curly_quotes_gives_what_ftfy_gives(text):
    assert fix_characters(text) == ftfy.fix_text(text)


BLOCKS = [
    "By\nAnn Lee",
    "By\nDr. Ann Lee",
    "By\nDaily Mail Reporter\n\nPUBLISHED:\n\n12:21 EST, 14 September 2012",
    "By\nAnn Lee\n\nPUBLISHED:\n12:21 EST, 4 May 2012\n\n|\n\nUPDATED:\n03:21 EST, 5 May 2012",
    "By\nAnn Lee\nand Bo Ray\nPUBLISHED:\n21:05, 5 December 2011",
    "By\nAnn Lee\nand\nBo Ray\nPUBLISHED:\n21:05, 5 December 2011",
    "By\nAnn Lee\nand\nBo Ray",
    "By\nAnn Lee\nand Bo Ray",
    "By\nAnn Lee\nBo Ray\nand Cy Poe Jr.\nPUBLISHED:\n21:05, 5 December 2011",
    "By Ann Lee\n\nPUBLISHED: 12:21 EST, 4 May 2012 | UPDATED: 13:00 EST, 4 May 2012",
    "By\nAnn Lee\n\nLast updated at 10:46 AM on 20th October 2011",
    "PUBLISHED:\n12:21 GMT, 4 May 2012",
    "By\nPUBLISHED:\n12:21 EST, 4 May 2012",
    "By\nPUBLISHED:\n12:21 EST, 4 May 2012\n|\nUPDATED:\n03:21 EST, 5 May 2012.",
]


@pytest.mark.parametrize("released", [str, in_one_line])
@pytest.mark.parametrize("block", BLOCKS)
def test_a_byline_block_is_stripped_whole_from_a_story_and_from_the_copy_in_one_line(
    block, released
):
    article = released(f"{block}\n\nIt rained in London.\n\nA lot.")
    assert clean_article(article) == "It rained in London. A lot."


@pytest.mark.parametrize(
    "article",
    [
        "Byron was a poet who lived at a time of storms.\nHe wrote.",
        "By Monday the storm had passed.\nPeople went out.",
        "By Monday the storm had passed\nand people went out.",
        "By\nA sentence that ends with a full stop is no name.",
        "By 12:30 on 4 May 2012 the storm had passed.\nPeople went out.",
        "By Monday it had rained. It was wet.\nUPDATED:\n12:21 EST, 4 May 2012\nIt dried.",
        "Bystanders said: UPDATED: 12:21 is a time.",
        "It rained.\nBy\nAnn Lee",
        f"By\n{'Whoever wrote so much ' * 4}\nIt rained.",
    ],
)
def test_what_only_looks_like_a_byline_stays(article):
    line = normalise_whitespace(join_paragraphs(article))
    assert strip_byline(line) == line


def test_a_text_that_is_all_byline_without_an_end_stays() -> None:
    assert strip_byline("By . It rained today") == "By . It rained today"


def test_without_times_what_follows_the_names_stays():
    assert clean_article("By\nAnn Lee\n\nA caption\n\nIt rained.") == "A caption. It rained."
    assert clean_article("By\nAnn Lee\nand\nBo Ray") == ""


def test_the_article_that_hugging_face_shows_first_is_cleaned():
    article = (
        "By . Associated Press . PUBLISHED: . 14:11 EST, 25 October 2013 . | . UPDATED: . 15:36 "
        "EST, 25 October 2013 . The bishop has spoken. Scroll down for video . He said: . 'Pray' ."
    )
    assert clean_article(article) == (
        "The bishop has spoken. Scroll down for video. He said: 'Pray'."
    )
    assert clean_highlight("Bishop has spoken to the parish .") == (
        "Bishop has spoken to the parish"
    )


LINES = st.lists(
    st.sampled_from(
        ["By", "Ann Lee", "PUBLISHED:", "12:21 EST, 4 May 2012", "|", "UPDATED:", "and Bo", ".",
         "LONDON (CNN) -- It rained.", "(CNN)", "He said:", "\u201cNo\u201d", "x .", "&amp; \u00c3\u00a9"]
    )
    | st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0")),
    max_size=9,
)  # fmt: skip


@settings(max_examples=300)
@given(LINES)
def test_a_story_and_its_copy_in_one_line_are_cleaned_to_the_same(lines):
    article = "\n\n".join(lines)
    assert clean_article(article) == clean_article(in_one_line(article))
    assert [clean_highlight(line) for line in lines] == [
        clean_highlight(in_one_line(line)) for line in lines
    ]


@pytest.mark.parametrize(
    "dateline",
    [
        "(CNN) -- ",
        "(CNN)  -- ",
        "(CNN)",
        "WASHINGTON (CNN) -- ",
        "MINNEAPOLIS, Minnesota (CNN) -- ",
        "Rio de Janeiro, Brazil (CNN)",
        "Marseille, France (CNN)",
        "ABOARD THE USS X, in the Gulf (CNN) -- ",
        "LONDON (CNN) \u2013 ",
        "Washington (CNN) ",
        "On the Turkey-Syria border (CNN)",
    ],
)
def test_a_dateline_is_stripped(dateline):
    assert strip_dateline(f"{dateline}The trial began.") == "The trial began."


@pytest.mark.parametrize(
    "article",
    [
        "The trial began.\nWASHINGTON (CNN) -- This is a later line.",
        "He told the network (CNN) that it rained.",
        "The Cable News Network, whose name is known everywhere to everybody who has a set at "
        "home (CNN) -- said so.",
        "CNN -- no parentheses.",
        "Cable News Network (CNN) was founded in 1980 by Ted Turner.",
        "Cable News Network (CNN) President Ann Lee said so.",
        "A reporter of the Cable News Network (CNN) -- the network of 1980 -- was arrested.",
        "Reporters for the channel (CNN) -- Ann, Bo and Cy -- were arrested.",
        "Atlanta (CNN) -- the home of the network -- is in Georgia.",
        "(CNN) was founded in 1980.",
    ],
)
def test_the_network_elsewhere_than_in_a_dateline_stays(article):
    assert strip_dateline(article) == article


def test_articles_and_highlights_become_one_line():
    assert clean_article("One \u00a0 two.\r\n\r\n\r\nThree\tfour.\u2028Five") == (
        "One two. Three four. Five."
    )
    assert clean_highlight(" One\n\u201ctwo\u201d ") == 'One "two"'
