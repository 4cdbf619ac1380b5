"""UTF-8 as files have it, and what no file can have."""


def decoded(data: bytes) -> str:
    """The text that a whole file holds, without a byte order mark.

    Raises UnicodeDecodeError with the place of a byte in the file; Python's `utf-8-sig` counts from behind the mark.
    """
    return data.decode().removeprefix("\ufeff")


def printable(text: str) -> str:
    """`text` with "?" for half surrogate pairs, which no report could write."""
    return text.encode("utf-8", "replace").decode()
