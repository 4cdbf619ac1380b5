"""What records are called, where their release has no name for them: by their content, never by their place.

    0f343b0931126a20f133d67c2b018a3b        the first half of the SHA-256 of what the record is made of, before cleaning
    0f343b0931126a20f133d67c2b018a3b~2      the second record of the same content
    0f343b0931126a20f133d67c2b018a3b~2#1    its first summary, where each highlight is a record

So a row that is put before others renames none of them and moves none to another split.
"""

import re

_DIGITS = 32
_PLACE = re.compile(
    r"(?:.+\.(?:jsonl|csv|parquet|npz)(?:\.gz)?)#(?:\d+|[0-9a-f]{32})|.+\.txt(?:\.gz)?@\d+"
)


def content_id(digest: str) -> str:
    """The id of a record without a name; digest: SHA-256 of its content, in hexadecimal digits."""
    return digest[:_DIGITS]


def is_content_id(record_id: str, digest: str) -> bool:
    """Whether a record with this digest has this id because it has no name."""
    return record_id.partition("#")[0] == content_id(digest)


def numbered(record_id: str, number: int) -> str:
    """The id of the record that is the `number`-th of its content.

    >>> numbered("0f34#1", 2)
    '0f34~2#1'
    """
    content, mark, summary = record_id.partition("#")
    return f"{content}~{number}{mark}{summary}"


def names_of(record_id: str) -> tuple[str, ...]:
    """The id and the names of the groups it is in: all summaries of its story, all records of its content.

    >>> names_of("a.b#2"), names_of("0f343b0931126a20f133d67c2b018a3b~2")
    (('a.b#2', 'a.b'), ('0f343b0931126a20f133d67c2b018a3b~2', '0f343b0931126a20f133d67c2b018a3b'))
    """
    names = [record_id]
    whole, mark, number = record_id.rpartition("#")
    if mark and number.isdecimal():
        names.append(whole)
    content, _, number = names[-1].rpartition("~")
    if number.isdecimal() and len(content) == _DIGITS:
        names.append(content)
    return tuple(names)


def is_place(name: str) -> bool:
    """Whether a name is an id of earlier versions that says where a record is, as `table.jsonl#17`.

    >>> is_place("a/rows.jsonl.gz#17"), is_place("book.txt@500"), is_place("a story#2")
    (True, True, False)
    """
    return _PLACE.fullmatch(name) is not None
