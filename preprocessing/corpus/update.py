"""The job of CorpusGen with a cache: only what has changed since the last job is read.

    sources --stat--> changed ones --read--> ledger --by shard--> index lines --digest--> shard
                                               |                 known: copied from the last artifact
                                               \\--> copies, drops       else: made from its sources

A record is a function of the recipe (options, seed, code) and its line in the index, which holds
the digest of the bytes behind it. So a shard's Examples have the digest of the recipe and the
lines, whatever was added, removed, renamed or moved to another split; and the records that a
vanished leak gives back are found as all others are, in the sources of the shard that changed.

Where the ledger does not help (there is none, other options, much has changed, a fault, a file
that is not what it was), the Beam job of `job` does all of it. Both write the same bytes.
"""

import importlib.metadata
import json
import logging
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import apache_beam as beam
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from preprocessing.base import digests, progress
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.import_walk import code_digest
from preprocessing.base.job_cache import JobCache
from preprocessing.base.verified_files import DamagedError, copy_verified, file_digest
from preprocessing.corpus import job as corpus_job
from preprocessing.corpus.job import (
    joined_lines,
    shard_count,
    shard_name,
    shard_of,
    split_file,
    write_corpus,
    write_drops,
    write_examples,
    write_lines,
)
from preprocessing.corpus.ledger import Ledger, LedgerError, source_states
from preprocessing.corpus.reading import read_source
from preprocessing.corpus.report import DROPS_FOLDER, Tally, read_faults, write_report
from preprocessing.corpus.spill import remove_spills, spill_folder
from preprocessing.options import CorpusOptions
from preprocessing.records.copies import LEAK, Loser
from preprocessing.records.index import entry_of
from preprocessing.records.record import SPLITS, Drop, Place, Record, record_to_example
from preprocessing.tasks.sources import SourceFile, corpus_folder

_log = logging.getLogger(__name__)

# How much is read here, in one process and memory: a share of the corpus, but two shards at least.
_LARGEST_SHARE = 1 / 16
_MOST_BYTES = 64 * 1024 * 1024

# Options that decide what is done about records, not what they are.
_NOT_IN_RECIPE = ("path", "on_leak", "max_dropped_fraction")
_LIBRARIES = ("ftfy", "pyarrow")


@dataclass(frozen=True)
class CorpusFolders:
    """Where a corpus goes: see `write_corpus`."""

    examples_dir: str
    index_dir: str
    report_dir: str


class _FullJobNeededError(Exception):
    """The ledger does not help; why."""


def update_corpus(
    pipeline: beam.Pipeline,
    root: str,
    sources: Sequence[SourceFile],
    options: CorpusOptions,
    seed: int,
    folders: CorpusFolders,
    cache: JobCache | None,
) -> int | None:
    """Write the records, the index and the reports of a corpus (see `write_corpus`).

    Args:
        pipeline: not run yet; it is run if the whole corpus must be read.
        cache: with the ledger. None: the whole corpus is read, nothing is remembered.

    Returns:
        How many sources were read because the ledger did not have them as they are; None if the
        whole corpus was read.
    """
    if cache is None:
        _run(pipeline, root, sources, options, seed, folders)
        return None
    with closing(cache.open_digests()) as digests:
        job = _Job(root, sources, options, seed, folders, cache.ledger, digests)
        try:
            return job.update()
        except (_FullJobNeededError, LedgerError) as why:
            _log.info("the whole corpus is read: %s", why)
            # What the other job may not write again.
            shutil.rmtree(Path(folders.report_dir, DROPS_FOLDER), ignore_errors=True)
        _run(pipeline, root, sources, options, seed, folders)
        job.remember()
    return None


def _run(
    pipeline: beam.Pipeline,
    root: str,
    sources: Sequence[SourceFile],
    options: CorpusOptions,
    seed: int,
    folders: CorpusFolders,
) -> None:
    """Run the Beam job of `job`; if it fails, what it has spilled goes."""
    try:
        with pipeline:
            write_corpus(pipeline, root, sources, options, seed, **asdict(folders))
    except BaseException:
        remove_spills(spill_folder(folders.examples_dir))
        raise


class _Job:
    """One job, by what it is given."""

    def __init__(
        self,
        root: str,
        sources: Sequence[SourceFile],
        options: CorpusOptions,
        seed: int,
        folders: CorpusFolders,
        ledger: Path,
        file_digests: FileDigests,
    ) -> None:
        self._folder = corpus_folder(Path(root))
        self._sources: dict[str, list[SourceFile]] = defaultdict(list)
        for source in sources:
            self._sources[source.name].append(source)
        self._options = options
        self._seed = seed
        self._folders = folders
        self._ledger_path = ledger
        self._file_digests = file_digests
        total = sum(source.stop - source.start for source in sources)
        self._shards = shard_count(total)
        share = max(total * _LARGEST_SHARE, 2 * corpus_job.SHARD_BYTES)
        self._bytes_left = min(share, _MOST_BYTES)
        self._recipe = corpus_recipe(options, seed, root)
        # Before anything is read: what changes from now on has another state the next time.
        self._states = source_states(self._folder, self._sources)

    def update(self) -> int:
        """Write the corpus from the ledger, the last artifact and what has changed."""
        with Ledger(self._ledger_path) as ledger:
            if not ledger.is_of(self._recipe, self._shards):
                raise _FullJobNeededError("no job with these options is remembered")
            known = ledger.states()
            changed = [
                name
                for name, state in self._states.items()
                if not state or known.get(name) != state
            ]
            self._spend(changed)
            ledger.forget(known.keys() - self._states.keys())
            ledger.forget(changed)
            for name in changed:
                self._read_into(ledger, name)
            self._write(ledger)
            ledger.commit()
        return len(changed)

    def remember(self) -> None:
        """Put what the Beam job has written into the ledger; nothing if the corpus has faults."""
        if read_faults(self._folders.report_dir):
            return
        try:
            self._fill_and_commit()
        except LedgerError as why:
            _log.warning("%s is made anew: %s", self._ledger_path, why)
            self._ledger_path.unlink(missing_ok=True)
            self._fill_and_commit()

    def _fill_and_commit(self) -> None:
        with Ledger(self._ledger_path) as ledger:
            self._fill(ledger)
            ledger.commit()

    def _fill(self, ledger: Ledger) -> None:
        ledger.begin(self._recipe, self._shards)
        files = []
        for shard in range(self._shards):
            name = shard_name(shard, self._shards)
            for split in SPLITS:
                lines = _read_lines(split_file(self._folders.index_dir, split, f"{name}.jsonl"))
                for line in lines:
                    ledger.add_record(line)
                path = split_file(self._folders.examples_dir, split, f"{name}.tfrecord")
                files.append(
                    (self._digest(split, lines), path, file_digest(path, self._file_digests))
                )
        ledger.replace_example_files(files)
        incomplete = set()
        for drops in Path(self._folders.report_dir, DROPS_FOLDER).glob("*.jsonl"):
            for line in _read_lines(str(drops)):
                drop = Drop(**json.loads(line))
                if drop.reason == LEAK:
                    incomplete.add(drop.source)  # of its record only the drop is known
                else:
                    ledger.add_drop(drop)
        for name, state in self._states.items():
            if state and name not in incomplete:
                ledger.add_source(name, state)
        ledger.forget(name for name in self._states if not self._states[name] or name in incomplete)

    def _spend(self, names: Iterable[str]) -> None:
        """Count the bytes that are to be read here."""
        self._bytes_left -= sum(
            source.stop - source.start for name in names for source in self._sources[name]
        )
        if self._bytes_left < 0:
            raise _FullJobNeededError("much has changed")

    def _read(self, name: str) -> Iterator[Record | Drop]:
        for source in self._sources[name]:
            for outcome in read_source(source, self._open, self._options, self._seed):
                if not isinstance(outcome, Record | Drop):
                    raise _FullJobNeededError(outcome.message)
                yield outcome

    def _open(self, name: str) -> BinaryIO:
        return open(self._folder / name, "rb")

    def _read_into(self, ledger: Ledger, name: str) -> None:
        for outcome in self._read(name):
            if isinstance(outcome, Drop):
                ledger.add_drop(outcome)
            else:
                shard = shard_of(outcome.id, self._shards)
                if ledger.has_record(shard, outcome.id):
                    raise _FullJobNeededError("two records have one id")
                ledger.add_record(entry_of(outcome).line(shard))
        if state := self._states[name]:
            ledger.add_source(name, state)

    def _write(self, ledger: Ledger) -> None:
        """Write everything that `write_corpus` writes, and let the ledger know the new files."""
        tally = Tally()
        losers: dict[int, dict[object, Loser]] = defaultdict(dict)
        for copies in ledger.copies():
            tally.add(copies)
            if self._options.on_leak == "drop":
                for loser in copies.losers():
                    losers[shard_of(loser.place.id, self._shards)][loser.place] = loser
        drops: dict[int, list[Drop]] = defaultdict(list)
        for drop in ledger.drops():
            drops[shard_of(drop.id, self._shards)].append(drop)
        files = []
        unknown: dict[str, tuple[str, str, list[str]]] = {}
        wanted: set[str] = set()
        for shard in range(self._shards):
            name = shard_name(shard, self._shards)
            of_split: dict[str, list[str]] = {split: [] for split in SPLITS}
            lost = losers.get(shard, {})
            for record_id, source, position, split, line in ledger.lines(shard):
                place = Place(record_id, source, position, split) if lost else None
                if place in lost:
                    drops[shard].append(lost[place].drop())
                else:
                    of_split[split].append(line)
            for split, lines in of_split.items():
                tally.records[split] += len(lines)
                write_lines(split_file(self._folders.index_dir, split, f"{name}.jsonl"), lines)
                digest = self._digest(split, lines)
                path = split_file(self._folders.examples_dir, split, f"{name}.tfrecord")
                if (sha256 := self._fetch(ledger, digest, path)) is not None:
                    files.append((digest, path, sha256))
                else:
                    unknown[path] = (digest, split, lines)
                    wanted.update(row[1] for row in ledger.lines(shard) if row[3] == split)
            write_drops(self._folders.report_dir, name, drops[shard])
            for drop in drops[shard]:
                tally.add(drop)
            progress.report(phase="copy", done=shard + 1, total=self._shards, unit="shards")
        self._spend(wanted)
        files += self._make(unknown, wanted)
        ledger.replace_example_files(files)
        write_report(tally, self._folders.report_dir)

    def _make(
        self, unknown: dict[str, tuple[str, str, list[str]]], wanted: Iterable[str]
    ) -> Iterator[tuple[str, str, str]]:
        """Write the files of Examples that no artifact has, from their sources."""
        needed = {line for _, _, lines in unknown.values() for line in lines}
        found: dict[str, bytes] = {}
        for name in wanted:
            for outcome in self._read(name):
                if isinstance(outcome, Record):
                    line = entry_of(outcome).line(shard_of(outcome.id, self._shards))
                    if line in needed:
                        found[line] = record_to_example(outcome)
        if len(found) < len(needed):
            raise _FullJobNeededError("a source has changed while it was read")
        for path, (digest, _, lines) in unknown.items():
            write_examples(path, [found[line] for line in lines])
            yield digest, path, file_digest(path, self._file_digests)

    def _fetch(self, ledger: Ledger, digest: str, path: str) -> str | None:
        """Copy the Examples with this digest; returns their sha256, None if they are not there."""
        known = ledger.example_file(digest)
        if known is None:
            return None
        source, sha256 = known
        try:
            copy_verified(source, path, sha256, self._file_digests)
        except (OSError, BeamIOError, DamagedError):
            return None
        return sha256

    def _digest(self, split: str, lines: Iterable[str]) -> str:
        """The digest of all that the Examples of a shard's split follow from."""
        content = digests.sha256_text(joined_lines(lines))
        return digests.combine({"recipe": self._recipe, "split": split, "lines": content})


def corpus_recipe(options: CorpusOptions, seed: int, root: str) -> str:
    """The digest of all that records follow from beside their sources: options, seed, code.

    root: where the corpus is; the ledger knows its files by their stat.
    """
    counted = {name: value for name, value in asdict(options).items() if name not in _NOT_IN_RECIPE}
    return digests.combine(
        {
            "options": digests.sha256_json({**counted, "seed": seed, "root": root}),
            "code": code_digest("preprocessing.corpus.update"),
            **{name: digests.sha256_text(importlib.metadata.version(name)) for name in _LIBRARIES},
        }
    )


def _read_lines(path: str) -> list[str]:
    with FileSystems.open(path) as file:
        content: bytes = file.read()
    return content.decode().split("\n")[:-1]
