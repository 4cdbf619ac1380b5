"""A second look at a few documents, for a corpus' page: how drops begin, and what cleaning has done.

Nothing of it is kept but on the page: what else is written holds no text of a document that is not a record.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from preprocessing.corpus.reading import read_source
from preprocessing.readers.content import READ_ERRORS
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.tables import is_table
from preprocessing.records.exclusion import EXCLUDED, exclusion
from preprocessing.records.record import TEXT_SHOWN, Drop, Record
from preprocessing.tasks.cleaning import Change
from preprocessing.tasks.registry import TASKS

# So many drops of a reason are shown with their texts, and so many examples of a step of cleaning.
_DROPS, _EXAMPLES = 5, 3
# So many sources are looked at for cleaning, and of each so many documents, or changes of them.
_SOURCES, _DOCUMENTS = 300, 2000
# Of a text that was changed, so many characters are shown before and behind the change, and so many of the change.
_AROUND, _CHANGED = 60, 240


@dataclass(frozen=True)
class CleaningExample:
    """What a step has made of a document.

    head, tail: what stays around the change; there is no tail where the change is too long to be shown whole.
    """

    id: str
    head: str
    before: str
    after: str
    tail: str


@dataclass(frozen=True)
class SecondLook:
    """beginnings: (source, id) of a drop -> how it begins. cleaning: step -> examples."""

    beginnings: Mapping[tuple[str, str], str] = field(default_factory=dict)
    cleaning: Mapping[str, list[CleaningExample]] = field(default_factory=dict)


def look_again(
    sources: Iterable[SourceFile], corpus: Corpus, reasons: Mapping[str, Any]
) -> SecondLook:
    """Look at the first drops of each reason, and at the first documents, of which none is excluded.

    sources: whole files, as they were listed. reasons: of the drop report.
    """
    wanted = _wanted(reasons)
    first: list[SourceFile] = []
    with_drops = []
    for source in sources:
        if source.drop or not (
            is_table(source.name) or source.size <= corpus.options.max_whole_file_bytes
        ):
            continue
        if len(first) < _SOURCES:
            first.append(source)
        if source.name in wanted:
            with_drops.append(source)
    return SecondLook(_beginnings(with_drops, corpus, wanted), _cleaning(first, corpus))


def _wanted(reasons: Mapping[str, Any]) -> dict[str, set[str]]:
    """The ids of the drops whose beginnings are shown, by their sources."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for reason, found in reasons.items():
        # Who has a document left out wants its text nowhere.
        for drop in found["first"][:_DROPS] if reason != EXCLUDED else ():
            wanted[drop["source"]].add(drop["id"])
    return wanted


def _beginnings(
    sources: list[SourceFile], corpus: Corpus, wanted: Mapping[str, set[str]]
) -> dict[tuple[str, str], str]:
    beginnings = {}
    for source in sources:
        left = set(wanted[source.name])
        for outcome in islice(read_source(source, corpus), _DOCUMENTS):
            if isinstance(outcome, Record | Drop) and outcome.id in left:
                left.remove(outcome.id)
                beginnings[source.name, outcome.id] = _beginning(outcome)
            if not left:
                break
    return {place: text for place, text in beginnings.items() if text}


def _beginning(outcome: Record | Drop) -> str:
    if isinstance(outcome, Drop):
        return outcome.text
    return "".join(segment.text for segment in outcome.segments)[:TEXT_SHOWN]


def _cleaning(sources: list[SourceFile], corpus: Corpus) -> dict[str, list[CleaningExample]]:
    cleaned = TASKS[corpus.options.task].cleaned
    found: dict[str, list[CleaningExample]] = {}
    if cleaned is None:
        return found
    for source in sources:
        if source.name in corpus.options.excluded:
            continue
        try:
            changes = cleaned(source, corpus)
            for record_id, change in islice(changes, _DOCUMENTS):
                examples = found.setdefault(change.step, [])
                is_new = all(example.id != record_id for example in examples)
                is_excluded = exclusion(record_id, source.name, corpus.options.excluded) is not None
                if len(examples) < _EXAMPLES and is_new and not is_excluded:
                    examples.append(_example(record_id, change))
        except READ_ERRORS:
            continue
    return found


def _example(record_id: str, change: Change) -> CleaningExample:
    before, after = change.before, change.after
    first = _shared(before, after)
    behind = _shared(before[first:][::-1], after[first:][::-1])
    gone, come = (text[first : len(text) - behind] for text in (before, after))
    is_whole = max(len(gone), len(come)) <= _CHANGED
    return CleaningExample(
        id=record_id,
        head=before[max(0, first - _AROUND) : first],
        before=gone[:_CHANGED],
        after=come[:_CHANGED],
        tail=after[len(after) - behind :][:_AROUND] if is_whole else "",
    )


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
