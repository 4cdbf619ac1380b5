"""From bytes or values to text, or the reason why not."""

from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import Drop


def decode_text(data: bytes, source: SourceFile, record_id: str) -> str | Drop:
    """`data`, the bytes of `source`, as text: strict UTF-8, `\\n` line ends, no byte order mark.

    Bytes that are not UTF-8 (reason `not_utf8`) and NUL bytes (`nul_bytes`: a binary file, or
    UTF-16 in disguise) make a Drop that names the first byte concerned by its place in the file.
    """
    nul = data.find(b"\0")
    if nul >= 0:
        return Drop("nul_bytes", source.name, record_id, f"NUL at byte {source.start + nul}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = f"byte {source.start + error.start} is 0x{data[error.start]:02x}"
        return Drop("not_utf8", source.name, record_id, f"{place}: {error.reason}")
    if source.start == 0:
        text = text.removeprefix("\ufeff")
    return normalise_line_ends(text)


def normalise_line_ends(text: str) -> str:
    """The line ends of Windows and of old Macs as `\\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def printable(text: str) -> str:
    """`text` with "?" for half surrogate pairs, which no report could write."""
    return text.encode("utf-8", "replace").decode()
