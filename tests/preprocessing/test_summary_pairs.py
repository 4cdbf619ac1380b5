import io
import json

import pytest
from corpora import only_fault, text_of
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.errors import InputError
from preprocessing.corpus.reading import read_source
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.records.record import Drop, Fault, Record
from preprocessing.tasks.registry import list_sources

OPTIONS = CorpusOptions(max_record_bytes=200)
SUMMARIES = SourceFile.whole("test.txt.tgt.tagged", 1)
PAIR = SourceFile("test.txt.src", 1, "test", 0, 1, None, SUMMARIES)


def read(articles: bytes, summaries: bytes, options: CorpusOptions = OPTIONS):
    files = {"test.txt.src": articles, "test.txt.tgt.tagged": summaries}
    return list(
        read_source(PAIR, Corpus(lambda name: io.BufferedReader(io.BytesIO(files[name])), options))
    )


def test_a_line_of_each_file_is_a_story_with_a_sentence_a_line():
    first, second = read(
        b"an article .\nanother .\n", b"<t> one . </t> <t> two . </t>\n<t> its summary </t>\n"
    )
    assert text_of(first) == "an article .\nTL;DR:\none .\ntwo ."
    assert text_of(second) == "another .\nTL;DR:\nits summary"
    assert (first.id, first.position, first.split) == ("test.txt.src#000001", 1, "test")
    assert second.segments[-1].references == ("its summary",)


def test_an_empty_line_or_one_that_is_no_text_drops_its_row_only():
    found = read(
        b"a\n\nc\nd\xe9\n" + b"x" * 201 + b"\nf\n",
        b"<t> a </t>\n<t> b </t>\n<t> </t>\n<t> d </t>\ne\nf\n",
    )
    assert [
        (outcome.reason if isinstance(outcome, Drop) else "record", outcome.id[-1])
        for outcome in found
    ] == [
        ("record", "1"),
        ("empty_article", "2"),
        ("no_highlight", "3"),
        ("not_utf8", "4"),
        ("too_large", "5"),
        ("record", "6"),
    ]


def test_files_of_different_length_are_a_fault():
    found = read(b"a\nb\n", b"<t> a </t>\n")
    assert "test.txt.tgt.tagged ends before line 2" in only_fault(found[1:])
    found = read(b"a\n", b"<t> a </t>\nb\n")
    assert "test.txt.src ends before line 2" in only_fault(found[1:])


@given(st.binary(), st.binary())
def test_any_two_files_become_outcomes(articles, summaries):
    for outcome in read(articles, summaries, CorpusOptions(max_record_bytes=5)):
        assert isinstance(outcome, Record | Drop | Fault)
        repr(outcome).encode()


def test_the_files_are_found_with_the_split_of_their_name(tmp_path):
    (tmp_path / "test.txt.src").write_text("an article\n")
    (tmp_path / "test.txt.tgt.tagged").write_text("<t> one </t>\n")
    (tmp_path / "val.txt.src").write_text("an article\n")
    with pytest.raises(InputError, match=r"no val\.txt\.tgt\.tagged beside it"):
        list_sources(tmp_path, OPTIONS)
    (tmp_path / "val.txt.tgt.tagged").write_text("<t> two </t>\n")
    records, drops = read_records(tmp_path, OPTIONS, 0)
    assert [(record.split, record.segments[-1].text) for record in records] == [
        ("test", "one"),
        ("validation", "two"),
    ]
    assert drops == []
    (tmp_path / "train.jsonl").write_text(json.dumps({}))
    with pytest.raises(InputError, match=r"both tables .* and pairs .* found"):
        list_sources(tmp_path, OPTIONS)
