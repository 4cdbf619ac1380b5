"""Leaving documents out by name: `corpus.exclude` and `corpus.exclude_file`."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.records.record import Drop, Fault, Outcome

EXCLUDED = "excluded"


def with_exclude_file(root: Path, options: CorpusOptions) -> CorpusOptions:
    """The options with the lines of `exclude_file` in `exclude`.

    The file lies in the corpus' folder, because what a run depends on is found by the digest of the
    corpus. Raises InputError if it is not there, cannot be read or is not UTF-8.
    """
    if options.exclude_file is None:
        return options
    remedy = "set corpus.exclude_file to the name of a file in the corpus' folder"
    if not root.is_dir():
        raise InputError(
            f"corpus.exclude_file {options.exclude_file!r}: the corpus is the single file {root}; "
            "put it into a folder with the other and name that, or list the ids in corpus.exclude"
        )
    path = root / options.exclude_file
    if any(part.startswith(".") for part in Path(options.exclude_file).parts if part != ".."):
        raise InputError(
            f"corpus.exclude_file {options.exclude_file!r}: hidden, and no digest of the corpus covers "
            "hidden files; give it a name that does not begin with a dot"
        )
    if not path.resolve().is_relative_to(root.resolve()):
        raise InputError(f"corpus.exclude_file {options.exclude_file!r}: outside {root}; {remedy}")
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(
            f"corpus.exclude_file {options.exclude_file!r}: cannot be read: {error}; {remedy}"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from error
    named = [line.strip() for line in lines if line.strip()]
    return replace(options, exclude=[*options.exclude, *named])


def exclude_source(name: str) -> Drop:
    """What becomes of a file that is left out as a whole."""
    return Drop(EXCLUDED, name, name, f"corpus.exclude names {name}")


def exclude(outcomes: Iterable[Outcome], excluded: frozenset[str]) -> Iterator[Outcome]:
    """The outcomes, with a Drop for each that belongs to an excluded id, whatever became of it.

    An id with `#` and a number, which is one of several records of a story or a row of a table, is
    also excluded by what stands before.
    """
    for outcome in outcomes:
        name = _name_in(excluded, outcome) if excluded else None
        if name is None or isinstance(outcome, Fault):
            yield outcome
        else:
            yield Drop(EXCLUDED, outcome.source, outcome.id, f"corpus.exclude names {name}")


def _name_in(excluded: frozenset[str], outcome: Outcome) -> str | None:
    """The name by which an outcome is excluded, None if it is not."""
    if isinstance(outcome, Fault):
        return None
    if outcome.id in excluded:
        return outcome.id
    whole, _, number = outcome.id.rpartition("#")
    return whole if number.isdecimal() and whole in excluded else None
