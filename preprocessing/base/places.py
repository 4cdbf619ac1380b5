"""Places of files: paths of this machine, or names in any file system that Beam knows (`s3://bucket/prefix`).

A place is a string all the way: as a Path, `s3://bucket` would be `s3:/bucket`. In a store of objects there are no
folders, only names that begin alike, and nothing is renamed: a file is there when it has been written to its end.

Beam is imported where a place is not of this machine, and for matching: who looks at one file here need not wait.
"""

import glob
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from preprocessing.base.staging import write_whole

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata
    from apache_beam.io.filesystems import FileSystems

_SCHEME = re.compile(r"([a-zA-Z][-a-zA-Z0-9+.]*)://")


def is_local(place: str) -> bool:
    """Whether a place is on this machine, in its own file system."""
    return _SCHEME.match(place) is None


def joined(folder: str, name: str) -> str:
    """The place of a name in a folder."""
    if is_local(folder):
        return os.path.join(folder, name)
    joined_name: str = _file_systems().join(folder, name)
    return joined_name


def split(place: str) -> tuple[str, str]:
    """The folder of a file and its name."""
    if is_local(place):
        return os.path.split(os.path.abspath(place))
    folder, name = _file_systems().split(place)
    return folder, name


def is_folder(place: str) -> bool:
    """Whether a place is a folder; in a store of objects, whether there is an object beneath it."""
    if is_local(place):
        return os.path.isdir(place)
    (found,) = _file_systems().match([_pattern(place, "**")], limits=[1])
    return bool(found.metadata_list)


def size_of(place: str) -> int | None:
    """The bytes of a file, None where there is none."""
    if is_local(place):
        return os.path.getsize(place) if os.path.exists(place) else None
    (found,) = _file_systems().match([glob.escape(place)])
    return found.metadata_list[0].size_in_bytes if found.metadata_list else None


def open_file(place: str) -> BinaryIO:
    """The file, opened for binary reading, whatever its name ends in; it can be sought in."""
    if is_local(place):
        return open(place, "rb")
    if place.startswith("s3://"):
        from preprocessing.base.s3 import open_object

        return open_object(place)
    from apache_beam.io.filesystem import CompressionTypes

    return _file_systems().open(place, compression_type=CompressionTypes.UNCOMPRESSED)


def write_file(place: str, content: bytes) -> None:
    """Write a file in one step, also over one that is there; here its folder is made. What fails leaves nothing new."""
    if is_local(place):
        write_whole(Path(place), content)
    elif place.startswith("s3://"):
        from preprocessing.base.s3 import put_object

        put_object(place, content)
    else:
        from apache_beam.io.filesystem import CompressionTypes

        with _file_systems().create(place, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            file.write(content)


def write_json(place: str, value: Any) -> None:
    """Write a JSON value for people to read: indented, in UTF-8."""
    write_file(place, f"{json.dumps(value, indent=2, ensure_ascii=False)}\n".encode())


def files_matching(folder: str, *patterns: str) -> "list[FileMetadata]":
    """The files below a folder whose parts match the patterns, one for each part, by name; `**` is any number of parts.

    The folder's own name may look like a pattern: `exp [1]`, `what?`.
    """
    (match,) = _file_systems().match([_pattern(folder, *patterns)])
    return sorted(match.metadata_list, key=lambda metadata: metadata.path)


def remove_folder(folder: str) -> None:
    """Remove a folder with what is in it, if it is there."""
    if is_local(folder):
        shutil.rmtree(folder, ignore_errors=True)
    elif found := files_matching(folder, "**"):
        _file_systems().delete([metadata.path for metadata in found])


def _pattern(folder: str, *patterns: str) -> str:
    return _file_systems().join(glob.escape(folder), *patterns)


def _file_systems() -> "type[FileSystems]":
    from apache_beam.io.filesystems import FileSystems

    return FileSystems


@contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """A path for libraries that take what looks like a pattern for one: TensorFlow looks for `exp [1]` as `exp 1`.

    It is `path` itself, or leads to the same folder, file or prefix of files by a link that is there until the end.
    """
    if not glob.has_magic(str(path)):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        is_folder = path.is_dir()
        link = Path(folder, "link")
        link.symlink_to((path if is_folder else path.parent).resolve())
        yield link if is_folder else link / path.name
