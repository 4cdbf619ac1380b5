"""The tasks by name, and which files a corpus of one consists of, in the layouts in which users have them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from types import MappingProxyType

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.readers import table_pieces
from preprocessing.readers.file_names import is_compressed
from preprocessing.readers.listing import CorpusFiles, answered
from preprocessing.readers.source_file import Corpus
from preprocessing.readers.sources import Sources
from preprocessing.tasks import cnn_dailymail, coqa, text
from preprocessing.tasks.task import Task

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (cnn_dailymail.TASK, coqa.TASK, text.TASK)}
)


def task_named(name: str) -> Task:
    """The task that `--task` names. Raises InputError for none."""
    if name not in TASKS:
        raise InputError(f"--task {name}: unknown; there are {', '.join(TASKS)}.")
    return TASKS[name]


def list_files(files: CorpusFiles, options: CorpusOptions) -> Sources:
    """The sources of a corpus as whole files, in a fixed order, by what is known without reading them.

    Raises InputError if the corpus is missing or empty, its layout is not one of the task's, a
    link leads out of it, or a file name is not UTF-8.
    """
    with permitted(), answered(files.root):
        if not files.exists():
            raise InputError(
                f"{files.root}: no such file or folder; set corpus.path to the {options.task} corpus"
            )
        return TASKS[options.task].list_files(files, options)


@contextmanager
def permitted() -> Iterator[None]:
    """A context in which a folder that may not be read is an InputError."""
    try:
        yield
    except PermissionError as error:
        raise InputError(
            f"{error.filename}: permission denied; make the corpus readable"
        ) from error
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename}: is gone since it was listed; run again when nothing changes the corpus"
        ) from error


def look_into(files: Sources, corpus: Corpus) -> Sources:
    """Whole files in the pieces that they are seen to have when they are looked into."""
    look = TASKS[corpus.options.task].look
    in_pieces = {}
    for place, (name, size, _) in enumerate(files.measures()):
        # A small file has no pieces. Of most corpora that is every file, and there may be millions.
        if size > table_pieces.PIECE_BYTES or is_compressed(name.decode()):
            file = files[place]
            if (pieces := look(file, corpus)) != [file]:
                in_pieces[place] = pieces
    if not in_pieces:
        return files
    return Sources(
        chain.from_iterable(in_pieces.get(place, [file]) for place, file in enumerate(files))
    )


def list_sources(root: str | os.PathLike[str], options: CorpusOptions) -> Sources:
    """The sources of the corpus at `root`, a folder or a single file, in the order and in the pieces that are read.

    Raises InputError as `list_files` does.
    """
    files = CorpusFiles(root)
    corpus = Corpus(files.open, options)
    return TASKS[options.task].cut(look_into(list_files(files, options), corpus), corpus)
