"""The files of CNN/DailyMail, in the layouts in which they are passed on."""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import chain

from preprocessing.base.errors import InputError
from preprocessing.base.utf8 import decoded
from preprocessing.options import CorpusOptions
from preprocessing.readers.decoding import why_not_utf8
from preprocessing.readers.file_names import (
    content_ends_with,
    content_name,
    is_compressed,
    or_compressed,
    split_by_name,
)
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.readers.table_columns import columns_of_tables
from preprocessing.readers.tables import TABLES, is_table
from preprocessing.records.record import Drop
from preprocessing.tasks.summary_pairs import ARTICLES, SUMMARIES

_URL_LISTS = {"all_train.txt": "train", "all_val.txt": "validation", "all_test.txt": "test"}
_PUBLISHERS = ("cnn", "dailymail")
_STORY = or_compressed(".story")
_PAIR = or_compressed(ARTICLES, SUMMARIES)

# What article and summary are called in tables of others than CNN/DailyMail.
_OTHER_COLUMNS = ("document", "summary")

_Listed = tuple[str | None, str, str]
"""Split, list and url of a story."""

# Of all stories where there are no lists.
_UNLISTED: _Listed = None, "", ""


def list_stories(files: CorpusFiles, options: CorpusOptions) -> Sources:
    """The release's story files, or tables in Hugging Face's layout, or summary pairs.

    A corpus is in one layout: which of the files to believe where there are two, only its owner
    knows. Raises InputError for none, for two, and for a pair of which one file is missing.
    """
    stories = Sources(_story_files(files, options))
    # Beside stories, .csv and .json files may be notes about them.
    # Not among the stories: to go through hundreds of thousands of files twice takes its time.
    tables = files.find(TABLES, recursive=not stories)
    layouts = {
        ".story files": stories,
        "tables (.jsonl, .json, .csv, .parquet, .arrow)": Sources(
            table._replace(split=split_by_name(table.name))
            for table in tables
            if is_table(table.name)
            and not (stories and content_ends_with(table.name, ".csv", ".json"))
        ),
        f"pairs ({ARTICLES}, {SUMMARIES})": Sources(_pairs(files) if files.is_folder else ()),
    }
    found = [layout for layout, sources in layouts.items() if sources]
    if not found:
        places = ", ".join(f"{name}/stories/*.story" for name in _PUBLISHERS)
        raise InputError(
            f"{files.root}: no story found; looked for {places}, *.story, *.jsonl, *.json, *.csv, *.parquet, *.arrow "
            f"and *{ARTICLES} with *{SUMMARIES}, also with .gz or .zst; "
            "set corpus.path to a folder with the CNN/DailyMail release, or to a table"
        )
    if len(found) > 1:
        raise InputError(
            f"{files.root}: both {' and '.join(found)} found; "
            "a corpus is in one layout, move the others to another folder"
        )
    sources = layouts[found[0]]
    sources.extend(files.apple_doubles())
    return sources


def recognise_stories(files: CorpusFiles) -> dict[str, str] | None:
    """The names of a table's columns, nothing for other layouts; None where nothing is in one of them."""
    options = CorpusOptions()
    usual = (options.article_column, options.highlights_column)
    pairs = _pairs(files) if files.is_folder else iter(())
    if next(chain(_story_files(files, options), pairs), None) is not None:
        return {}
    corpus, names = Corpus(files.open, options), (*usual, *_OTHER_COLUMNS)
    for columns in columns_of_tables(files, corpus, names):
        if columns.issuperset(usual):
            return {}
        if columns.issuperset(_OTHER_COLUMNS):
            return dict(zip(("article_column", "highlights_column"), _OTHER_COLUMNS, strict=True))
    return None


def _pairs(files: CorpusFiles) -> Iterator[SourceFile]:
    """Pairs of files with the articles and the summaries, the splits in the files' names."""
    found = files.find(_PAIR, recursive=False)
    named = {content_name(file.name).lower(): file for file in found}
    for content, file in named.items():
        stem = content.removesuffix(ARTICLES).removesuffix(SUMMARIES)
        for other in (stem + ARTICLES, stem + SUMMARIES):
            if other not in named:
                raise InputError(
                    f"{files.place(file.name)}: there is no {other} beside it; the two belong together"
                )
        if content.endswith(ARTICLES):
            split = split_by_name(file.name)
            yield file._replace(split=split, companion=named[stem + SUMMARIES])


def _story_files(files: CorpusFiles, options: CorpusOptions) -> Iterator[SourceFile]:
    """Stories in `{cnn,dailymail}/stories`, or directly in the folder, with splits by url lists."""
    present = [name for name in _PUBLISHERS if files.has_folder(f"{name}/stories")]
    folders = [f"{name}/stories" for name in present] or [""]
    urls: Mapping[str, _Listed] | None = None
    without_story: dict[str, _Listed] = {}
    for story in chain.from_iterable(files.find(_STORY, False, folder) for folder in folders):
        if urls is None:
            urls = _read_url_lists(files)
            without_story = dict(urls)
        story_id = story_id_of(story.name)
        without_story.pop(story_id, None)
        listed = urls.get(story_id) if urls else _UNLISTED
        if listed is None:
            detail = "the file's name is not the SHA-1 of any listed url"
            yield story._replace(drop=Drop("not_in_url_lists", story.name, story_id, detail))
        elif story.size > options.max_record_bytes and not is_compressed(story.name):
            detail = f"{story.size} bytes, max_record_bytes {options.max_record_bytes}"
            drop = Drop("too_large", story.name, story_id, detail)
            yield story._replace(split=listed[0], drop=drop)
        else:
            yield story._replace(split=listed[0]) if urls else story
    for story_id, (split, list_name, url) in without_story.items():
        # Somebody who has only one of the two folders does not miss the other's stories.
        if not present or _publisher(url) in present:
            drop = Drop("url_without_story", list_name, story_id, f"no {story_id}.story for {url}")
            yield SourceFile(list_name, 0, split, 0, 0, drop)


def story_id_of(name: str) -> str:
    """The id of a story that is a file: the file's name."""
    return content_name(name.rpartition("/")[2]).rpartition(".")[0]


def _publisher(url: str) -> str:
    """Which folder of the release a url's story is in."""
    return "dailymail" if "dailymail.co.uk" in url else "cnn"


def _read_url_lists(files: CorpusFiles) -> dict[str, _Listed]:
    """What is listed, by the SHA-1 of each url; nothing if there are no lists."""
    if not files.has_folder("url_lists"):
        return {}
    there = {file.name for file in files.find((".txt",), False, "url_lists")}
    missing = [name for name in _URL_LISTS if f"url_lists/{name}" not in there]
    if missing:
        raise InputError(
            f"{files.place('url_lists')}: {', '.join(missing)} missing; "
            f"provide all of {', '.join(_URL_LISTS)}, or remove the folder to split by hash"
        )
    urls: dict[str, _Listed] = {}
    for name, split in _URL_LISTS.items():
        list_name = f"url_lists/{name}"
        try:
            with files.open(list_name) as file:
                lines = decoded(file.read()).splitlines()
        except UnicodeDecodeError as error:
            raise InputError(
                f"{files.place(list_name)}: byte {error.start} is {why_not_utf8(error.object, error.start)}"
            ) from error
        for number, line in enumerate(lines, start=1):
            if not (url := line.strip()):
                continue
            story_id = hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()
            known = urls.setdefault(story_id, (split, list_name, url))
            if known[0] != split:
                raise InputError(
                    f"{files.place(list_name)}, line {number}: {url} is also in {known[1]}; "
                    "a story can be in one split only, remove one of the two lines"
                )
    return urls
