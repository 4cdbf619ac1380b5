"""Folders of what can be made again, marked as such: backup programs leave out what is tagged (bford.info/cachedir)."""

from pathlib import Path

from preprocessing.base.staging import make_folder, write_whole

CACHE_TAG = "CACHEDIR.TAG"
_CONTENT = b"""Signature: 8a477f597d28d172789f06886806bc55
# What lies here is a cache of gpt2-tfx: it is made again when it is needed.
# For information about cache directory tags, see https://bford.info/cachedir/
"""


def make_cache_folder(folder: Path) -> Path:
    """Make a folder and its tag where they are missing; returns the folder. Raises InputError where it cannot."""
    make_folder(folder)
    if not (folder / CACHE_TAG).is_file():
        write_whole(folder / CACHE_TAG, _CONTENT)
    return folder
