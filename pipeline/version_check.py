"""Whether a folder is the version that was pushed, before it is served."""

from pathlib import Path
from typing import Literal, get_args

from pipeline.lineage.copied import verify_copy
from preprocessing.base.errors import FailureError, InputError
from serving.checksums import CHECKSUMS, differing_files

Check = Literal["off", "stat", "full"]
CHECKS: tuple[Check, ...] = get_args(Check)
_SHOWN = 5


def check_version(folder: Path, how: Check) -> str | None:
    """Compare a folder's files with those that it states; what could not be checked is returned, in words.

    how: `stat` looks whether each is there and none is too many, `full` hashes every one.
    Raises FailureError naming what differs, and InputError where `full` finds no list of files.
    """
    if how == "off":
        return None
    if not (folder / CHECKSUMS).is_file():
        if how == "full":
            raise InputError(
                f"--verify full: {folder} has no {CHECKSUMS}, so that nothing says what its files should be. "
                "Serve a pushed version, or use --verify off."
            )
        return f"{folder} has no {CHECKSUMS}: nothing could be checked"
    if how == "full":
        found = [mismatch.path for mismatch in verify_copy(folder).mismatches]
    else:
        found = [str(folder / each.name) for each in differing_files(folder)]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise FailureError(
            f"{folder}: not what was pushed: {', '.join(found[:_SHOWN])}{more}. "
            "`gpt2-tfx lineage verify` says what differs; push the model again, or serve another version."
        )
    return None
