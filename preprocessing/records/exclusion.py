"""Leaving documents out by name: `corpus.exclude` and `corpus.exclude_file`."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from preprocessing.base.errors import InputError
from preprocessing.base.places import is_folder, is_local, joined, open_file
from preprocessing.base.utf8 import decoded
from preprocessing.options import CorpusOptions
from preprocessing.records.ids import is_place, names_of
from preprocessing.records.record import Drop

EXCLUDED = "excluded"
_REMEDY = "set corpus.exclude_file to the name of a file in the corpus' folder"


def with_exclude_file(root: str | os.PathLike[str], options: CorpusOptions) -> CorpusOptions:
    """The options with the lines of `exclude_file` in `exclude`.

    The file lies in the corpus' folder, because what a run depends on is found by the digest of the
    corpus. Raises InputError if it is not there, cannot be read or is not UTF-8, and for a name that
    says where a record is, not what it is.
    """
    check_names("corpus.exclude", options.exclude)
    if options.exclude_file is None:
        return options
    place = exclude_file_place(root, options.exclude_file)
    try:
        with open_file(place) as file:
            lines = decoded(file.read()).splitlines()
    except OSError as error:
        raise InputError(
            f"corpus.exclude_file {options.exclude_file!r}: cannot be read: {error}; {_REMEDY}"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: byte {error.start} is not UTF-8; save it as UTF-8") from error
    named = [line.strip() for line in lines if line.strip()]
    check_names(place, named)
    return replace(options, exclude=[*options.exclude, *named])


def exclude_file_place(root: str | os.PathLike[str], exclude_file: str) -> str:
    """Where the file lies, be it there or not. Raises InputError for one that is not in a corpus' folder, or hidden."""
    corpus = os.fspath(root)
    if not is_folder(corpus):
        raise InputError(
            f"corpus.exclude_file {exclude_file!r}: the corpus is the single file {root}; "
            "put it into a folder with the other and name that, or list the ids in corpus.exclude"
        )
    if any(part.startswith(".") for part in Path(exclude_file).parts if part != ".."):
        raise InputError(
            f"corpus.exclude_file {exclude_file!r}: hidden, and no digest of the corpus covers "
            "hidden files; give it a name that does not begin with a dot"
        )
    if not _lies_within(corpus, exclude_file):
        raise InputError(f"corpus.exclude_file {exclude_file!r}: outside {root}; {_REMEDY}")
    return joined(corpus, exclude_file)


def exclusion(record_id: str, source: str, excluded: frozenset[str]) -> Drop | None:
    """What becomes of a record or a drop whose id, or a group of it, is named; None if it is not.

    Who names one of several records of the same content names them all.
    """
    if not excluded:
        return None
    for name in names_of(record_id):
        if name in excluded:
            return Drop(EXCLUDED, source, record_id, f"corpus.exclude names {name}")
    return None


def _lies_within(folder: str, name: str) -> bool:
    if is_local(folder):
        return Path(folder, name).resolve().is_relative_to(Path(folder).resolve())
    return not name.startswith("/") and ".." not in name.split("/")


def check_names(where: str, names: Iterable[str]) -> None:
    """Raise InputError for a name that says where a record is. where: what has the names."""
    places = [name for name in names if is_place(name)]
    if places:
        raise InputError(
            f"{where}: {places[0]!r} says where a record is, which changes with every line before it; "
            "name the record's own id, which follows from its content: the corpus index "
            "(Split-*/*.jsonl) has it beside source and position"
            + (f". There are {len(places)} such names." if len(places) > 1 else ".")
        )
