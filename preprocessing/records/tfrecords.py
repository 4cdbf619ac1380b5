"""TFRecord files, without TensorFlow.

A file is a sequence of: length (uint64, little-endian), masked CRC-32C of these 8 bytes (uint32),
the data, masked CRC-32C of the data (uint32); see tensorflow/core/lib/io/record_writer.h.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import google_crc32c

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")


def tfrecords_of(records: Iterable[bytes]) -> bytes:
    """The bytes of a file of these records; those of several files, one behind the other, are a file of all."""
    parts: list[bytes] = []
    for record in records:
        length = _LENGTH.pack(len(record))
        parts += (length, _CRC.pack(_masked_crc(length)), record, _CRC.pack(_masked_crc(record)))
    return b"".join(parts)


def read_tfrecords(file: BinaryIO) -> Iterator[bytes]:
    """The records of `file`, opened for binary reading, with both checksums of each compared.

    Raises ValueError naming the byte offset of a record that is damaged or cut off.
    """
    offset = 0
    while header := file.read(_LENGTH.size + _CRC.size):
        if len(header) < _LENGTH.size + _CRC.size:
            raise ValueError(f"TFRecord at byte {offset}: the file ends within the header")
        if not _matches(header[: _LENGTH.size], header[_LENGTH.size :]):
            raise ValueError(f"TFRecord at byte {offset}: the checksum of the length is wrong")
        (length,) = _LENGTH.unpack_from(header)
        record = file.read(length)
        checksum = file.read(_CRC.size)
        if len(checksum) < _CRC.size:
            raise ValueError(f"TFRecord at byte {offset}: the file ends within the record")
        if not _matches(record, checksum):
            raise ValueError(f"TFRecord at byte {offset}: the checksum of the data is wrong")
        yield record
        offset += len(header) + length + len(checksum)


def _matches(data: bytes, checksum: bytes) -> bool:
    return _CRC.pack(_masked_crc(data)) == checksum


def _masked_crc(data: bytes) -> int:
    """CRC-32C rotated and shifted, because a CRC of data that holds CRCs is weak."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
