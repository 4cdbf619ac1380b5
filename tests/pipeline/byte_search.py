"""Looking for a text in every byte of a folder, in whatever it may be packed."""

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import zstandard


def forms_of(text: str, ids: Sequence[int]) -> list[bytes]:
    """A text and its token ids as they may be written: encodings, JSON, varints of a protocol buffer, arrays."""
    quoted = json.dumps(text)[1:-1]
    encodings = [text.encode(), text.encode("utf-16-le"), quoted.encode()]
    arrays = [struct.pack(f"{order}{len(ids)}{kind}", *ids) for order in "<>" for kind in "Hiq"]
    lists = [separator.join(map(str, ids)).encode() for separator in (", ", ",", " ", "\n")]
    return list(dict.fromkeys([*encodings, b"".join(map(_varint, ids)), *arrays, *lists]))


def places_of(folder: Path, forms: Sequence[bytes]) -> list[str]:
    """The files beneath a folder, relative to it, that hold any of the forms, also when they are unpacked."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and holds(path.read_bytes(), forms)
    )


def holds(content: bytes, forms: Sequence[bytes]) -> bool:
    """Whether bytes hold any of the forms, or what is packed in them does."""
    lines = content.replace(b"\\n", b"\n")
    return any(form in content or form in lines for form in forms) or any(
        holds(part, forms) for part in _unpacked(content)
    )


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _unpacked(content: bytes) -> Iterator[bytes]:
    """What an archive, a compressed file, a database or a file of records has within."""
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    elif content.startswith(b"\x28\xb5\x2f\xfd"):
        yield zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
    elif content.startswith(b"BZh"):
        yield bz2.decompress(content)
    elif content.startswith(b"\xfd7zXZ"):
        yield lzma.decompress(content)
    elif content[:1] == b"\x78" and len(content) > 2 and int.from_bytes(content[:2]) % 31 == 0:
        try:
            yield zlib.decompress(content)
        except zlib.error:
            return
    elif content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif content.startswith(b"SQLite format 3\0"):
        yield from _cells(content)
    else:
        yield from _records(content)


def _cells(content: bytes) -> Iterator[bytes]:
    """The values of a database: one longer than a page lies in pieces in its file."""
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(content)
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    if isinstance(cell, (str, bytes)):
                        yield cell.encode() if isinstance(cell, str) else cell
    finally:
        database.close()


def _records(content: bytes) -> Iterator[bytes]:
    """The records of a TFRecord file that are themselves packed; plain ones lie in it as they are."""
    at = 0
    while at + 16 <= len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        if at + 16 + length > len(content):
            return
        record = content[at + 12 : at + 12 + length]
        if record[:2] in (b"\x1f\x8b", b"\x78\x9c", b"\x28\xb5"):
            yield record
        at += 16 + length
