"""Whether a pushed version that lies anywhere is what was pushed: by its own statement of files, without a store."""

import re
from pathlib import Path

from pipeline.lineage.hashing import hashed_files
from pipeline.lineage.verification import Verification
from pipeline.manifests import Mismatch
from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json
from serving.checksums import differing_files, files_of_version, read_checksums
from serving.versions import PROVENANCE

# The newest statement of provenance that this version knows.
_NEWEST = 2


def verify_copy(folder: Path) -> Verification:
    """Hash every file of a folder and compare with what its own statement says.

    Raises InputError where it has none, or one that a newer version made.
    """
    read_checksums(folder)
    _check_age(folder / PROVENANCE)
    mismatches = tuple(
        Mismatch(str(folder / each.name), each.stated, each.found)
        for each in differing_files(folder, hashed_files)
    )
    checked = sum(not path.is_symlink() for _, path in files_of_version(folder))
    return Verification(
        checked, mismatches, (), (), ("what it was made of: no store knows it here",)
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
