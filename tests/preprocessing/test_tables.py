import csv
import io
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from corpora import only_drop, only_fault, text_of, whole
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preprocessing.base.digests import sha256_text
from preprocessing.corpus.reading import read_source
from preprocessing.options import CorpusOptions, TaskName
from preprocessing.readers import arrow_rows, csv_rows, json_rows
from preprocessing.readers.listing import opener_in
from preprocessing.readers.parquet_pages import largest_page
from preprocessing.readers.source_file import Corpus
from preprocessing.records.record import Drop, Fault, Outcome, Record
from preprocessing.tasks.registry import list_sources

TEXT = CorpusOptions(task="text", max_record_bytes=1000)
CNN = CorpusOptions(max_record_bytes=1000)
GOOD = {"article": "An article.", "highlights": "One\nTwo"}


def read(name: str, data: bytes, options: CorpusOptions, split: str | None = "train"):
    source = whole(name, data, split)
    return list(read_source(source, Corpus(lambda _: io.BufferedReader(io.BytesIO(data)), options)))


def jsonl(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def parquet(rows: list[dict[str, Any]], **types: Any) -> bytes:
    schema = pyarrow.schema(list(types.items())) if types else None
    file = io.BytesIO()
    table = pyarrow.Table.from_pylist(rows, schema)
    pyarrow.parquet.write_table(table, file, row_group_size=2)
    return file.getvalue()


def summary(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    """Each outcome as its reason, or `record`, and its text or detail."""
    return [
        ("record", text_of(outcome))
        if isinstance(outcome, Record)
        else (outcome.reason, outcome.detail)
        if isinstance(outcome, Drop)
        else ("fault", outcome.message)
        for outcome in outcomes
    ]


def test_each_line_of_a_jsonl_is_a_document():
    data = b"\xef\xbb\xbf" + jsonl({"text": "One.\r\nTwo."}) + b"\n \r\n" + jsonl({"text": "3"})
    first, second = read("a/b.jsonl", data, TEXT)
    assert (first.position, text_of(first)) == (1, "One.\nTwo.")
    assert (second.position, second.source) == (4, "a/b.jsonl")
    assert [first.id, second.id] == [sha256_text("One.\nTwo.")[:32], sha256_text("3")[:32]]
    assert (first.split, first.segments[0].in_loss) == ("train", True)


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b'{"text": "a"', "not_json", "line 2, column 13: Expecting ',' delimiter"),
        (b'{"text": "a\0"}', "not_json", "line 2, column 12: Invalid control character"),
        (b'{"text": "a\\u0000"}', "nul_bytes", "line 2: text holds the character NUL"),
        (b'{"text": "\xe9"}', "not_utf8", "line 2, byte 10 of it is 0xe9"),
        (b'{"text": "\\ud800"}', "lone_surrogate", "line 2: text holds half a surrogate"),
        (b'{"title": "a"}', "missing_key", "line 2 has no 'text', found 'title'"),
        (b'{"text": 5}', "wrong_type", "line 2: text must be a text, got 5"),
        (b'{"text": null}', "wrong_type", "line 2: text must be a text, got None"),
        (b'["text"]', "wrong_type", "line 2 is not an object but a list"),
        (b'{"text": ' + b"9" * 900 + b"}", "wrong_type", "got 9999"),
        (b"[" * 900, "not_json", "line 2"),
        (b'{"text": "' + b"x" * 1000 + b'"}', "too_large", "line 2 has more than 1000 bytes"),
        (b'{"text": " \\n"}', "empty", "line 2: text has no character"),
    ],
)
def test_a_bad_line_is_dropped_with_its_number_and_the_others_stay(line, reason, detail):
    data = jsonl({"text": "first"}) + line + b"\n" + jsonl({"text": "last"})
    first, drop, last = read("a.jsonl", data, TEXT)
    assert (text_of(first), text_of(last)) == ("first", "last")
    assert (drop.reason, drop.id, drop.source) == (reason, "a.jsonl#2", "a.jsonl")
    assert detail in drop.detail


def test_the_column_of_the_text_can_be_chosen():
    options = CorpusOptions(task="text", text_column="body")
    assert summary(read("a.jsonl", jsonl({"body": "b", "text": 1}), options)) == [("record", "b")]
    assert summary(read("a.csv", b"text,body\n1,b\n", options)) == [("record", "b")]


def test_a_csv_has_quoted_fields_with_commas_quotes_and_lines():
    data = b'\xef\xbb\xbfid,text\r\n1,"One, ""two""\r\nthree"\r\n\r\n2,5" pipe\r\n'
    first, second = read("a.csv", data, TEXT)
    assert (first.position, text_of(first)) == (2, 'One, "two"\nthree')
    assert (second.position, text_of(second)) == (5, '5" pipe')


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        (b"1", "missing_key", "line 3 has no 'text', found 'id'"),
        (b"1,", "empty", "line 3: text has no character"),
        (b"1,caf\xe9", "not_utf8", "line 3: text holds the byte 0xe9"),
        (b"1,a\0", "nul_bytes", "line 3: text holds the character NUL"),
        (b'1,"a"b', "not_csv", "line 3: ',' expected after '\"'"),
        (
            b"1,Well, it rained",
            "not_csv",
            "line 3: 3 values for 2 columns; quote what holds commas",
        ),
        (b"1," + b"x" * 1000, "too_large", "line 3 has more than 1000 bytes"),
        (b'1,"' + b"xxxxxxxx\n" * 120 + b'"', "too_large", "line 3 has more than 1000 bytes"),
    ],
)
def test_a_bad_row_of_a_csv_is_dropped_with_its_line_and_the_others_stay(row, reason, detail):
    found = read("a.csv", b"id,text\n0,first\n" + row + b"\n9,last\n", TEXT)
    assert summary([found[0], found[-1]]) == [("record", "first"), ("record", "last")]
    assert (found[1].reason, found[1].id) == (reason, "a.csv#3")
    assert detail in found[1].detail


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (b"id,text" + b"x" * 1000, " has more than 1000 bytes, max_record_bytes; correct it"),
        (b'"id"x,text', ": ',' expected after '\"'; correct it"),
    ],
)
def test_a_csv_whose_names_of_columns_cannot_be_told_is_a_fault(names, message):
    fault = only_fault(read("a.csv", names + b"\n1,text\n", TEXT))
    assert fault == f"a.csv, line 1, the row of column names{message}"


@pytest.mark.parametrize("rest", ["closed\n", "1,invented\n" * 200, ""])
def test_a_quote_that_is_never_closed_is_a_fault_for_nobody_would_miss_the_rest(rest):
    found = read("a.csv", f'text\nfirst\n"never\n{rest}'.encode(), TEXT)
    assert summary(found[:1]) == [("record", "first")]
    assert "a.csv, line 3: opens a quote that is never closed" in only_fault(found[1:])


def test_empty_values_behind_the_last_column_of_a_csv_say_nothing():
    assert summary(read("a.csv", b"text,id\na,1,,\n", TEXT)) == [("record", "a")]


@pytest.mark.parametrize(
    ("before", "place"), [(b"", 4), (b"\xef\xbb\xbf", 7), (b"\n\r\n", 7), (b"\xef\xbb\xbf\n", 8)]
)
def test_a_byte_in_the_names_of_columns_is_told_by_its_place_in_the_file(before, place):
    message = only_fault(read("a.csv", before + b"text\xe9\n1\n", TEXT))
    assert message.startswith(f"a.csv: byte {place} is 0xe9")


def test_a_byte_in_a_first_line_of_json_is_told_by_its_place_behind_a_mark():
    drop = only_drop(read("a.jsonl", b'\xef\xbb\xbf{"text": "\xe9"}', TEXT))
    assert drop.detail.startswith("line 1, byte 13 of it is 0xe9")


def test_the_line_of_the_names_of_columns_is_named_though_empty_ones_are_before_it():
    message = only_fault(read("a.csv", b"\n\nid;text\n1;a\n", TEXT))
    assert message.startswith("a.csv, line 3: ';' stands between the names of columns")


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_csv_with_another_mark_than_commas_is_told_so(mark):
    message = only_fault(read("a.csv", f"id{mark}text\n1{mark}a\n".encode(), TEXT))
    assert (
        message
        == f"a.csv, line 1: {mark!r} stands between the names of columns; save it with commas"
    )


def test_marks_within_the_names_of_columns_are_no_others_than_commas():
    assert "no column text" in only_fault(read("a.csv", b"a;b,c\n1,2\n", TEXT))


def test_a_csv_in_another_encoding_names_it_and_not_the_columns_that_there_seem_to_be():
    data = "text,id\na,1\n".encode("utf-16")
    message = only_fault(read("a.csv", data, TEXT))
    assert "a.csv: NUL at byte 3; most likely UTF-16 (little-endian), save it as UTF-8" in message


def test_a_field_longer_than_the_csv_modules_own_limit_is_read():
    data = b"text\n" + b"x" * 300_000 + b"\n"
    (record,) = read("a.csv", data, CorpusOptions(task="text"))
    assert len(text_of(record)) == 300_000


def test_what_is_not_utf8_in_another_column_does_no_harm():
    assert summary(read("a.csv", b"id,text\n\xe9,fine\n", TEXT)) == [("record", "fine")]


def test_a_table_without_the_column_is_a_fault_that_names_what_there_is():
    assert "no column text; the columns are id, body" in only_fault(
        read("a.csv", b"id,body\n1,b\n", TEXT)
    )
    assert "no column highlights; the columns are article" in only_fault(
        read("a.parquet", parquet([{"article": "a"}]), CNN)
    )


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b""),
        ("a.jsonl", b"\xef\xbb\xbf\n \n"),
        ("a.csv", b"\n\n"),
        ("a.csv", b"text\n"),
        ("a.parquet", parquet([], text=pyarrow.string())),
    ],
)
def test_a_table_without_rows_is_counted(name, data):
    drop = only_drop(read(name, data, TEXT))
    assert (drop.reason, drop.id) == ("empty", name)


def test_texts_in_a_parquet_are_read_too():
    data = parquet([{"text": "one", "x": [1]}, {"text": "two", "x": []}])
    assert summary(read("a.parquet", data, TEXT)) == [("record", "one"), ("record", "two")]


def test_a_story_in_a_table_is_the_same_as_in_a_file():
    rows = [GOOD | {"id": "abc"}, GOOD | {"id": 7}]
    for name, data in (("a.jsonl", jsonl(*rows)), ("a.parquet", parquet(rows[:1]))):
        record = read(name, data, CNN)[0]
        assert (record.id, record.position, record.source) == ("abc", 1, name)
        assert text_of(record) == "An article.\nTL;DR:\nOne\nTwo"
        assert record.segments[-1].references == ("One\nTwo",)
    assert read("a.jsonl", jsonl(*rows), CNN)[1].id == "7"
    each = read("a.jsonl", jsonl(rows[0]), CorpusOptions(highlight="each"))
    assert [record.id for record in each] == ["abc#1", "abc#2"]


def test_a_story_without_id_is_named_by_its_content_and_keeps_its_split():
    alone = read("a.jsonl", jsonl(GOOD), CNN, None)[0]
    behind = read("a.jsonl", jsonl(GOOD | {"article": "Other."}, GOOD), CNN, None)[1]
    elsewhere = read("b.parquet", parquet([GOOD]), CNN, None)[0]
    assert alone.id == behind.id == elsewhere.id == alone.digest[:32]
    assert alone.split == behind.split == elsewhere.split


@pytest.mark.parametrize(
    ("row", "reason", "place"),
    [
        (GOOD | {"article": None}, "wrong_type", "article must be a text"),
        (GOOD | {"article": "By\nAnn Lee"}, "empty_article", "article of row or line 2"),
        (GOOD | {"highlights": " \n "}, "no_highlight", "highlights of row or line 2"),
        (GOOD | {"article": "x" * 1001}, "too_large", "2 has more than 1000 bytes"),
        (GOOD | {"article": "é" * 501}, "too_large", "2 has more than 1000 bytes"),
        (GOOD | {"highlights": "a\0"}, "nul_bytes", "highlights holds the character NUL"),
    ],
)
def test_a_bad_story_is_dropped_from_either_kind_of_table(row, reason, place):
    for name, data in (("a.jsonl", jsonl(GOOD, row)), ("a.parquet", parquet([GOOD, row]))):
        record, drop = read(name, data, CNN)
        assert isinstance(record, Record)
        assert drop.reason == reason
        assert place in drop.detail or (name == "a.jsonl" and reason == "too_large")


def test_a_bad_story_is_dropped_by_the_name_that_its_row_has():
    rows = GOOD | {"article": None, "id": "s7"}, GOOD | {"article": None}
    assert [drop.id for drop in read("a.jsonl", jsonl(*rows), CNN)] == ["s7", "a.jsonl#2"]


@pytest.mark.parametrize(
    ("written", "detail"),
    [
        ([1], "line 1: id must be a text or a whole number, got [1]"),
        (True, "line 1: id must be a text or a whole number, got True"),
        ("\ud800", "line 1: id holds what is no character; write it in UTF-8"),
    ],
)
def test_an_id_of_another_type_drops_the_row(written, detail):
    (drop,) = read("a.jsonl", jsonl(GOOD | {"id": written}), CNN)
    assert (drop.reason, drop.detail) == ("wrong_type", detail)


def test_json_that_its_reader_cannot_hold_drops_its_row():
    options = CorpusOptions(task="text")
    for value in ("9" * 5000, "[" * 5000 + "]" * 5000):
        drop, record = read(
            "a.jsonl", f'{{"text": {value}}}\n'.encode() + jsonl({"text": "b"}), options
        )
        assert (drop.reason, drop.id, text_of(record)) == ("not_json", "a.jsonl#1", "b")


def test_columns_of_other_types_and_bytes_in_a_parquet_are_dropped_by_row():
    rows = [{"article": 1, "highlights": "a"}, {"article": 2, "highlights": "b"}]
    found = read("a.parquet", parquet(rows), CNN)
    assert [(drop.reason, drop.id) for drop in found] == [
        ("wrong_type", "a.parquet#1"),
        ("wrong_type", "a.parquet#2"),
    ]
    latin = pyarrow.array([b"caf\xe9", b"fine"], pyarrow.binary())
    buffers = pyarrow.StringArray.from_buffers(2, latin.buffers()[1], latin.buffers()[2])
    file = io.BytesIO()
    table = pyarrow.table({"article": buffers, "highlights": ["a", "b"]})
    pyarrow.parquet.write_table(table, file)
    drop, record = read("a.parquet", file.getvalue(), CNN)
    assert (drop.reason, drop.id) == ("not_utf8", "a.parquet#1")
    assert record.position == 2


def test_a_parquet_that_is_none_or_cut_off_is_a_fault():
    data = parquet([GOOD] * 5)
    for broken in (b"", b"PAR1", data[: len(data) // 2], data[:-1], b"x" * 100):
        assert "a.parquet: cannot be read as Parquet" in only_fault(read("a.parquet", broken, CNN))


def test_all_rows_of_all_row_groups_are_read():
    rows = [GOOD | {"id": f"{number}"} for number in range(201)]
    assert [record.id for record in read("a.parquet", parquet(rows), CNN)] == [
        row["id"] for row in rows
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)
KEYS = st.sampled_from(["id", "article", "highlights", "text", "x"])
ROWS = st.lists(st.dictionaries(KEYS, VALUES | st.text()), max_size=4)
BYTES = st.binary() | st.lists(
    st.sampled_from(
        [b"text", b"article", b",", b"\n", b"\r", b'"', b"{", b"}", b":", b"\0", b"\xe9"]
    )
).map(b"".join)
TASKS = st.sampled_from(["text", "cnn_dailymail"])


def check_any(name: str, data: bytes, task: TaskName) -> None:
    """Nothing is raised, every outcome can be written, and no two are of one place."""
    found = read(name, data, CorpusOptions(task=task, max_record_bytes=40))
    assert all(isinstance(outcome, Record | Drop | Fault) for outcome in found)
    places = [outcome.place for outcome in found if isinstance(outcome, Record)]
    assert len(places) == len(set(places))
    for outcome in found:
        repr(outcome).encode()
        for text in vars(outcome).values():
            if isinstance(text, str):
                text.encode()
        if isinstance(outcome, Record):
            text_of(outcome).encode()


@given(ROWS, TASKS)
def test_any_rows_of_json_become_outcomes(rows, task):
    check_any("a.jsonl", jsonl(*rows), task)


@given(BYTES, st.sampled_from(["a.jsonl", "a.csv", "a.jsonl.gz", "a.csv.gz"]), TASKS)
def test_any_bytes_of_a_text_table_become_outcomes(data, name, task):
    prefix = b"text,article,highlights\n" if name == "a.csv" else b""
    check_any(name, prefix + data, task)


@settings(max_examples=60)
@given(
    st.lists(st.fixed_dictionaries({"article": st.text(), "highlights": st.text()}), min_size=1),
    st.data(),
)
def test_any_parquet_cut_off_or_changed_in_its_footer_becomes_outcomes(rows, data):
    content = bytearray(parquet(rows))
    check_any("a.parquet", bytes(content), "cnn_dailymail")
    check_any("a.parquet", bytes(content[: data.draw(st.integers(0, len(content)))]), "text")
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    check_any("a.parquet", bytes(content), "cnn_dailymail")


@pytest.mark.parametrize("length", [1_001, 3 << 20])
@pytest.mark.parametrize("quoted", [0, 1])
def test_a_field_of_a_csv_that_is_too_long_costs_its_row_and_invents_none(length, quoted):
    lines = "a line, with quotes and\n5 more,\n" * (length // 30)
    for field in (lines, "x" * length, f"short\n{'x' * length}\n1,invented\n"):
        data = f'id,text\n0,first\n1,"{field}"\n'.replace("5 more", '5"" more') + "9,last\n"
        found = read("a.csv", data.encode(), TEXT)
        assert [reason for reason, _ in summary(found)] == ["record", "too_large", "record"]
        assert found[1].id == "a.csv#3"
        assert found[2].position == data.count("\n")


def test_a_row_of_a_csv_that_is_read_in_part_up_to_a_carriage_return_is_one_row():
    options = CorpusOptions(task="text", max_record_bytes=6)
    found = read("a.csv", b"text,b\n" + b",,,,,,\r\rinvented\na,b\n", options)
    too_large = "line 2 has more than 6 bytes, max_record_bytes"
    assert summary(found) == [("too_large", too_large), ("record", "a")]


def test_a_quote_within_a_long_field_of_a_csv_opens_nothing():
    head = b"text\n".ljust(csv_rows._READ_AT_ONCE, b"x")
    found = read("a.csv", head + b'"\nlast\n', TEXT)
    assert [reason for reason, _ in summary(found)] == ["too_large", "record"]


@pytest.mark.parametrize("end", ['",', '"'])
def test_a_last_row_of_a_csv_that_is_too_long_is_counted(end):
    found = read("a.csv", f'text,id\nfirst,1\n"{"x" * 2000}{end}'.encode(), TEXT)
    assert [reason for reason, _ in summary(found)] == ["record", "too_large"]


def test_the_lines_of_a_row_that_is_no_csv_are_no_rows():
    found = read("a.csv", b'id,text\n1,"a"b,"goes on\n2,invented\n3,"\n4,last\n', TEXT)
    assert [reason for reason, _ in summary(found)] == ["not_csv", "record"]
    assert found[1].position == 5


@given(
    st.lists(st.lists(st.text(st.sampled_from('a",\n ')), min_size=1, max_size=3), max_size=6),
    st.sampled_from([3, 10, 1 << 18]),
)
@example([["aaaaaaaaaa\n\n\n"]], 3)
@example([['aaaaaaaa"\n']], 10)
def test_the_rows_of_any_csv_are_those_that_were_written_but_for_long_ones(rows, at_once):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([["text", "b", "c"], *rows])
    data = file.getvalue().encode()
    options = CorpusOptions(task="text", max_record_bytes=12)
    short = [row[0] for row in rows if len(csv_line(row)) <= 12]
    kept = [text for text in short if text.strip()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "_READ_AT_ONCE", at_once)
        found = read("a.csv", data, options)
    assert [text_of(outcome) for outcome in found if isinstance(outcome, Record)] == kept


def csv_line(row: list[str]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(row)
    return file.getvalue().removesuffix("\n")


def array(*rows: Any, indent: int | None = None) -> bytes:
    return json.dumps(list(rows), indent=indent).encode()


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_objects_and_lines_are_read_from_a_json_file(indent):
    rows = [{"text": 'one, "]"'}, {"text": "two \\", "x": [{"y": "}"}]}, {"text": "caf\u00e9"}]
    expected = [("record", row["text"]) for row in rows]
    assert summary(read("a.json", b"\xef\xbb\xbf" + array(*rows, indent=indent), TEXT)) == expected
    assert summary(read("a.json", jsonl(*rows), TEXT)) == expected
    assert read("a.json", array(*rows), TEXT)[1].position == 2


@pytest.mark.parametrize("at_once", [1, 2, 3, 5])
def test_an_array_is_the_same_in_whatever_parts_it_is_read(at_once, monkeypatch):
    rows = [{"text": 'a \\"], b'}, {"text": "\\\\"}, {"x": [{"y": "}"}], "text": '"'}]
    monkeypatch.setattr(json_rows, "_READ_AT_ONCE", at_once)
    expected = [("record", row["text"]) for row in rows]
    assert summary(read("a.json", array(*rows), TEXT)) == expected


@pytest.mark.parametrize("size", [2000, 8 << 20])
def test_of_an_element_that_is_too_large_little_is_held(size):
    data = b'[{"text": "a", "other": "' + b"x" * size + b'"}, {"text": "b"}]'
    file = io.BufferedReader(io.BytesIO(data))
    corpus = Corpus(lambda _: file, TEXT)
    tracemalloc.start()
    found = list(read_source(whole("a.json", data), corpus))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [reason for reason, _ in summary(found)] == ["too_large", "record"]
    assert peak < 4 << 20


def test_an_array_is_a_row_in_lines_and_no_table():
    drop, record = read("a.jsonl", b'["text"]\n' + jsonl({"text": "b"}), TEXT)
    assert (drop.reason, text_of(record)) == ("wrong_type", "b")


def test_a_bad_element_of_an_array_drops_itself_only():
    data = b'[{"text": "a"}, {"text": no}, 5, {"text": "' + b"x" * 3_000_000 + b'"}, {"text": "b"}]'
    found = read("a.json", data, TEXT)
    assert [reason for reason, _ in summary(found)] == [
        "record", "not_json", "wrong_type", "too_large", "record",
    ]  # fmt: skip
    assert found[3].id == "a.json#4"
    assert "ends before its array does" in only_fault(read("a.json", b'[{"text": "a"}, ', TEXT)[1:])
    assert only_drop(read("a.json", b"[ ]", TEXT)).reason == "empty"


@pytest.mark.parametrize("rest", [b'[{"text": "b"}]', b", 5", b" " * (2 << 20) + b"}"])
def test_what_is_behind_an_array_is_a_fault_and_not_lost(rest):
    record, *others = read("a.json", b'[{"text": "a"}]\n' + rest, TEXT)
    assert isinstance(record, Record)
    assert "a.json: has more behind the end of its array" in only_fault(others)


@given(st.binary(max_size=40))
def test_any_bytes_after_a_bracket_become_outcomes(data):
    for outcome in read("a.json", b"[" + data, TEXT):
        assert isinstance(outcome, Record | Drop | Fault)


def test_stories_are_read_from_every_kind_of_table():
    rows = [GOOD | {"id": "a"}, GOOD | {"id": "b"}]
    file = io.StringIO()
    writer = csv.DictWriter(file, ["id", "article", "highlights"])
    writer.writeheader()
    writer.writerows(rows)
    files = {
        "a.jsonl": jsonl(*rows),
        "a.json": array(*rows),
        "a.csv": file.getvalue().encode(),
        "a.parquet": parquet(rows),
        "a.arrow": arrow(rows),
    }
    expected = [(record.id, record.segments) for record in read("a.jsonl", files["a.jsonl"], CNN)]
    assert len(expected) == 2
    for name, data in files.items():
        assert [(record.id, record.segments) for record in read(name, data, CNN)] == expected


def arrow(rows: list[dict[str, Any]], is_file: bool = False) -> bytes:
    file = io.BytesIO()
    table = pyarrow.Table.from_pylist(rows)
    new = pyarrow.ipc.new_file if is_file else pyarrow.ipc.new_stream
    with new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=1)
    return file.getvalue()


def test_files_of_arrow_are_read_as_streams_of_it_are():
    rows = [{"text": "one"}, {"text": "two"}]
    for is_file in (False, True):
        found = read("a.arrow", arrow(rows, is_file), TEXT)
        assert summary(found) == [("record", "one"), ("record", "two")]
    assert "cannot be read as Arrow" in only_fault(read("a.arrow", b"no arrow", TEXT))
    assert "no column text; the columns are id" in only_fault(
        read("a.arrow", arrow([{"id": 1}]), TEXT)
    )


def test_the_columns_of_article_and_highlights_can_be_chosen():
    options = CorpusOptions(article_column="document", highlights_column="summary")
    row = {"document": "An article.", "summary": "One\nTwo"}
    for name, data in (("a.jsonl", jsonl(row)), ("a.parquet", parquet([row]))):
        assert text_of(read(name, data, options)[0]) == "An article.\nTL;DR:\nOne\nTwo"
    message = only_fault(read("a.parquet", parquet([row]), CNN))
    assert "the columns are document, summary" in message
    assert "set corpus.article_column and corpus.highlights_column to the name" in message
    assert (
        "corpus.article_column names another" in only_drop(read("a.jsonl", jsonl(row), CNN)).detail
    )


@pytest.mark.parametrize(
    "highlights", ["One .\nTwo", ["One", "Two ."], [["One"], ["Two"]], [["One", "Two"], []]]
)
def test_highlights_may_be_lines_a_list_or_lists(highlights):
    row = {"article": ["An article.", "Its end."], "highlights": highlights}
    for name, data in (("a.jsonl", jsonl(row)), ("a.parquet", parquet([row]))):
        record = read(name, data, CNN)[0]
        assert text_of(record) == "An article. Its end.\nTL;DR:\nOne\nTwo"
    assert only_drop(read("a.jsonl", jsonl(row | {"highlights": [1]}), CNN)).reason == "wrong_type"
    assert only_drop(read("a.jsonl", jsonl({"text": ["a"]}), TEXT)).reason == "wrong_type"


def test_lists_of_lists_may_be_as_deep_as_their_reader_takes_them():
    deep: list[Any] = ["One"]
    for _ in range(800):
        deep = [deep, "Two"]
    data = jsonl({"article": "An article.", "highlights": deep})
    assert isinstance(read("a.jsonl", data, CorpusOptions())[0], Record)


@pytest.mark.parametrize(
    "kind", [pyarrow.large_string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
)
def test_other_kinds_of_strings_in_a_parquet_are_texts(kind):
    data = parquet([{"text": "one"}, {"text": "one"}], text=kind)
    assert summary(read("a.parquet", data, TEXT)) == [("record", "one")] * 2


def test_a_table_without_a_column_that_no_key_chooses_says_what_to_do():
    fault = only_fault(read("a.parquet", parquet([{"story": "x"}]), CorpusOptions(task="coqa")))
    assert fault == "a.parquet: no column questions, answers; the columns are story; rename one"


def test_a_text_table_without_the_column_names_the_key_that_chooses_it():
    message = only_fault(read("a.csv", b"id,body\n1,b\n", TEXT))
    assert "no column text; the columns are id, body; set corpus.text_column" in message
    assert "corpus.text_column" in only_drop(read("a.jsonl", jsonl({"body": "b"}), TEXT)).detail


@pytest.mark.parametrize("dictionary", [True, False])
def test_of_a_parquet_with_long_values_few_are_decoded_at_once(monkeypatch, dictionary):
    monkeypatch.setattr(arrow_rows, "_DECODED_BYTES", 1 << 20)
    file = io.BytesIO()
    table = pyarrow.table({"text": ["x" * (1 << 20)] * 8 + ["y" * (1 << 20)] * 56})
    pyarrow.parquet.write_table(table, file, use_dictionary=dictionary, write_batch_size=1)
    del table
    options = CorpusOptions(task="text", max_record_bytes=2 << 20)
    source = whole("a.parquet", file.getvalue())
    before = pyarrow.total_allocated_bytes()
    held = [
        pyarrow.total_allocated_bytes() - before
        for _ in read_source(source, Corpus(lambda _: file, options))
    ]
    assert len(held) == 64
    assert max(held) < 16 << 20


def test_a_page_of_a_parquet_that_could_not_be_held_is_refused_unread(monkeypatch):
    monkeypatch.setattr(arrow_rows, "_PAGE_BYTES", 1 << 20)
    data = parquet([{"text": "x" * (2 << 20)}])
    before = pyarrow.total_allocated_bytes()
    assert "a page of row group 0 has 2097" in only_fault(read("a.parquet", data, TEXT))
    assert pyarrow.total_allocated_bytes() - before < 1 << 20
    large = CorpusOptions(task="text", max_record_bytes=2 << 20)
    assert len(read("a.parquet", data, large)) == 1
    dotted = CorpusOptions(task="text", text_column="a.text", max_record_bytes=1000)
    assert "a page of" in only_fault(
        read("a.parquet", parquet([{"a.text": "x" * (2 << 20)}]), dotted)
    )
    beside = parquet([{"text": "short", "other": "x" * (2 << 20)}])
    assert summary(read("a.parquet", beside, TEXT)) == [("record", "short")]
    lists = CorpusOptions(highlights_column="text", max_record_bytes=1000)
    nested = parquet([{"article": "a", "text": ["x" * (2 << 20)]}])
    assert "a page of" in only_fault(read("a.parquet", nested, lists))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_the_largest_page_of_a_column_is_found(version, compression):
    file = io.BytesIO()
    texts = [f"{number}" * 50 for number in range(1000)] + ["y" * 70_001]
    pyarrow.parquet.write_table(
        pyarrow.table({"number": range(1001), "text": texts}),
        file,
        data_page_version=version,
        compression=compression,
        data_page_size=4096,
        use_dictionary=False,
        write_batch_size=10,
    )
    group = pyarrow.parquet.ParquetFile(file).metadata.row_group(0)
    assert 70_001 <= largest_page(file, group.column(1)) < 80_000
    assert largest_page(file, group.column(0)) < 6000


@pytest.mark.parametrize(
    "header",
    [
        b"\x1c" * 4000,  # structs in structs
        b"\x19\xf7" + b"\xff" * 8 + b"\x7f",  # more numbers than there are
        b"\x18" + b"\xff" * 9 + b"\x7f",  # a text longer than any file
        b"\xff" * 4000,
        b"",
    ],
)
def test_a_page_with_a_damaged_header_is_a_fault(header):
    data = bytearray(parquet([{"text": "x" * 10_000}]))
    column = pyarrow.parquet.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    size = column.total_compressed_size
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + size] = header[:size].ljust(size, b"\0")
    assert "a.parquet: cannot be read as Parquet" in only_fault(
        read("a.parquet", bytes(data), TEXT)
    )


def test_a_batch_of_arrow_is_not_held(tmp_path: Path) -> None:
    rows, size = 32, 1 << 20
    table = pyarrow.table({"text": [f"{number:02d}" * (size // 2) for number in range(rows)]})
    with pyarrow.ipc.new_stream(tmp_path / "a.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    corpus = Corpus(opener_in(str(tmp_path)), CorpusOptions(task="text"))
    (source,) = list_sources(tmp_path, corpus.options)
    held = pyarrow.total_allocated_bytes()
    most = found = 0
    tracemalloc.start()
    try:
        for outcome in read_source(source, corpus):
            assert isinstance(outcome, Record)
            found += 1
            most = max(most, pyarrow.total_allocated_bytes() - held)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == rows
    assert peak + most < rows * size // 2


@pytest.mark.parametrize("is_file", [False, True])
def test_a_file_of_arrow_that_is_cut_short_while_it_is_read_is_a_fault(
    tmp_path: Path, is_file: bool
) -> None:
    """It is mapped, and to look behind its end would end the process."""
    rows = [{"text": f"{number:02d}" * 8192} for number in range(8)]
    place = tmp_path / "a.arrow"
    place.write_bytes(arrow(rows, is_file))
    corpus = Corpus(opener_in(str(tmp_path)), CorpusOptions(task="text"))
    (source,) = list_sources(tmp_path, corpus.options)
    outcomes = iter(read_source(source, corpus))
    assert isinstance(next(outcomes), Record)
    os.truncate(place, 4096)
    assert only_fault(list(outcomes)) == (
        "a.arrow: cannot be read as Arrow: it was cut short while it was read; write or download the file again"
    )
