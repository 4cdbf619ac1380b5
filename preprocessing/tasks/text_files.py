"""The files of a text corpus."""

import os
from collections.abc import Sequence
from functools import partial
from itertools import chain

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.readers.content import READ_ERRORS, open_content, read_at
from preprocessing.readers.file_names import is_compressed, matches, or_compressed, split_by_name
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.readers.table_pieces import table_pieces
from preprocessing.readers.tables import TABLES, is_table
from preprocessing.readers.token_archives import is_archive
from preprocessing.records.record import Fault
from preprocessing.tasks.text_cuts import cut_file, cut_stream

# The last two are those of WikiText, whose files are called wiki.train.raw or wiki.train.tokens.
_TEXTS = (
    ".txt",
    *(f".{split}.{kind}" for split in ("train", "valid", "test") for kind in ("raw", "tokens")),
)
_SUFFIXES = (*or_compressed(*_TEXTS), *TABLES, ".npz")
_COUNTED_AT_ONCE = 1 << 20


def list_texts(corpus: CorpusFiles, options: CorpusOptions) -> Sources:
    """A text file, or all in a folder and its folders. Raises InputError where there is nothing."""
    pattern = options.text_files or "**"
    listed = os.path.normpath(options.exclude_file) if options.exclude_file else None
    sources = Sources(
        file._replace(split=split_by_name(file.name))
        for file in corpus.find(_SUFFIXES, recursive=True)
        if file.name != listed and matches(file.name, pattern) and _is_read(file.name)
    )
    if not sources:
        matching = f" and match {pattern!r} (corpus.text_files)" if options.text_files else ""
        raise InputError(
            f"{corpus.root}: no text found; looked for files whose names end in .txt, .csv, .jsonl or .json, "
            f"also with .gz or .zst, or .parquet, .arrow or .npz{matching}; set corpus.path to such a file or to a "
            "folder of them"
        )
    sources.extend(each for each in corpus.apple_doubles() if matches(each.name, pattern))
    return sources


def look_into_text(source: SourceFile, corpus: Corpus) -> list[SourceFile]:
    """The pieces of a table, and of a compressed text that is cut the bytes of its content; or as it is."""
    if not (_is_cut(source, corpus.options) and is_compressed(source.name)):
        return table_pieces(source, corpus)
    size = 0
    try:
        with open_content(source.name, corpus.open) as file:
            while data := file.read(_COUNTED_AT_ONCE):
                size += len(data)
    except READ_ERRORS as error:
        fault = Fault(f"{source.name}: cannot be decompressed: {error}; get the file again")
        return [source._replace(drop=fault)]
    return [source._replace(size=size, stop=size)]


def cut_texts(sources: Sources, corpus: Corpus) -> Sources:
    """The texts, one after the other, cut into contiguous splits; then what is not part of that stream.

    That are excluded files, tables and archives of ids. Texts of which the release says the split keep it, and are
    cut where they are too large for a record; where a separator parts documents, no file is cut.
    """
    options = corpus.options
    texts = [source for source in sources if _is_text(source, options)]
    apart = [source for source in sources if not _is_text(source, options)]
    released = _released_splits([source.name for source in texts])
    if options.document_separator is not None:
        texts = [source._replace(split=released.get(source.name)) for source in texts]
        return Sources([*texts, *apart])

    read = partial(read_at, corpus.open)
    most = options.max_record_bytes
    by_name = {source.name: source for source in texts}
    pieces = [
        (name, start, stop, split)
        for name, split in released.items()
        for start, stop in cut_file(name, 0, by_name[name].size, most, read)
    ]
    others = [(source.name, source.size) for source in texts if source.name not in released]
    pieces += cut_stream(others, options.split_fractions, most, read)
    cut = (
        by_name[name]._replace(split=split, start=start, stop=stop)
        for name, start, stop, split in pieces
    )
    return Sources(chain(cut, apart))


def _is_cut(source: SourceFile, options: CorpusOptions) -> bool:
    return options.document_separator is None and _is_text(source, options)


def _is_text(source: SourceFile, options: CorpusOptions) -> bool:
    """Whether a source is read as a text, and not a table, an archive, excluded or not read at all."""
    is_other = is_table(source.name) or is_archive(source.name)
    return not is_other and source.drop is None and source.name not in options.excluded


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
