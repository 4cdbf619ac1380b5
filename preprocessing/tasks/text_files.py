"""The files of a text corpus."""

import os
import re
from collections.abc import Callable
from functools import partial
from itertools import chain, filterfalse

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.readers.content import READ_ERRORS, open_content, read_at
from preprocessing.readers.file_names import is_compressed, matches, or_compressed, split_by_name
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.readers.table_columns import columns_of_tables
from preprocessing.readers.table_pieces import table_pieces
from preprocessing.readers.tables import TABLES, is_table
from preprocessing.readers.token_archives import is_archive
from preprocessing.records.record import TRAIN, Fault
from preprocessing.tasks.text_cuts import cut_stream, cut_text

# The last two are those of WikiText, whose files are called wiki.train.raw or wiki.train.tokens.
_TEXTS = (
    ".txt",
    *(f".{split}.{kind}" for split in ("train", "valid", "test") for kind in ("raw", "tokens")),
)
_SUFFIXES = (*or_compressed(*_TEXTS), *TABLES, ".npz")
# Files that say something about those beside them: notes, and the lists of CNN/DailyMail's release.
_NOTE = re.compile(
    r"(?:.*/)?(?:url_lists/.*|(?:readme|licen[cs]e|copying|notice|citation)[^/]*)", re.I
)
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


def recognise_texts(files: CorpusFiles) -> dict[str, str] | None:
    """Nothing to add for texts and archives that are no notes, and for tables with a text; None without any."""
    options = CorpusOptions()
    found = files.find(_SUFFIXES, recursive=True)
    if any(
        not file.name.lower().endswith(TABLES) and not _NOTE.fullmatch(file.name) for file in found
    ):
        return {}
    columns = columns_of_tables(files, Corpus(files.open, options), [options.text_column])
    return {} if any(columns) else None


def look_into_text(source: SourceFile, corpus: Corpus) -> list[SourceFile]:
    """The pieces of a table, and of a compressed text that is cut the bytes of its content; or as it is."""
    is_cut = corpus.options.document_separator is None and _is_text(source, corpus.options)
    if not (is_cut and is_compressed(source.name)):
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
    texts, apart = _parted(sources, lambda source: _is_text(source, options))
    said = texts.splits - {None}
    # A lone `test.txt` is not a released split.
    is_released = TRAIN in said and len(said) > 1
    if options.document_separator is not None:
        whole = (text if is_released else text._replace(split=None) for text in texts)
        return Sources(chain(whole, apart))

    others, released = texts, Sources()
    if is_released:
        others, released = _parted(texts, lambda text: text.split is None)
    read, most = partial(read_at, corpus.open), options.max_record_bytes
    cut = chain.from_iterable(cut_text(text, most, read) for text in released)
    return Sources(chain(cut, cut_stream(others, options.split_fractions, most, read), apart))


def _parted(sources: Sources, belongs: Callable[[SourceFile], bool]) -> tuple[Sources, Sources]:
    """Those of which something holds, and the others."""
    if all(map(belongs, sources)):
        return sources, Sources()
    return Sources(filter(belongs, sources)), Sources(filterfalse(belongs, sources))


def _is_text(source: SourceFile, options: CorpusOptions) -> bool:
    """Whether a source is read as a text, and not a table, an archive, excluded or not read at all."""
    is_other = is_table(source.name) or is_archive(source.name)
    return not is_other and source.drop is None and source.name not in options.excluded


def _is_read(name: str) -> bool:
    """Whether a file with a suffix of ours is a text, and not about tables beside it."""
    return is_table(name) or not name.lower().endswith(TABLES)
