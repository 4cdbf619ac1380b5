"""Texts that are token ids already: `.npz` files of one-dimensional arrays of integers.

So do the tools write them that fine-tuned GPT-2 first (`np.savez_compressed`, an array a file or
several files in an array). Documents in an array are separated by GPT-2's end of text.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO

import numpy as np

from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import Drop, Fault

END_OF_TEXT_ID = 50_256

_IDS_AT_ONCE = 1 << 18
_BYTES_AN_ID = 4
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a way to compress that NumPy does not use
    RuntimeError,  # encrypted
    ValueError,  # a place before the start of the file, a name that is not UTF-8
    struct.error,
)


def is_archive(name: str) -> bool:
    """Whether the file's name is that of an archive of ids."""
    return name.lower().endswith(".npz")


def archived_ids(
    source: SourceFile, file: BinaryIO, most_bytes: int
) -> Iterator[tuple[int, np.ndarray] | Drop | Fault]:
    """The number, from 1 on, and the ids of each document, int [n], or why there are none.

    An array is dropped if it is not one of integers (`wrong_type`), not one-dimensional (`wrong_shape`) or without an
    id (`empty`), a document if it has an id below 0 (`negative_id`), one that no vocabulary has (`unknown_id`), or more
    than `most_bytes` at 4 bytes an id (`too_large`). Arrays are read as a stream, nothing is unpickled, and no more is
    decompressed than a document may have; a damaged file is a Fault.
    """
    number = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                with archive.open(member) as content:
                    for found in _documents(content, most_bytes // _BYTES_AN_ID):
                        number += 1
                        if isinstance(found, tuple):
                            reason, detail = found
                            yield source.row_drop(number, reason, f"{member.filename}: {detail}")
                        else:
                            yield number, found
    except _DAMAGED as error:
        yield Fault(f"{source.name}: cannot be read as .npz: {error}; write the file again")


def _documents(content: IO[bytes], most: int) -> Iterator[np.ndarray | tuple[str, str]]:
    """The ids of each document of an array, int [n], or the reason and detail of a drop."""
    try:
        header = _HEADERS[np.lib.format.read_magic(content)]
        shape, _, dtype = header(content)
    except (ValueError, KeyError) as error:
        yield "wrong_type", f"no array of NumPy: {error}"
        return
    if dtype.kind not in "iu":
        yield "wrong_type", f"an array of {dtype}, not of integers"
    elif len(shape) != 1:
        yield "wrong_shape", f"an array of {len(shape)} dimensions, not of one"
    elif shape[0] < 1:
        yield "empty", "an array without an id"
    else:
        for ids in _split(content, dtype, shape[0], most):
            if ids is None:
                yield "too_large", f"a document of more than {most} ids (max_record_bytes)"
            elif ids.min() < 0:
                yield "negative_id", f"holds the id {ids.min()}"
            elif ids.max() >= 2**31:
                yield "unknown_id", f"holds the id {ids.max()}"
            else:
                yield ids


def _split(
    content: IO[bytes], dtype: np.dtype, count: int, most: int
) -> Iterator[np.ndarray | None]:
    """The documents between ends of text, None for one of more than `most` ids; empty ones are none."""
    parts: list[np.ndarray] = []
    size = 0
    while count:
        wanted = min(count, _IDS_AT_ONCE)
        data = content.read(wanted * dtype.itemsize)
        if len(data) < wanted * dtype.itemsize:
            raise EOFError("an array ends before its last id")
        ids = np.frombuffer(data, dtype)
        count -= wanted
        start = 0
        for end in [*np.flatnonzero(ids == END_OF_TEXT_ID).tolist(), wanted]:
            size += end - start
            parts = [*parts, ids[start:end]] if size <= most else []
            if size and (end < wanted or not count):
                yield np.concatenate(parts) if size <= most else None
            if end < wanted:
                parts, size = [], 0
            start = end + 1
