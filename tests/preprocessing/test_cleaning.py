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


@pytest.mark.parametrize(
    "block",
    [
        "By\nAnn Lee",
        "By\nDaily Mail Reporter\n\nPUBLISHED:\n\n12:21 EST, 14 September 2012",
        "By\nAnn Lee\n\nPUBLISHED:\n12:21 EST, 4 May 2012\n\n|\n\nUPDATED:\n03:21 EST, 5 May 2012",
        "By\nAnn Lee\nand Bo Ray\nPUBLISHED:\n21:05, 5 December 2011",
        "By\nAnn Lee\nand\nBo Ray\nPUBLISHED:\n21:05, 5 December 2011",
        "By Ann Lee\n\nPUBLISHED: 12:21 EST, 4 May 2012 | UPDATED: 13:00 EST, 4 May 2012",
        "By\nAnn Lee\n\nLast updated at 10:46 AM on 20th October 2011",
        "PUBLISHED:\n12:21 GMT, 4 May 2012",
    ],
)
def test_a_byline_block_is_stripped_whole(block):
    assert clean_article(f"{block}\n\nIt rained in London.\n\nA lot.") == (
        "It rained in London.\nA lot."
    )


@pytest.mark.parametrize(
    "article",
    [
        "Byron was a poet who lived at a time of storms.\nHe wrote.",
        "By Monday the storm had passed.\nPeople went out.",
        "By Monday the storm had passed\nand people went out.",
        "By\nA sentence that ends with a full stop is no name.",
        "Bystanders said: UPDATED: 12:21 is a time.",
        "It rained.\nBy\nAnn Lee",
    ],
)
def test_what_only_looks_like_a_byline_stays(article):
    assert strip_byline(article) == article


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
    ],
)
def test_the_network_elsewhere_than_in_a_dateline_stays(article):
    assert strip_dateline(article) == article


def test_paragraphs_stay_lines_and_highlights_become_one_line():
    assert clean_article("One \u00a0 two.\r\n\r\n\r\nThree\tfour.\u2028Five.") == (
        "One two.\nThree four.\nFive."
    )
    assert clean_highlight(" One\n\u201ctwo\u201d ") == 'One "two"'
