"""Whether a pushed version that lies anywhere is what was pushed: by its own statement of files, without a store."""

import re
from pathlib import Path

from pipeline.lineage.hashing import hashed_files
from pipeline.lineage.verification import Verification
from pipeline.manifests import Mismatch
from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json
from serving.checksums import CHECKSUMS, files_of_version, read_checksums
from serving.versions import ADDED_LATER, PROVENANCE

# The newest statement of provenance that this version knows.
_NEWEST = 2


def verify_copy(folder: Path) -> Verification:
    """Hash every file of a folder and compare with what its own statement says.

    Raises InputError where it has none, or one that a newer version made.
    """
    stated = read_checksums(folder)
    _check_age(folder / PROVENANCE)
    present = dict(files_of_version(folder))
    actual = hashed_files({path for path in present.values() if not path.is_symlink()})
    mismatches = []
    for name in sorted({*stated, *present} - {CHECKSUMS, *ADDED_LATER}):
        path = folder / name
        found = "a symbolic link" if path.is_symlink() else actual.get(path, "")
        if found != stated.get(name, ""):
            mismatches.append(Mismatch(str(path), stated.get(name, ""), found))
    return Verification(
        len(actual), tuple(mismatches), (), (), ("what it was made of: no store knows it here",)
    )


def _check_age(provenance: Path) -> None:
    try:
        statement = parse_json(provenance.read_bytes())["statement"]
        match = re.fullmatch(r"gpt2-tfx provenance (\d+)", statement)
    except (OSError, ValueError, LookupError, TypeError):
        return  # Then its digest, or that it is missing, says so.
    if match and int(match[1]) > _NEWEST:
        raise InputError(
            f"{provenance}: a statement of version {match[1]}, and this version of gpt2-tfx knows up to {_NEWEST}."
        )
