"""Files that are there whole or not at all, on any file system that Beam knows."""

import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems


def write_atomically(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Let `write` fill a file that gets its name when it is complete.

    A runner may try a bundle twice, also at the same time, so the unfinished file has a name of
    its own; it begins with a dot, so that no pattern for finished files finds it.
    """
    folder, name = FileSystems.split(path)
    unfinished = FileSystems.join(folder, f".{name}.{uuid.uuid4().hex}")
    try:
        with FileSystems.create(unfinished, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            write(file)
        FileSystems.rename([unfinished], [path])
    finally:
        if FileSystems.exists(unfinished):
            FileSystems.delete([unfinished])


def write_json_atomically(path: str, value: Any) -> None:
    """Write a JSON value for people to read: indented, in UTF-8."""
    content = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, partial(_write_text, text=content))


def _write_text(file: BinaryIO, text: str) -> None:
    file.write(text.encode())
