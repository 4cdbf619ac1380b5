"""The shards of a portion: its records' Examples and index lines by split, and its drops.

    examples/Split-train/records-00007-000.tfrecord     portion 7, its first part
    index/Split-train/records-00007-000.jsonl
    report/drops/records-00007.jsonl                    where there are any

A portion has one part, or several where its records come to more than 2 MiB; the records' own digests decide where one
ends. Shards are in the order of the corpus.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from apache_beam.io.filesystems import FileSystems

from preprocessing.base.digests import sha256_bytes, sha256_json
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.file_watch import ContentChangedError
from preprocessing.base.job_cache import copy_verified
from preprocessing.base.places import write_file
from preprocessing.corpus.portions import Portion
from preprocessing.corpus.reading import Reading, read_source
from preprocessing.corpus.report import DROPS_FOLDER, Event, Tally
from preprocessing.corpus.settlement import Amendment
from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import opener_in
from preprocessing.readers.source_file import Corpus
from preprocessing.records.exclusion import exclusion
from preprocessing.records.index import IndexEntry, entry_of
from preprocessing.records.record import (
    SPLITS,
    Drop,
    Fault,
    Record,
    record_to_example,
)
from preprocessing.records.tfrecords import tfrecords_of

# A part has so many bytes of Examples at least (but the last), twice as many on average, and four times as many and
# a record at most.
PART_BYTES = 2 * 1024 * 1024
_LONGEST = 4


class ShardFile(NamedTuple):
    """A file of Examples."""

    part: int
    split: str
    path: str
    sha256: str


class Written(NamedTuple):
    """The files of a portion's Examples. left_out: digest of what was left out or renamed in them."""

    files: tuple[ShardFile, ...]
    left_out: str

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Written":
        """From what JSON has made of one."""
        files, left_out = values
        return cls(tuple(ShardFile(*file) for file in files), left_out)


@dataclass(frozen=True)
class ShardWriter:
    """Writes the shards of the portions of one corpus.

    folder: the place of the corpus' folder. examples_dir, index_dir, report_dir: where the shards go. part_bytes: see
        PART_BYTES.
    """

    folder: str
    options: CorpusOptions
    seed: int
    examples_dir: str
    index_dir: str
    report_dir: str
    part_bytes: int

    @property
    def corpus(self) -> Corpus:
        """What its sources are read with."""
        return Corpus(opener_in(self.folder), self.options, self.seed)

    def read(
        self, portion: Portion, amendments: Mapping[int, Amendment] = MappingProxyType({})
    ) -> tuple[Reading, Written]:
        """Read a portion and write its Examples, but for those that are excluded and for what becomes of others."""
        reading = Reading(portion.rows_before)
        files: list[ShardFile] = []
        examples: dict[str, list[bytes]] = defaultdict(list)
        part = size = 0
        is_full = False
        for source in portion.sources:
            for outcome in read_source(source, self.corpus):
                if isinstance(outcome, Drop):
                    reading.drops.append(outcome)
                    continue
                if isinstance(outcome, Fault):
                    reading.faults.append(outcome)
                    continue
                if is_full:
                    files += self._write_examples(portion, part, examples)
                    part, size = part + 1, 0
                    examples.clear()
                record = _relative(outcome, reading.rows_before)
                entry, example = entry_of(record), record_to_example(record)
                size += len(example)
                is_full = self._ends(entry, len(example), size)
                amendment = self.excluded(entry) or amendments.get(len(reading.entries))
                if isinstance(amendment, str):
                    example = record_to_example(record.named(amendment))
                if not isinstance(amendment, Drop):
                    examples[record.split].append(example)
                reading.entries.append(entry)
                reading.parts.append(part)
        files += self._write_examples(portion, part, examples)
        return reading, Written(tuple(files), self._left_out(reading, amendments))

    def finish(
        self,
        portion: Portion,
        reading: Reading,
        written: Written,
        amendments: Mapping[int, Amendment],
        is_new: bool,
        digests: FileDigests | None = None,
    ) -> tuple[Tally, Written]:
        """Write what is left of a portion's shards when it is known what becomes of each record.

        Args:
            reading, written: of the portion, from `read` in this job (`is_new`) or in an earlier one.
            amendments: what becomes of records because of others.
            digests: what is known of the earlier job's files.
        """
        kept: Written | None = written
        if written.left_out != self._left_out(reading, amendments):
            kept = None
        elif not is_new:
            kept = self._copied(portion, written, digests)
        if kept is None:
            again, kept = self.read(portion, amendments)
            if (again.entries, again.drops) != (reading.entries, reading.drops):
                raise ContentChangedError(Path(portion.sources[0].name), "the corpus was read")
        return self._write_index(portion, reading, amendments), kept

    def _write_index(
        self, portion: Portion, reading: Reading, amendments: Mapping[int, Amendment]
    ) -> Tally:
        tally = Tally()
        drops = [
            exclusion(drop.id, drop.source, self.options.excluded) or drop for drop in reading.drops
        ]
        lines: dict[tuple[int, str], list[str]] = defaultdict(list)
        counts: Counter[str] = Counter()
        rows_before = portion.rows_before
        for ordinal, entry in enumerate(reading.entries):
            part, split = reading.parts[ordinal], entry.place.split
            amendment = self.excluded(entry) or amendments.get(ordinal)
            if isinstance(amendment, Drop):
                drops.append(amendment)
                continue
            entry = entry.moved(rows_before)
            entry = entry if amendment is None else entry.named(amendment)
            lines[part, split].append(entry.line(_name(portion, part)))
            counts[split] += 1
        for part in range(max(reading.parts, default=0) + 1):
            for split in SPLITS:
                path = split_file(self.index_dir, split, f"records-{_name(portion, part)}.jsonl")
                _write_lines(path, lines[part, split])
        if drops:
            drops.sort(key=lambda drop: (drop.id, drop.source, drop.reason, drop.detail))
            path = FileSystems.join(
                self.report_dir, DROPS_FOLDER, f"records-{portion.number:05d}.jsonl"
            )
            _write_lines(path, [json.dumps(drop.to_dict(), ensure_ascii=False) for drop in drops])
        events: list[Event] = [counts, *drops, *reading.faults]
        for event in events:
            tally.add(event)
        return tally

    def _copied(
        self, portion: Portion, written: Written, digests: FileDigests | None
    ) -> Written | None:
        """Copies of the files here; None if one is not what it was."""
        copies = []
        for file in written.files:
            path = self._path(portion, file.part, file.split)
            try:
                copy_verified(Path(file.path), Path(path), file.sha256, digests)
            except OSError:
                return None
            copies.append(file._replace(path=path))
        return Written(tuple(copies), written.left_out)

    def _write_examples(
        self, portion: Portion, part: int, examples: Mapping[str, list[bytes]]
    ) -> list[ShardFile]:
        files = []
        for split in SPLITS:
            path = self._path(portion, part, split)
            files.append(
                ShardFile(part, split, path, _write_tfrecords(path, examples.get(split, ())))
            )
        return files

    def _path(self, portion: Portion, part: int, split: str) -> str:
        return split_file(self.examples_dir, split, f"records-{_name(portion, part)}.tfrecord")

    def _ends(self, entry: IndexEntry, own: int, size: int) -> bool:
        """Whether a part ends with a record of `own` bytes, with which it has `size`."""
        falls = int(entry.digest[:8], 16) * self.part_bytes < own << 32
        return size >= self.part_bytes * _LONGEST or (falls and size >= self.part_bytes)

    def _left_out(self, reading: Reading, amendments: Mapping[int, Amendment]) -> str:
        """The digest of what is left out of a portion's Examples or renamed in them."""
        names = {
            ordinal: name if isinstance(name, str) else "" for ordinal, name in amendments.items()
        }
        if self.options.excluded:
            for ordinal, entry in enumerate(reading.entries):
                if self.excluded(entry) is not None:
                    names[ordinal] = ""
        return sha256_json(sorted(names.items()))

    def excluded(self, entry: IndexEntry) -> Drop | None:
        """The drop that a record becomes because it is named, None if it is not."""
        return exclusion(entry.place.id, entry.place.source, self.options.excluded)


def split_file(folder: str, split: str, name: str) -> str:
    """The path of a shard's file of one split."""
    return FileSystems.join(folder, f"Split-{split}", name)


def _name(portion: Portion, part: int) -> str:
    return f"{portion.number:05d}-{part:03d}"


def _relative(record: Record, rows_before: int) -> Record:
    """The record as if its piece of a table were the whole: it does not change when a row is put before it."""
    return replace(record, position=record.position - rows_before) if rows_before else record


def _write_tfrecords(path: str, examples: Iterable[bytes]) -> str:
    """Write serialised Examples; the SHA-256 of the file."""
    content = tfrecords_of(examples)
    write_file(path, content)
    return sha256_bytes(content)


def _write_lines(path: str, lines: Sequence[str]) -> None:
    write_file(path, "\n".join([*lines, ""]).encode())
