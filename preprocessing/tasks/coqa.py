"""CoQA conversations as records: story, then question and answer in turn.

The release (Reddy et al., 2019, https://arxiv.org/abs/1808.07042) is one JSON file a split:
`{"data": [{"id", "source", "story", "questions": [{"input_text"}], "answers": [{"input_text"}],
"additional_answers": {"0": [{"input_text"}], ...}}]}`, of which the last, the answers of further
annotators, is in the development set only; `source` is the domain of the story. Hugging Face's copy is
a table with a conversation a row: `source`, `story`, `questions` (texts), `answers`
(`{"input_text": [texts], ...}`), without ids.
"""

import io
import json
import reprlib
from collections.abc import Iterator
from typing import Any

from preprocessing.base.digests import canonical_json, sha256_bytes
from preprocessing.base.json_text import parse_json
from preprocessing.base.utf8 import decoded, printable
from preprocessing.options import CorpusOptions
from preprocessing.readers.content import read_file
from preprocessing.readers.decoding import normalise_line_ends, why_not_utf8
from preprocessing.readers.file_names import content_ends_with
from preprocessing.readers.json_rows import json_rows
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.table_columns import columns_of, first_tables
from preprocessing.readers.table_rows import Rows, TableRow
from preprocessing.readers.tables import table_rows
from preprocessing.records.ids import content_id
from preprocessing.records.record import Drop, Fault, Outcome, Record
from preprocessing.tasks.conversation_files import list_conversations, too_large_file
from preprocessing.tasks.conversations import next_answer, segments_of, written_conversation
from preprocessing.tasks.task import Task

# What a table of conversations must have, and what it may have.
_COLUMNS = {"story": "", "questions": "", "answers": ""}
_OPTIONAL = ("id", "source", "additional_answers")

_SCHEMA_REMEDY = "correct it, or remove the conversation from the file"


def read(source: SourceFile, corpus: Corpus) -> Iterator[Outcome]:
    """The records of a file, one a conversation, by the conversation's id or, without one, by its content.

    A `.json` file has all in one object, as the release, or in an array, or one a line, or is one. One that is not
    JSON, or no list of conversations, is a Fault that names line or JSON path. A conversation is dropped if it is not
    in CoQA's schema (`wrong_schema`), if its story is empty (`empty_story`), if it has no turns (`no_turns`) or a turn
    without words (`empty_turn`), holds NUL (`nul_bytes`) or half a surrogate pair (`lone_surrogate`), or is longer
    than `max_record_bytes` (`too_large`). Raises READ_ERRORS.
    """
    for row in _rows(source, corpus):
        if not isinstance(row, TableRow):
            yield row
            continue
        try:
            yield _record(source, row, corpus)
        except _SchemaError as error:
            yield source.row_drop(row.number, "wrong_schema", printable(str(error)))


def _rows(source: SourceFile, corpus: Corpus) -> Rows:
    """A row for each conversation of a file, whatever is in its place."""
    options = corpus.options
    most = options.max_record_bytes
    if not content_ends_with(source.name, ".json"):
        yield from table_rows(source, corpus, _COLUMNS, _OPTIONAL)
        return
    most_in_file = options.max_whole_file_bytes
    data = read_file(source, corpus.open, most_in_file)
    if data is None:
        size = f"decompressed more than {most_in_file} bytes"
        yield Fault(too_large_file(source.name, size, options))
    elif isinstance(data, Fault):
        yield data
    elif _is_in_lines(data, most):
        yield from json_rows(source, io.BufferedReader(io.BytesIO(data)), most)
    else:
        found = _conversations(source.name, data)
        if isinstance(found, Fault):
            yield found
        else:
            yield from (TableRow(index, f"data[{index}]", each) for index, each in enumerate(found))


class _SchemaError(Exception):
    """The file, or a conversation, is not what CoQA's schema says; the message is for the user."""


def _is_in_lines(data: bytes, most: int) -> bool:
    """Whether the first line of a file is a conversation of its own, be it a record or too large for one."""
    line, _, others = data.partition(b"\n")
    if len(line) > most and not others.strip():
        return False  # the release is one line, and is parsed once
    try:
        first = parse_json(decoded(line))
    except ValueError:
        return False
    return isinstance(first, dict) and not _COLUMNS.keys().isdisjoint(first)


def _conversations(name: str, data: bytes) -> list[Any] | Fault:
    """The list `data` of a file, the list that the file is, or the one conversation that it is."""
    try:
        # The byte order mark is not part of JSON (RFC 8259, section 8.1) but common on Windows.
        corpus = parse_json(decoded(data))
        if corpus and isinstance(corpus, list):
            return corpus
        if isinstance(corpus, dict) and not _COLUMNS.keys().isdisjoint(corpus):
            return [corpus]
        found: list[Any] = _member(corpus, "", "data", list)
        return found
    except UnicodeDecodeError as error:
        return Fault(f"{name}: byte {error.start} is {why_not_utf8(data, error.start)}")
    except json.JSONDecodeError as error:
        return Fault(
            f"{name}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}; "
            "correct the file, or download it again if it was cut off"
        )
    except _SchemaError as error:
        return Fault(printable(f"{name}: {error}"))
    except ValueError as error:  # an integer too long, lists too deep
        return Fault(f"{name}: cannot be read as JSON: {error}")


def _record(source: SourceFile, row: TableRow, corpus: Corpus) -> Record | Drop:
    """The record of a conversation, or why there is none. Raises _SchemaError."""
    options, path = corpus.options, row.place
    story: str = _member(row.values, path, "story", str)
    # It says nothing of what is in the conversation, so digest and id are not of it.
    domain = row.values.get("source")
    conversation = {key: value for key, value in row.values.items() if key != "source"}
    canonical = canonical_json(conversation)
    if not isinstance(domain, str | None):
        raise _wrong_type(f"{path}.source", domain, str)
    digest = sha256_bytes(canonical.encode("utf-8", "surrogatepass"))
    conversation_id = conversation.get("id")
    if type(conversation_id) is int:
        conversation_id = str(conversation_id)
    conversation_id = conversation_id or content_id(digest)
    if not isinstance(conversation_id, str):
        raise _wrong_type(f"{path}.id", conversation_id, str)
    turns = _turns(conversation, path)

    def drop(reason: str, detail: str) -> Drop:
        found = Drop(reason, source.name, printable(conversation_id), f"{path}{detail}")
        return found.beginning(story or str(turns))

    try:
        size = len(canonical.encode())
    except UnicodeEncodeError:
        return drop("lone_surrogate", " holds half a surrogate pair, which is no character")
    if size > options.max_record_bytes:
        return drop("too_large", f" has {size} bytes, max_record_bytes {options.max_record_bytes}")
    if "\0" in story or any("\0" in text for turn in turns for text in turn):
        return drop("nul_bytes", " holds the character NUL")
    story = normalise_line_ends(story).strip()
    if not story:
        return drop("empty_story", ".story is empty")
    if not turns:
        return drop("no_turns", ".questions is empty")
    for number, (question, answer, *_) in enumerate(turns):
        if not question or not answer:
            field = "answers" if question else "questions"
            return drop("empty_turn", f".{field}[{number}].input_text is empty")
    return Record(
        id=conversation_id,
        source=source.name,
        position=row.number,
        digest=digest,
        split=source.split_of(conversation_id, corpus),
        segments=tuple(segments_of(story, turns, prompt_in_loss=options.loss_on == "all")),
        domain=domain or "",
    )


def _turns(conversation: dict[str, Any], path: str) -> list[tuple[str, ...]]:
    """Each turn as question, answer, answers of further annotators. Raises _SchemaError."""
    if isinstance(answers := conversation.get("answers"), dict):  # in Hugging Face's layout
        conversation = {**conversation, "answers": answers.get("input_text")}
    further = conversation.get("additional_answers")
    further = {} if further is None else further
    if not isinstance(further, dict):
        raise _wrong_type(f"{path}.additional_answers", further, dict)
    columns = {
        "questions": _texts(conversation, path, "questions"),
        "answers": _texts(conversation, path, "answers"),
    }
    for annotator in sorted(further):
        field = f"additional_answers.{annotator}"
        columns[field] = _texts(further, f"{path}.additional_answers", annotator)
    questions = columns["questions"]
    for field, texts in columns.items():
        if len(texts) != len(questions):
            raise _SchemaError(
                f"{path}.{field} has {len(texts)} entries, {path}.questions has "
                f"{len(questions)}; there must be one for each question; {_SCHEMA_REMEDY}"
            )
        for number, ((turn_id, _), (expected, _)) in enumerate(zip(texts, questions, strict=True)):
            if turn_id is not None and expected is not None and turn_id != expected:
                raise _SchemaError(
                    f"{path}.{field}[{number}].turn_id is {turn_id!r}, that of its "
                    f"question is {expected!r}; {_SCHEMA_REMEDY}"
                )
    rows = zip(*columns.values(), strict=True)
    # An annotator may have left a turn out; the question and the gold answer stay, even empty.
    return [tuple(text for place, (_, text) in enumerate(row) if text or place < 2) for row in rows]


def _texts(parent: Any, path: str, key: str) -> list[tuple[int | None, str]]:
    """Turn id, if given, and words of each entry of a list of questions or answers; in Hugging Face's layout a text."""
    entries: list[Any] = _member(parent, path, key, list)
    texts = []
    for number, entry in enumerate(entries):
        place = f"{path}.{key}[{number}]"
        entry = {"input_text": entry} if isinstance(entry, str) else entry
        text: str = _member(entry, place, "input_text", str)
        turn_id = entry.get("turn_id")
        if turn_id is not None and not isinstance(turn_id, int):
            raise _wrong_type(f"{place}.turn_id", turn_id, int)
        # A newline ends an answer when the model speaks, so there can be none inside.
        texts.append((turn_id, " ".join(text.split())))
    return texts


def _member(parent: Any, path: str, key: str, kind: type) -> Any:
    """`parent[key]`, which must be of type `kind`; `path` is where `parent` is in the file."""
    if not isinstance(parent, dict):
        raise _wrong_type(path or "the top level", parent, dict)
    place = f"{path}.{key}" if path else key
    if key not in parent:
        found = ", ".join(map(repr, list(parent)[:8])) or "nothing"
        raise _SchemaError(f"{place} is missing, found {found}; {_SCHEMA_REMEDY}")
    if not isinstance(parent[key], kind):
        raise _wrong_type(place, parent[key], kind)
    return parent[key]


def _wrong_type(place: str, value: Any, kind: type) -> _SchemaError:
    expected = {dict: "an object", list: "a list", str: "a string", int: "an integer"}[kind]
    return _SchemaError(f"{place} must be {expected}, got {reprlib.repr(value)}; {_SCHEMA_REMEDY}")


def recognise(files: CorpusFiles) -> dict[str, str] | None:
    """Nothing to add for a JSON file or a table that begins with a conversation; None where none does."""
    corpus = Corpus(files.open, CorpusOptions())
    readable = (f for f in first_tables(files) if not content_ends_with(f.name, ".csv"))
    found = (columns_of(_rows(file, corpus)) for file in readable)
    return {} if any(_COLUMNS.keys() <= columns for columns in found) else None


TASK = Task(
    name="coqa",
    corpora="CoQA's `.json` files, or tables with a story, its questions and answers a row",
    recognise=recognise,
    list_files=list_conversations,
    read=read,
    prompt=written_conversation,
    next_answer=next_answer,
    stop=("\n",),
    new_tokens=24,
    loss_on="target",
    over_long="truncate_prompt",
)
