"""Which files a corpus consists of, in the layouts in which users have them."""

from pathlib import Path

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import corpus_folder
from preprocessing.readers.source_file import SourceFile
from preprocessing.tasks.registry import TASKS

__all__ = ["SourceFile", "corpus_folder", "list_sources"]


def list_sources(root: Path, options: CorpusOptions) -> list[SourceFile]:
    """The sources of the corpus at `root`, a folder or a single file, in a fixed order.

    Raises InputError if the corpus is missing or empty, its layout is not one of the task's, a
    link leads out of it, or a file name is not UTF-8.
    """
    if not root.exists():
        raise InputError(
            f"{root}: no such file or folder; set corpus.path to the {options.task} corpus"
        )
    try:
        return TASKS[options.task].list_sources(root, options)
    except PermissionError as error:
        raise InputError(
            f"{error.filename}: permission denied; make the corpus readable"
        ) from error
