import io
import json

import pyarrow.parquet
import pytest
from corpora import only_drop, only_record, story, text_of, whole
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.digests import sha256_bytes
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.readers.source_file import Corpus
from preprocessing.records.record import Record, Segment
from preprocessing.tasks.cnn_dailymail import read

OPTIONS = CorpusOptions()
THREE = story("An article.\n\nIts end.", "One", "Two", "Three")


def outcomes(text: str | bytes, options: CorpusOptions = OPTIONS, seed: int = 0, name="a/s.story"):
    data = text.encode() if isinstance(text, str) else text
    return list(read(whole(name, data), Corpus(lambda _: io.BytesIO(data), options, seed)))


def test_a_story_is_article_separator_and_summary():
    assert only_record(outcomes(THREE)) == Record(
        id="s",
        source="a/s.story",
        position=0,
        digest=sha256_bytes(THREE.encode()),
        split="train",
        segments=(
            Segment("An article. Its end.", False),
            Segment("\nTL;DR:\n", False),
            Segment("One\nTwo\nThree", True, ("One\nTwo\nThree",)),
        ),
    )


def test_the_first_highlight_alone_can_be_the_summary():
    record = only_record(outcomes(THREE, CorpusOptions(highlight="first")))
    assert record.segments[-1] == Segment("One", True, ("One",))


def test_a_random_highlight_depends_on_the_id_and_the_seed_only():
    options = CorpusOptions(highlight="random")
    drawn = [
        only_record(outcomes(THREE, options, seed, f"{name}.story")).segments[-1].text
        for seed in range(5)
        for name in "abcdef"
    ]
    again = [
        only_record(outcomes(THREE, options, seed, f"{name}.story")).segments[-1].text
        for seed in range(5)
        for name in "abcdef"
    ]
    assert drawn == again
    assert set(drawn) == {"One", "Two", "Three"}


def test_each_highlight_can_make_a_record_of_its_own():
    records = outcomes(THREE, CorpusOptions(highlight="each"))
    assert [record.id for record in records] == ["s#1", "s#2", "s#3"]
    assert [record.segments[-1].text for record in records] == ["One", "Two", "Three"]
    assert len({text_of(record).removesuffix(record.segments[-1].text) for record in records}) == 1


def test_the_records_of_a_story_stay_in_one_split():
    data = THREE.encode()
    for number in range(20):
        source = whole(f"{number}.story", data, split=None)
        records = read(source, Corpus(lambda _: io.BytesIO(data), CorpusOptions(highlight="each")))
        assert len({record.split for record in records if isinstance(record, Record)}) == 1


def test_the_loss_can_be_on_everything():
    record = only_record(outcomes(THREE, CorpusOptions(loss_on="all")))
    assert [segment.in_loss for segment in record.segments] == [True, True, True]


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (story("An article.").encode(), "no_highlight", "@highlight"),
        (b"An article.\n\n@highlight\n\n \n", "no_highlight", "@highlight"),
        (story("", "One").encode(), "empty_article", "before the first @highlight"),
        (story("By\nAnn Lee", "One").encode(), "empty_article", "before the first @highlight"),
        (b"", "empty_article", "before the first @highlight"),
        ("Café".encode("latin-1"), "not_utf8", "byte 3 is 0xe9"),
        ("Caf\u00e9".encode()[:-1], "not_utf8", "byte 3 is 0xc3"),
        (b"Ca\0fe", "nul_bytes", "NUL at byte 2"),
        (THREE.encode("utf-16"), "nul_bytes", "NUL at byte 3"),
    ],
)
def test_an_unfit_story_is_dropped_with_its_reason(data, reason, detail):
    drop = only_drop(outcomes(data))
    assert (drop.reason, drop.id, drop.source) == (reason, "s", "a/s.story")
    assert detail in drop.detail


def test_of_an_unfit_story_the_report_shows_what_there_is():
    assert only_drop(outcomes(story("An article.").encode())).text == "An article."
    assert only_drop(outcomes(story("", "One", "Two").encode())).text == "One\nTwo"


def test_byte_order_mark_and_line_ends_of_windows_make_no_difference():
    windows = b"\xef\xbb\xbf" + THREE.replace("\n", "\r\n").encode()
    assert only_record(outcomes(windows)).segments == only_record(outcomes(THREE)).segments


def test_a_word_that_begins_like_the_separator_is_text():
    record = only_record(outcomes(story("An @highlight here.\n@highlights there.", "One")))
    assert record.segments[0].text == "An @highlight here. @highlights there."


def test_end_of_text_characters_stay_characters():
    record = only_record(outcomes(story("An <|endoftext|> article.", "One")))
    assert record.segments[0].text == "An <|endoftext|> article."


@given(
    st.binary()
    | st.lists(st.sampled_from(["@highlight", "\n", "By", "(CNN)", "\u2019", "&amp;", "\x00", "x"]))
    .map("".join)
    .map(str.encode),
    st.sampled_from(["all", "first", "random", "each"]),
)
def test_any_bytes_become_records_or_one_drop(data, highlight):
    found = outcomes(data, CorpusOptions(highlight=highlight))
    if all(isinstance(outcome, Record) for outcome in found):
        assert found
        for record in found:
            assert record.segments[0].text.strip()
            assert record.segments[-1].references == (record.segments[-1].text,)
            text_of(record).encode()
    else:
        only_drop(found)


def test_a_genuine_story_is_the_same_example_in_every_release(genuine):
    ends = (".", "!", "?", "'", "`", '"', "\u2019", "\u201d", ")")

    def in_one_line(text: str) -> str:
        lines = [line.strip() for line in text.split("\n")]
        return " ".join(line if line.endswith(ends) else f"{line} ." for line in lines if line)

    paths = sorted(genuine.glob("cnn_dailymail/cnn/stories/*.story"))
    assert paths
    rows = []
    for path in paths:
        article, *highlights = path.read_text().split("@highlight")
        lines = "\n".join(map(in_one_line, highlights))
        rows.append({"id": path.stem, "article": in_one_line(article), "highlights": lines})
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), parquet)
    files = {path.name: path.read_bytes() for path in paths} | {
        "train.jsonl": "\n".join(map(json.dumps, rows)).encode(),
        "train.parquet": parquet.getvalue(),
    }
    segments: dict[str, set[tuple[Segment, ...]]] = {path.stem: set() for path in paths}
    corpus = Corpus(lambda name: io.BufferedReader(io.BytesIO(files[name])), OPTIONS)
    for name, data in files.items():
        for record in read(whole(name, data), corpus):
            assert isinstance(record, Record)
            segments[record.id].add(record.segments)
    assert [len(found) for found in segments.values()] == [1] * len(paths)


def test_the_genuine_stories_lose_nothing(genuine):
    records, drops = read_records(genuine / "cnn_dailymail", OPTIONS, 0)
    assert drops == []
    assert len(records) == 10
    assert sorted(record.split for record in records) == ["test"] + ["train"] * 8 + ["validation"]
    assert not any("(CNN)" in text_of(record)[:100] for record in records)
