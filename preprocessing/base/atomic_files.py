"""Files that are there whole or not at all, on any file system that Beam knows."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from preprocessing.base.places import is_local
from preprocessing.base.s3 import put_object


def write_atomically(place: str, content: bytes) -> None:
    """Write a file in one step, also over one that is there; here its folder is made."""
    if is_local(place):
        replace_atomically(place, lambda unfinished: Path(unfinished).write_bytes(content))
    else:
        _upload(place, content)


def replace_atomically(path: str, make: Callable[[str], Any]) -> None:
    """Let `make` make a file under another name beside `path`, and give it that name when it is complete.

    A runner may try a bundle twice, also at the same time, so the unfinished file has a name of
    its own; it begins with a dot, so that no pattern for finished files finds it.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        make(str(unfinished))
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_json_atomically(place: str, value: Any) -> None:
    """Write a JSON value for people to read: indented, in UTF-8."""
    content = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_atomically(place, content.encode())


def _upload(place: str, content: bytes) -> None:
    """An upload that fails leaves no object, and the one before it as it was."""
    if FileSystems.get_scheme(place) == "s3":
        put_object(place, content)
        return
    with FileSystems.create(place, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(content)
