"""A store of objects in this process' memory, which Beam finds by its scheme: `mem://bucket/name`.

As in a real one there are no folders and nothing can be renamed; an object is there when its upload has ended.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem


class _Upload(io.BytesIO):
    def __init__(self, objects: dict[str, bytes], name: str) -> None:
        super().__init__()
        self._objects, self._name = objects, name

    def close(self) -> None:
        if not self.closed:
            self._objects[self._name] = self.getvalue()
        super().close()


class MemoryStore(FileSystem):
    """The file system. objects: what all of its stores hold. written, opened: their names as they were asked for."""

    objects: ClassVar[dict[str, bytes]] = {}
    written: ClassVar[list[str]] = []
    opened: ClassVar[list[str]] = []

    @classmethod
    def scheme(cls) -> str:
        return "mem"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        folder, _, name = path.rpartition("/")
        return folder, name

    def mkdirs(self, path: str) -> None:
        raise NotImplementedError("a store of objects has no folders")

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for name in list(self.objects):
            if name.startswith(dir_or_prefix):
                yield self.metadata(name)

    def create(
        self,
        path: str,
        mime_type: str = "application/octet-stream",
        compression_type: str = CompressionTypes.AUTO,
    ) -> BinaryIO:
        assert compression_type == CompressionTypes.UNCOMPRESSED
        self.written.append(path)
        return _Upload(self.objects, path)

    def open(
        self,
        path: str,
        mime_type: str = "application/octet-stream",
        compression_type: str = CompressionTypes.AUTO,
    ) -> BinaryIO:
        assert compression_type == CompressionTypes.UNCOMPRESSED
        self.opened.append(path)
        if path not in self.objects:
            raise FileNotFoundError(path)
        return io.BufferedReader(io.BytesIO(self.objects[path]))

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        raise NotImplementedError

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        raise NotImplementedError("a store of objects renames nothing")

    def exists(self, path: str) -> bool:
        return path in self.objects

    def size(self, path: str) -> int:
        return len(self.objects[path])

    def last_updated(self, path: str) -> float:
        raise NotImplementedError

    def checksum(self, path: str) -> str:
        raise NotImplementedError

    def metadata(self, path: str) -> FileMetadata:
        if path not in self.objects:
            raise BeamIOError(f"no object {path}")
        return FileMetadata(path, len(self.objects[path]), 0.0)

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            del self.objects[path]

    def report_lineage(self, path: str, lineage: Any) -> None:
        """Not asked for."""


def put(place: str, files: dict[str, bytes]) -> None:
    """Put files by their names beneath a place."""
    MemoryStore.objects.update({f"{place}/{name}": data for name, data in files.items()})


def objects_in(place: str) -> dict[str, bytes]:
    """The objects beneath a place by their names there."""
    prefix = f"{place}/"
    found = MemoryStore.objects.items()
    return {name.removeprefix(prefix): data for name, data in found if name.startswith(prefix)}
