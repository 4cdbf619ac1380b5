"""From bytes or values to text, or the reason why not."""

import codecs

from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import TEXT_SHOWN, Drop

_LOOKED_AT = 4096

# What a file may begin with to say its encoding; that of UTF-32 begins as that of UTF-16 does.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32 (little-endian)",
    codecs.BOM_UTF32_BE: "UTF-32 (big-endian)",
    codecs.BOM_UTF16_LE: "UTF-16 (little-endian)",
    codecs.BOM_UTF16_BE: "UTF-16 (big-endian)",
}

# Encodings that texts are found in, by the name of Python, as people know them.
_ENCODINGS = {
    "cp1252": "Windows-1252 (Western Europe)",
    "mac_roman": "Mac OS Roman",
    "cp1250": "Windows-1252 or 1250 (Western or Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp932": "Shift JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "euc_kr": "EUC-KR (Korean)",
}


def decode_text(data: bytes, source: SourceFile, record_id: str) -> str | Drop:
    """`data`, the bytes of `source`, as text: strict UTF-8, `\\n` line ends, no byte order mark.

    Bytes that are not UTF-8 (reason `not_utf8`) and NUL bytes (`nul_bytes`: a binary file, or
    UTF-16 in disguise) make a Drop that names the likely encoding, and the first byte concerned by its
    place in the file.
    """
    nul = data.find(b"\0")
    if nul >= 0:
        likely = _likely_encoding(data)
        remedy = f"; most likely {likely}, save it as UTF-8" if likely else ""
        detail = f"NUL at byte {source.start + nul}{remedy}"
        return Drop("nul_bytes", source.name, record_id, detail).beginning(_legible(data))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"byte {source.start + error.start} is {why_not_utf8(data, error.start)}"
        return Drop("not_utf8", source.name, record_id, detail).beginning(_legible(data))
    if source.start == 0:
        text = text.removeprefix("\ufeff")
    return normalise_line_ends(text)


def _legible(data: bytes) -> str:
    return data[:TEXT_SHOWN].decode("utf-8", "replace")


def why_not_utf8(data: bytes, place: int) -> str:
    """The byte at a place where bytes are not UTF-8, what they most likely are, and what to do.

    Where most of what is no ASCII is UTF-8, they are damaged and in no other encoding.
    """
    byte = f"0x{data[place]:02x}"
    near = data[max(0, place - _LOOKED_AT) : place + _LOOKED_AT]
    text = near.decode("utf-8", "surrogateescape")
    wrong = sum("\udc80" <= character <= "\udcff" for character in text)
    if sum(character > "\x7f" for character in text) > 2 * wrong:
        return f"{byte}: damaged, for the rest is UTF-8; mend it there"
    likely = _likely_encoding(near)
    return f"{byte}: {f'most likely {likely}' if likely else 'not UTF-8'}; save it as UTF-8"


def _likely_encoding(data: bytes) -> str | None:
    """The encoding in which bytes that are not UTF-8 most likely are; None where none is likely."""
    head = data[:_LOOKED_AT]
    if marked := next((name for mark, name in _MARKS.items() if head.startswith(mark)), None):
        return marked
    for encoding, nul in (("UTF-16 (little-endian)", 1), ("UTF-16 (big-endian)", 0)):
        if head.count(0) > len(head) // 4 and head[nul::2].count(0) > 2 * head[1 - nul :: 2].count(
            0
        ):
            return encoding
    if 0 in head:
        return None
    # Only here: hardly a corpus needs it, and it takes its time to import.
    from charset_normalizer import from_bytes

    found = from_bytes(head, cp_isolation=list(_ENCODINGS)).best()
    if found is None:
        return None
    # What several encodings read alike is most often in the first of them.
    return next(name for key, name in _ENCODINGS.items() if key in found.could_be_from_charset)


def normalise_line_ends(text: str) -> str:
    """The line ends of Windows and of old Macs as `\\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
