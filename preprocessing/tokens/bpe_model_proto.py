"""A byte-pair encoding as a SentencePiece model, which TensorFlow Text runs inside a graph.

The model is a protocol buffer message. Only a dozen of its fields matter here, so they are written
out by hand (https://protobuf.dev/programming-guides/encoding), with the numbers of
`sentencepiece_model.proto` in google/sentencepiece.
"""

import struct
from collections.abc import Mapping

_NORMAL_PIECE, _UNKNOWN_PIECE = 1, 2
_BPE_MODEL = 2
_NO_ID = -1


def bpe_model_proto(mergeable_ranks: Mapping[bytes, int], unknown_piece: str) -> bytes:
    """A serialised ModelProto whose ids are the ranks.

    SentencePiece works on characters, so each byte is one: byte b is the character U+00b, which
    makes a text ready for the model by reading its UTF-8 bytes as Latin-1. A piece's score is its
    rank with the sign turned, because the best score is merged first. Nothing is normalised.

    mergeable_ranks: the bytes of each token and its rank; the ranks are 0, 1, 2, ...
    unknown_piece: the name of the last piece, which SentencePiece wants for what no piece covers; the 256 single bytes
        cover everything, so it is never the result.
    """
    tokens = sorted(mergeable_ranks, key=mergeable_ranks.__getitem__)
    pieces = [
        _text(1, token.decode("latin-1")) + _float(2, -float(rank)) + _int(3, _NORMAL_PIECE)
        for rank, token in enumerate(tokens)
    ]
    pieces.append(_text(1, unknown_piece) + _float(2, 0.0) + _int(3, _UNKNOWN_PIECE))
    trainer = (
        _int(3, _BPE_MODEL)
        + _int(4, len(pieces))  # vocab_size
        + _int(40, len(tokens))  # unk_id
        + _int(41, _NO_ID)  # bos_id
        + _int(42, _NO_ID)  # eos_id
        + _text(45, unknown_piece)  # unk_piece
    )
    normalizer = (
        _text(1, "identity")
        + _int(3, False)  # add_dummy_prefix
        + _int(4, False)  # remove_extra_whitespaces
        + _int(5, False)  # escape_whitespaces
    )
    return (
        b"".join(_bytes(1, piece) for piece in pieces) + _bytes(2, trainer) + _bytes(3, normalizer)
    )


def _varint(value: int) -> bytes:
    """Base 128, lowest digit first; a negative number is written as its 64-bit two's complement."""
    value &= (1 << 64) - 1
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3 | 0) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode("utf-8"))


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)
