"""The files of a text corpus."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.readers.compression import READ_ERRORS, is_compressed, open_content
from preprocessing.readers.globs import matches
from preprocessing.readers.listing import (
    apple_double,
    corpus_folder,
    find_files,
    or_compressed,
    split_by_name,
)
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.table_pieces import table_pieces
from preprocessing.readers.tables import TABLES, is_table
from preprocessing.readers.token_archives import is_archive
from preprocessing.tasks.text_cuts import cut_file, cut_stream

# The last two are those of WikiText, whose files are called wiki.train.raw or wiki.train.tokens.
_TEXTS = (
    ".txt",
    *(f".{split}.{kind}" for split in ("train", "valid", "test") for kind in ("raw", "tokens")),
)
_SUFFIXES = (*or_compressed(*_TEXTS), *TABLES, ".npz")
_COUNTED_AT_ONCE = 1 << 20


def list_texts(root: Path, options: CorpusOptions) -> list[SourceFile]:
    """A text file, or all in a folder and its folders: `.txt` ones and large tables in pieces.

    The `.txt` files, one after the other, are cut into contiguous splits. Not part of that stream are those of
    which the release says the split, excluded ones, tables and archives of ids, and any text where a separator
    parts documents. Compressed files are decompressed to know where to cut. Raises InputError where there is
    nothing, or a compressed file is broken.
    """
    pattern = options.text_files or "**"
    listed = os.path.normpath(options.exclude_file) if options.exclude_file else None
    skipped: list[str] = []
    files = [
        (name, size)
        for name, size in find_files(root, _SUFFIXES, recursive=True, skipped=skipped)
        if name != listed and matches(name, pattern) and _is_read(name)
    ]
    if not files:
        matching = f" and match {pattern!r} (corpus.text_files)" if options.text_files else ""
        raise InputError(
            f"{root}: no text found; looked for files whose names end in .txt, .csv, .jsonl or .json, "
            f"also with .gz or .zst, or .parquet, .arrow or .npz{matching}; set corpus.path to such a file or to a "
            "folder of them"
        )
    stream: list[tuple[str, int]] = []
    apart: list[tuple[str, int]] = []
    for name, size in files:
        is_apart = is_table(name) or is_archive(name) or name in options.excluded
        (apart if is_apart else stream).append((name, size))
    folder = corpus_folder(root)
    tables = [piece for name, size in apart for piece in table_pieces(folder, name, size, options)]
    tables += apple_double([name for name in skipped if matches(name, pattern)])
    if options.document_separator is not None:
        released = _released_splits([name for name, _ in stream])
        return [
            SourceFile(name, size, released.get(name), 0, size) for name, size in stream
        ] + tables

    def open_file(name: str) -> BinaryIO:
        return open(folder / name, "rb")

    def read_at(name: str, offset: int, length: int) -> bytes:
        with open_content(name, open_file) as file:
            file.seek(offset)
            return file.read(length)

    def content_size(name: str) -> int:
        size = 0
        with open_content(name, open_file) as file:
            while data := file.read(_COUNTED_AT_ONCE):
                size += len(data)
        return size

    sizes = {}
    for name, size in stream:
        try:
            sizes[name] = content_size(name) if is_compressed(name) else size
        except READ_ERRORS as error:
            raise InputError(
                f"{folder / name}: cannot be decompressed: {error}; get the file again"
            ) from error
    most = options.max_record_bytes
    released = _released_splits(list(sizes))
    pieces = [
        (name, start, stop, split)
        for name, split in released.items()
        for start, stop in cut_file(name, 0, sizes[name], most, read_at)
    ]
    others = [(name, size) for name, size in sizes.items() if name not in released]
    pieces += cut_stream(others, options.split_fractions, most, read_at)
    return [
        SourceFile(name, sizes[name], split, start, stop) for name, start, stop, split in pieces
    ] + tables


def _is_read(name: str) -> bool:
    """Whether a file with a suffix of ours is a text, and not about tables beside it."""
    return is_table(name) or not name.lower().endswith(TABLES)


def _released_splits(names: Sequence[str]) -> dict[str, str]:
    """The splits that the names of texts say, if they say of some that they are to train on and of others not.

    A lone `test.txt` is not a released split.
    """
    splits = {name: split for name in names if (split := split_by_name(name))}
    said = set(splits.values())
    return splits if "train" in said and len(said) > 1 else {}
