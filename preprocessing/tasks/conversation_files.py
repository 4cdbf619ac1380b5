"""The files of CoQA, and tables in the layout of its copies."""

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.readers.file_names import content_ends_with, content_name, split_by_name
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.sources import Sources
from preprocessing.readers.tables import TABLES, is_table

_FILES = ("coqa-train-v1.0.json", "coqa-dev-v1.0.json")


def list_conversations(corpus: CorpusFiles, options: CorpusOptions) -> Sources:
    """CoQA's two files in a folder, or else the tables there, or a single file of either kind; or compressed.

    Raises InputError where there are none, and for a JSON file too large to be read at once.
    """
    found = corpus.find(TABLES, recursive=True)
    files = [file for file in found if is_table(file.name)]
    released = [file for file in files if content_name(file.name).lower() in _FILES]
    files = released or [file for file in files if not content_ends_with(file.name, ".csv")]
    looked_for = (
        f"{', '.join(_FILES)}, or tables (.json, .jsonl, .parquet, .arrow), also with .gz or .zst"
    )
    if not files:
        raise InputError(
            f"{corpus.root}: no conversations found; looked for {looked_for}; "
            "set corpus.path to a folder with these files, or to one of them"
        )
    for file in files:
        if content_ends_with(file.name, ".json") and file.size > options.max_whole_file_bytes:
            raise InputError(too_large_file(file.name, f"{file.size} bytes", options))
    splits = [split_by_name(content_name(file.name)) for file in files]
    if "test" not in splits:
        # The release has no other than the development set to be held out.
        splits = ["test" if split == "validation" else split for split in splits]
    sources = Sources(file._replace(split=split) for file, split in zip(files, splits, strict=True))
    sources.extend(corpus.apple_doubles())
    return sources


def too_large_file(name: str, size: str, options: CorpusOptions) -> str:
    """The message that a file of conversations cannot be read at once."""
    return (
        f"{name}: {size}, and a file of conversations may have {options.max_whole_file_bytes} "
        "(16 times corpus.max_record_bytes); split the file, or raise corpus.max_record_bytes"
    )
