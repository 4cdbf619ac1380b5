"""Predictions and references as other systems write them, paired.

lines          a text on each line
t-tags         a text on each line, its sentences between `<t>` and `</t>`, as the rouge-baselines scripts take them
.jsonl         an object on each line, with `prediction` or `references` as `evaluate --predictions` writes them, or
               `summary`, `highlights` or `answer`
CoQA's JSON    of predictions a list of {"id", "turn_id", "answer"}; of references the release itself
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.sentences import in_lines
from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json
from preprocessing.base.utf8 import decoded

_PREDICTED = ("prediction", "summary", "highlights", "answer")
_REFERENCES = ("references", "summary", "highlights", "answers", "answer")


@dataclass(frozen=True)
class Pair:
    """A prediction and what it is compared with.

    name: of the target, for messages. group: what is resampled as a whole: the story of a conversation. domain: of
    CoQA's; empty elsewhere. Of summaries, texts have a sentence on each line.
    """

    name: str
    group: str
    domain: str
    prediction: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class Pairs:
    """All of a file. sentences: how the sentences of summaries were told apart: t-tags, lines or split."""

    pairs: tuple[Pair, ...]
    sentences: str


def read_pairs(task: str, predictions: Path, references: Path) -> Pairs:
    """The pairs of two files. Raises InputError for files that cannot be read, or do not fit one another."""
    return (_conversations if task == "coqa" else _summaries)(predictions, references)


def _summaries(predictions: Path, references: Path) -> Pairs:
    ours, theirs = _texts(predictions, _PREDICTED), _texts(references, _REFERENCES)
    if len(ours) != len(theirs):
        raise InputError(
            f"{predictions} has {len(ours)} texts and {references} has {len(theirs)}: they must be of the same "
            "records, in the same order."
        )
    if not ours:
        raise InputError(f"{predictions}: there is nothing in it to score.")
    pairs, ways = [], set()
    for number, (own, wanted) in enumerate(zip(ours, theirs, strict=True), start=1):
        texts = []
        for text in (own[0], *wanted):
            lines, way = in_lines(text)
            texts.append(lines)
            ways.add(way)
        name = f"{predictions}:{number}"
        pairs.append(Pair(name, str(number), "", texts[0], tuple(texts[1:])))
    return Pairs(tuple(pairs), "+".join(sorted(ways)))


def _texts(path: Path, keys: Sequence[str]) -> list[tuple[str, ...]]:
    """The texts of a file, for each record one or more."""
    content = _read(path)
    if not path.name.endswith((".jsonl", ".json")):
        # Not `splitlines`, which also ends a line at characters that may stand in a text.
        lines = content.split("\n")
        return [(line,) for line in (lines[:-1] if lines[-1] == "" else lines)]
    return [_of_object(path, number, value, keys) for number, value in _objects(path, content)]


def _of_object(
    path: Path, number: int, value: Mapping[str, Any], keys: Sequence[str]
) -> tuple[str, ...]:
    for key in keys:
        found = value.get(key)
        if isinstance(found, str):
            return (found,)
        if isinstance(found, list) and found and all(isinstance(text, str) for text in found):
            return tuple(found) if key in ("references", "answers") else ("\n".join(found),)
    raise InputError(f"{path}:{number}: none of {', '.join(keys)} is a text; name one so.")


def _objects(path: Path, content: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            value = _json(f"{path}:{number}", line)
            if not isinstance(value, dict):
                raise InputError(
                    f"{path}:{number}: not an object of JSON, but {type(value).__name__}."
                )
            yield number, value


def _conversations(predictions: Path, references: Path) -> Pairs:
    answers = _answers(predictions)
    pairs, seen = [], set()
    for story, turn, domain, accepted in _questions(references):
        key = (story, turn)
        if key in seen:
            raise InputError(f"{references}: turn {turn} of {story} is there twice.")
        seen.add(key)
        if key not in answers:
            raise InputError(
                f"{predictions}: there is no answer to turn {turn} of {story}; answer every turn, with an empty text "
                "where there is nothing to say."
            )
        pairs.append(Pair(f"{story} turn {turn}", story, domain, answers[key], accepted))
    for story, turn in answers.keys() - seen:
        raise InputError(f"{predictions}: turn {turn} of {story} is not in {references}.")
    return Pairs(tuple(pairs), "")


def _answers(path: Path) -> dict[tuple[str, int], str]:
    content = _read(path)
    rows: Iterable[Any]
    if path.name.endswith(".jsonl"):
        rows = [
            {"id": row.get("record"), "turn_id": row.get("turn"), "answer": row.get("prediction")}
            if "prediction" in row
            else row
            for _, row in _objects(path, content)
        ]
    else:
        rows = _json(str(path), content)
    if not isinstance(rows, list):
        raise InputError(f"{path}: not a list of answers.")
    found: dict[tuple[str, int], str] = {}
    for number, row in enumerate(rows, start=1):
        try:
            key, answer = (str(row["id"]), int(row["turn_id"])), row["answer"]
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{path}: answer {number} lacks id, turn_id or answer.") from None
        if not isinstance(answer, str):
            raise InputError(f"{path}: answer {number} ({key[0]} turn {key[1]}) is not a text.")
        if key in found:
            raise InputError(f"{path}: turn {key[1]} of {key[0]} is answered twice.")
        found[key] = answer
    return found


def _questions(path: Path) -> Iterator[tuple[str, int, str, tuple[str, ...]]]:
    """(story, turn, domain, accepted answers, an annotator's empty one among them) of CoQA's release."""
    release = _json(str(path), _read(path))
    try:
        for story in release["data"]:
            others = story.get("additional_answers", {})
            for number, answer in enumerate(story["answers"]):
                more = [other[number]["input_text"] for other in others.values()]
                accepted = (answer["input_text"], *more)
                yield story["id"], int(answer["turn_id"]), story.get("source", ""), accepted
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"{path}: not laid out as CoQA's release ({error!r}).") from error


def _read(path: Path) -> str:
    try:
        return decoded(path.read_bytes()).replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8.") from error


def _json(where: str, text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise InputError(f"{where}: not JSON: {error}.") from error
