"""How large the pages of a Parquet file are, which are decoded whole; what reads them says it nowhere.

Before each page stands its header, in the compact protocol of Thrift
(https://parquet.apache.org/docs/file-format/data-pages, https://thrift.apache.org): a field is a byte with its number
(less that of the field before) and its type, then its value. Of a header the first fields count: 2, the
bytes that the page has when it is decompressed, and 3, those that it has in the file.
"""

import io
from typing import Any, BinaryIO

_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 12
_NUMBERS = (4, 5, 6)
_HEADER_BYTES = 1 << 16
_UNCOMPRESSED, _COMPRESSED = 2, 3


def largest_page(file: BinaryIO, column: Any) -> int:
    """Bytes in the largest page of a column of a row group; column: its metadata. Raises ValueError."""
    place: int = column.dictionary_page_offset or column.data_page_offset
    end = place + column.total_compressed_size
    largest = 0
    while place < end:
        file.seek(place)
        header = io.BytesIO(file.read(min(_HEADER_BYTES, end - place)))
        try:
            fields = _read_struct(header)
            largest = max(largest, fields[_UNCOMPRESSED])
            compressed = fields[_COMPRESSED]
        except (KeyError, RecursionError) as error:
            raise ValueError("a page's header does not say how large the page is") from error
        if compressed < 0:
            raise ValueError("a page of less than no bytes")
        place += header.tell() + compressed
    return largest


def _read_struct(data: BinaryIO) -> dict[int, int]:
    """The whole numbers among the fields of a struct; all others are read past."""
    fields: dict[int, int] = {}
    number = 0
    while (head := _taken(data, 1)[0]) != _STOP:
        kind = head & 15
        number = number + (head >> 4) if head >> 4 else _zigzag(data)
        if kind in _NUMBERS:
            fields[number] = _zigzag(data)
        elif kind not in (_TRUE, _FALSE):
            _skip(data, kind)
    return fields


def _skip(data: BinaryIO, kind: int) -> None:
    """Read past a value that is no field of truth."""
    if kind in (_TRUE, _FALSE, _BYTE):
        _taken(data, 1)
    elif kind in _NUMBERS:
        _varint(data)
    elif kind == _DOUBLE:
        _taken(data, 8)
    elif kind == _BINARY:
        _taken(data, _varint(data))
    elif kind in (_LIST, _SET):
        head = _taken(data, 1)[0]
        for _ in range(head >> 4 if head >> 4 < 15 else _varint(data)):
            _skip(data, head & 15)
    elif kind == _STRUCT:
        _read_struct(data)
    else:
        raise ValueError(f"a page's header holds a field of the unknown type {kind}")


def _taken(data: BinaryIO, count: int) -> bytes:
    taken = data.read(min(count, _HEADER_BYTES))
    if len(taken) < count:
        raise ValueError("a page's header ends before its end")
    return taken


def _varint(data: BinaryIO) -> int:
    value = shift = 0
    while (byte := _taken(data, 1)[0]) & 128:
        value |= (byte & 127) << shift
        shift += 7
    return value | byte << shift


def _zigzag(data: BinaryIO) -> int:
    value = _varint(data)
    return value >> 1 ^ -(value & 1)
