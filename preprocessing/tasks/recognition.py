"""Which task's corpus lies at a place, as each task says of itself."""

from collections import Counter
from collections.abc import Iterator
from os.path import splitext
from typing import NamedTuple

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.readers.file_names import content_name
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.tasks.registry import TASKS, list_files, permitted
from preprocessing.tasks.task import Keys, Task

_KINDS_SHOWN = 5


class Recognised(NamedTuple):
    """A corpus: its task, the keys that it needs beside task and path, and its sources as whole files."""

    task: Task
    keys: Keys
    sources: Sources

    @property
    def files(self) -> int:
        """How many files are read."""
        return sum(1 + (source.companion is not None) for source in self._read())

    @property
    def size(self) -> int:
        """Their bytes, as they are stored."""
        companions = (source.companion for source in self._read())
        more = sum(companion.size for companion in companions if companion is not None)
        return sum(source.size for source in self._read()) + more

    def _read(self) -> Iterator[SourceFile]:
        return (source for source in self.sources if source.drop is None)


def recognise(files: CorpusFiles, task: Task | None = None) -> Recognised:
    """The corpus that the files are, of a given task or of the only one whose corpus they are.

    Raises InputError where nothing is there, where it is of no task or of several, and as `list_files` does.
    """
    if not files.exists():
        raise InputError(f"{files.root}: no such file or folder; name the corpus.")
    keys: Keys
    with permitted():
        if task is None:
            task, keys = _only(files)
        else:
            keys = task.recognise(files) or {}
    options = CorpusOptions(task=task.name, path=files.root)
    return Recognised(task, keys, list_files(files, options))


def _only(files: CorpusFiles) -> tuple[Task, Keys]:
    answers = ((task, task.recognise(files)) for task in TASKS.values())
    found = [(task, keys) for task, keys in answers if keys is not None]
    if not found:
        known = "; ".join(f"{task.name}: {task.corpora}" for task in TASKS.values())
        raise InputError(
            f"{files.root}: no corpus of a known task, found {_kinds(files)}. There are {known}. "
            "Name another place, or the task with --task."
        )
    if len(found) > 1:
        names = " and ".join(task.name for task, _ in found)
        raise InputError(
            f"{files.root}: may be a corpus of {names}, found {_kinds(files)}; name one with --task."
        )
    return found[0]


def _kinds(files: CorpusFiles) -> str:
    """How many files there are of each kind, the most frequent first.

    A kind is what a name ends in, without compression.
    """
    ends = (splitext(content_name(file.name))[1].lower() for file in files.find(("",), True))
    counts = Counter(end or "without a suffix" for end in ends)
    shown = [f"{count} {end}" for end, count in counts.most_common(_KINDS_SHOWN)]
    more = counts.total() - sum(count for _, count in counts.most_common(_KINDS_SHOWN))
    return ", ".join([*shown, *([f"{more} others"] if more else [])]) or "no file"
