import io
import json

import pyarrow.parquet
import pytest
from corpora import conversation, coqa_json, only_drop, only_fault, only_record, text_of, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.base.digests import sha256_json
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.readers import table_pieces
from preprocessing.readers.source_file import Corpus
from preprocessing.records.record import Drop, Fault, Record, Segment
from preprocessing.tasks.coqa import read
from preprocessing.tasks.registry import list_sources
from preprocessing.tokens.sequences import fit, tokenize_record
from preprocessing.tokens.vocabulary import load_vocabulary

OPTIONS = CorpusOptions(task="coqa")


def outcomes(data: bytes, options: CorpusOptions = OPTIONS):
    return list(read(whole("coqa.json", data), Corpus(lambda _: io.BytesIO(data), options)))


def test_a_conversation_is_its_story_and_its_turns():
    record = only_record(outcomes(coqa_json(conversation())))
    assert record.segments == (
        Segment("A story.", False),
        Segment("\n Q: q1?\n A:", False),
        Segment(" a1", True, ("a1",)),
        Segment("\n", True),
        Segment(" Q: q2?\n A:", False),
        Segment(" a2", True, ("a2",)),
    )
    assert text_of(record) == "A story.\n Q: q1?\n A: a1\n Q: q2?\n A: a2"
    assert (record.id, record.position, record.split) == ("c1", 0, "train")


def test_further_annotators_answers_are_references_after_the_gold_one():
    annotators = {
        "1": [{"input_text": "c"}, {"input_text": "d"}],
        "0": [{"input_text": "a1", "turn_id": 1}, {"input_text": "", "turn_id": 2}],
    }
    record = only_record(outcomes(coqa_json(conversation(additional_answers=annotators))))
    assert record.segments[2].references == ("a1", "a1", "c")
    assert record.segments[5].references == ("a2", "d")


def test_the_loss_can_be_on_everything():
    options = CorpusOptions(task="coqa", loss_on="all")
    record = only_record(outcomes(coqa_json(conversation()), options))
    assert all(segment.in_loss for segment in record.segments)


@pytest.mark.parametrize("story", ["A story.", "A long story. " * 20])
def test_what_is_left_of_a_conversation_reads_as_one_that_began_there(story):
    record = only_record(outcomes(coqa_json(conversation(story=story, turns=9))))
    vocabulary = load_vocabulary("gpt2")
    whole_record = tokenize_record(record, vocabulary)
    lengths = {sum(len(segment.ids) for segment in whole_record.segments)}
    for length in range(20, min(lengths)):
        fitted = fit(whole_record, length, "truncate_prompt")
        if isinstance(fitted, Drop):
            continue
        assert len(fitted.ids) <= length
        text = vocabulary.decode(fitted.ids[:-1].tolist())
        head, *turns = text.split("\n Q: ")
        assert story.startswith(head)
        numbers = range(10 - len(turns), 10)
        assert turns == [f"q{number}?\n A: a{number}" for number in numbers]
        loss = vocabulary.decode(fitted.ids[fitted.loss].tolist())
        assert loss == "\n".join(f" a{number}" for number in numbers) + "<|endoftext|>"


def test_white_space_inside_a_turn_becomes_a_space():
    talk = conversation(turns=1, answers=[{"input_text": " to\n\nthe\tpoint "}])
    assert text_of(only_record(outcomes(coqa_json(talk)))).endswith("\n A: to the point")


def test_the_digest_is_of_the_conversation_not_of_its_layout():
    talk = conversation()
    compact, wide = coqa_json(talk), json.dumps({"data": [talk]}, indent=4).encode()
    digests = {only_record(outcomes(data)).digest for data in (compact, wide)}
    # Where a story is from says nothing of what it is.
    assert digests == {sha256_json({key: talk[key] for key in talk if key != "source"})}


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"story": " \n "}, "empty_story", ".story is empty"),
        ({"questions": [], "answers": []}, "no_turns", ".questions is empty"),
        (
            {"answers": [{"input_text": "a"}, {"input_text": " "}]},
            "empty_turn",
            ".answers[1].input_text is empty",
        ),
        (
            {"questions": [{"input_text": ""}, {"input_text": "q"}]},
            "empty_turn",
            ".questions[0].input_text is empty",
        ),
        ({"story": "half a \ud83d character"}, "lone_surrogate", " holds half a surrogate pair"),
        ({"id": "half \ud83d"}, "lone_surrogate", " holds half a surrogate pair"),
        ({"story": "a\0b"}, "nul_bytes", " holds the character NUL"),
        ({"answers": [{"input_text": "a\0"}] * 2}, "nul_bytes", " holds the character NUL"),
        ({"story": "x" * 2000}, "too_large", " has 2"),
    ],
)
def test_an_unfit_conversation_is_dropped_with_its_reason(changes, reason, detail):
    options = CorpusOptions(task="coqa", max_record_bytes=1000)
    good = conversation("other")
    found = outcomes(coqa_json(good, conversation(**changes)), options)
    assert only_record(found[:1]).id == "other"
    drop = only_drop(found[1:])
    assert (drop.reason, drop.source) == (reason, "coqa.json")
    assert drop.id == ("half ?" if "id" in changes else "c1")
    assert drop.detail.startswith(f"data[1]{detail}")


def test_of_an_unfit_conversation_the_report_shows_what_there_is():
    found = outcomes(coqa_json(conversation(story=""), conversation(questions=[], answers=[])))
    assert "q1?" in found[0].text
    assert found[1].text == "A story."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": 7.5}, "data[0].id must be a string, got 7.5"),
        ({"source": 7}, "data[0].source must be a string, got 7"),
        ({"story": None}, "data[0].story must be a string, got None"),
        ({"questions": "q"}, "data[0].questions must be a list, got 'q'"),
        ({"questions": [{"input_text": "q"}, 3]}, "data[0].questions[1] must be an object, got 3"),
        (
            {"answers": [{"input_text": "a"}, {"input_text": 5}]},
            "data[0].answers[1].input_text must be a string, got 5",
        ),
        (
            {"answers": [{"input_text": "a"}, {"span_text": "a"}]},
            "data[0].answers[1].input_text is missing, found 'span_text'",
        ),
        (
            {"answers": [{"input_text": "a"}]},
            "data[0].answers has 1 entries, data[0].questions has 2",
        ),
        (
            {"additional_answers": {"0": [{"input_text": "a"}]}},
            "data[0].additional_answers.0 has 1 entries, data[0].questions has 2",
        ),
        (
            {"questions": [{"input_text": "q", "turn_id": "1"}] * 2},
            "data[0].questions[0].turn_id must be an integer, got '1'",
        ),
        ({"additional_answers": []}, "data[0].additional_answers must be an object, got []"),
        (
            {"answers": [{"input_text": "a", "turn_id": 2}, {"input_text": "b", "turn_id": 1}]},
            "data[0].answers[0].turn_id is 2, that of its question is 1",
        ),
    ],
)
def test_a_break_of_the_schema_drops_its_conversation_and_names_the_place(changes, message):
    drop, good = outcomes(coqa_json(conversation(**changes), conversation("c2")))
    assert only_record([good]).id == "c2"
    assert (drop.reason, drop.source, drop.id) == ("wrong_schema", "coqa.json", "coqa.json#0")
    assert drop.detail.startswith(message)
    assert drop.detail.endswith("correct it, or remove the conversation from the file")


FLAT = {
    "source": "mctest",
    "story": "A story.",
    "questions": ["q1?", "q2?"],
    "answers": {"input_text": ["a1", "a2"], "answer_start": [0, 2], "answer_end": [1, 3]},
}


def test_the_source_that_a_release_says_is_the_domain():
    found = outcomes(coqa_json(conversation("a", source="mctest"), conversation("b", source=None)))
    assert [record.domain for record in found] == ["mctest", ""]


def test_what_is_no_conversation_drops_itself():
    drop, good = outcomes(coqa_json(5, conversation("c2")))
    assert only_record([good]).id == "c2"
    assert (drop.reason, drop.id) == ("wrong_schema", "coqa.json#0")
    assert drop.detail.startswith("data[0] must be an object, got 5")


@pytest.mark.parametrize("answers", [FLAT["answers"], ["a1", "a2"]])
def test_the_flat_layout_of_the_copies_gives_the_same_conversation(tmp_path, answers):
    row = FLAT | {"answers": answers}
    (tmp_path / "data").mkdir()
    table = pyarrow.Table.from_pylist([row])
    pyarrow.parquet.write_table(table, tmp_path / "data" / "train-00000-of-00001.parquet")
    (tmp_path / "data" / "validation.jsonl").write_text(json.dumps(row))
    (tmp_path / "all.json").write_text(json.dumps([row]))
    (tmp_path / "lines.json").write_text(json.dumps(row))
    (tmp_path / "released.json").write_bytes(coqa_json(row))
    expected = only_record(outcomes(coqa_json(conversation())))
    records, drops = read_records(tmp_path, OPTIONS, 0)
    assert drops == []
    assert {record.segments for record in records} == {expected.segments}
    assert {record.domain for record in records} == {"mctest"}
    assert len({record.digest for record in records}) == 1
    assert {record.source: record.split for record in records if "data/" in record.source} == {
        "data/train-00000-of-00001.parquet": "train",
        "data/validation.jsonl": "test",
    }
    assert len(records) == 5


def test_a_json_file_may_have_a_conversation_a_line():
    lines = [json.dumps(conversation(name)).encode() for name in ("a", "b")]
    for data in (
        b"\n".join([*lines, b"{"]),
        b"\xef\xbb\xbf" + lines[0] + b"\r\n" + lines[1] + b"\n5",
    ):
        first, second, bad = outcomes(data)
        assert [first.id, second.id] == ["a", "b"]
        assert (second.position, bad.id) == (2, "coqa.json#3")
    assert only_record(outcomes(lines[0])).id == "a"


LARGE = json.dumps(conversation("large", story="x" * 2000)).encode()


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([LARGE], [("too_large", "large")]),
        ([LARGE, b"GOOD"], [("too_large", "coqa.json#1"), ("record", "good")]),
        ([LARGE, LARGE], [("too_large", "coqa.json#1"), ("too_large", "coqa.json#2")]),
        ([b'{"questions": []}', b"GOOD"], [("wrong_schema", "coqa.json#1"), ("record", "good")]),
    ],
    ids=["alone", "before a good one", "before another", "without a story"],
)
def test_a_first_line_that_is_no_fit_conversation_drops_itself_only(lines, expected, end):
    good = json.dumps(conversation("good")).encode()
    data = b"\n".join(good if line == b"GOOD" else line for line in lines) + end
    found = outcomes(data, CorpusOptions(task="coqa", max_record_bytes=1000))
    reasons = [(getattr(outcome, "reason", "record"), outcome.id) for outcome in found]
    assert reasons == expected


def test_a_file_may_be_one_conversation_in_several_lines():
    assert only_record(outcomes(json.dumps(conversation("a"), indent=1).encode())).id == "a"


def test_a_large_table_of_conversations_is_read_in_pieces(tmp_path, monkeypatch):
    lines = [json.dumps(conversation(f"c{number}")) for number in range(20)] + ["broken"]
    (tmp_path / "train.jsonl").write_text("\n".join(lines))
    expected = read_records(tmp_path, OPTIONS, 0)
    monkeypatch.setattr(table_pieces, "PIECE_BYTES", 200)
    assert len(list_sources(tmp_path, OPTIONS)) > 3
    assert read_records(tmp_path, OPTIONS, 0) == expected


def test_an_id_may_be_a_number():
    assert [found.id for found in outcomes(coqa_json(conversation(7), conversation(0)))] == [
        "7",
        "0",
    ]


def test_a_turn_without_an_answer_in_the_flat_layout_is_named():
    drop = only_drop(outcomes(coqa_json(FLAT | {"answers": {"input_text": ["a1", None]}})))
    assert drop.detail.startswith("data[0].answers[1] must be an object, got None")


def test_a_conversation_without_id_is_named_by_its_content():
    talk = conversation()
    for empty in ({"id": ""}, {"id": None}):
        record = only_record(outcomes(coqa_json(talk | empty)))
        assert record.id == record.digest[:32]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"data": [\n  {"id": 1,}\n]}', "coqa.json, line 2, column 12: not JSON"),
        (b"", "coqa.json, line 1, column 1: not JSON"),
        (b"[" * 100_000, "coqa.json: cannot be read as JSON"),
        (b'{"data": [1' + b"0" * 5000 + b"]}", "coqa.json: cannot be read as JSON"),
        (b'{"data": "\xff"}', "coqa.json: byte 10 is 0xff"),
        (b'\xef\xbb\xbf{"data": "\xff"}', "coqa.json: byte 13 is 0xff"),
        (b'{"datum": []}', "coqa.json: data is missing, found 'datum'"),
        (b"{}", "coqa.json: data is missing, found nothing"),
        (b"[]", "coqa.json: the top level must be an object, got []"),
        (b'{"data": {}}', "coqa.json: data must be a list, got {}"),
    ],
)
def test_a_file_that_is_not_coqa_is_a_fault(data, message):
    assert only_fault(outcomes(data)).startswith(message)


def test_a_byte_order_mark_is_no_mistake():
    only_record(outcomes(b"\xef\xbb\xbf" + coqa_json(conversation())))


KEYS = ["id", "story", "questions", "answers", "additional_answers", "input_text", "turn_id", "0"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=15,
)
CHANGES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2)


@settings(max_examples=300)
@given(
    st.lists(VALUES | CHANGES.map(lambda changes: {**conversation(), **changes}), max_size=3)
    | VALUES
)
def test_any_json_becomes_records_drops_and_faults(value):
    for outcome in outcomes(json.dumps({"data": value}).encode()):
        match outcome:
            case Record():
                text_of(outcome).encode()
                assert any(segment.references for segment in outcome.segments)
            case Drop():
                f"{outcome.id}{outcome.detail}".encode()
            case Fault():
                outcome.message.encode()


@given(st.binary())
def test_any_bytes_become_records_drops_and_faults(data):
    assert all(isinstance(outcome, Record | Drop | Fault) for outcome in outcomes(data))


def test_the_genuine_conversation_loses_nothing(genuine):
    records, drops = read_records(genuine / "coqa", OPTIONS, 0)
    assert drops == []
    (record,) = records
    assert record.split == "train"
    assert sum(bool(segment.references) for segment in record.segments) == 20
