"""Files that are there whole or not at all, on any file system that Beam knows."""

import json
import shutil
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from preprocessing.base.matching import delete


def write_atomically(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Let `write` fill a file that gets its name when it is complete."""
    replace_atomically(path, partial(_create, write=write))


def replace_atomically(path: str, make: Callable[[str], Any]) -> None:
    """Let `make` make a file under another name beside `path`, and give it that name when it is complete.

    A runner may try a bundle twice, also at the same time, so the unfinished file has a name of
    its own; it begins with a dot, so that no pattern for finished files finds it.
    """
    folder, name = FileSystems.split(path)
    unfinished = FileSystems.join(folder, f".{name}.{uuid.uuid4().hex}")
    try:
        make(unfinished)
        FileSystems.rename([unfinished], [path])
    except BaseException:
        if FileSystems.exists(unfinished):
            delete(unfinished)
        raise


def is_local(path: str) -> bool:
    """Whether a path is one of this machine's own file system."""
    return FileSystems.get_scheme(path) is None


def remove_folder(path: str) -> None:
    """Remove a folder with what is in it, if it is there."""
    if is_local(path):
        shutil.rmtree(path, ignore_errors=True)
    elif FileSystems.exists(path):
        delete(path)


def write_json_atomically(path: str, value: Any) -> None:
    """Write a JSON value for people to read: indented, in UTF-8."""
    content = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, partial(_write_text, text=content))


def _create(path: str, write: Callable[[BinaryIO], None]) -> None:
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        write(file)


def _write_text(file: BinaryIO, text: str) -> None:
    file.write(text.encode())
