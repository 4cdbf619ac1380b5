"""CNN/DailyMail stories as records: article, separator, summary.

The release (Hermann et al., 2015, https://arxiv.org/abs/1506.03340) has one `.story` file a story,
named by the SHA-1 of its url: the article's paragraphs, then for each highlight a line
`@highlight` and a paragraph. Hugging Face's copy has a row a story, with `id`, `article` (in one line)
and `highlights`, a highlight a line. A story is the same example in both.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from preprocessing.base.digests import sha256_bytes, sha256_json
from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions, HighlightMode
from preprocessing.readers.content import read_file
from preprocessing.readers.decoding import decode_text, normalise_line_ends
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.table_rows import Columns, Rows, TableRow, id_of, texts_of
from preprocessing.readers.tables import is_table, table_rows
from preprocessing.records.ids import content_id
from preprocessing.records.record import Drop, Fault, Outcome, Record, Segment, record_seed
from preprocessing.tasks.cleaning import (
    Change,
    Cleaning,
    clean_article,
    clean_highlight,
    clean_line,
)
from preprocessing.tasks.story_files import list_stories, recognise_stories, story_id_of
from preprocessing.tasks.summary_pairs import ARTICLES, SUMMARIES, pair_rows
from preprocessing.tasks.task import Task

# What stands between article and summary: the prompt of Radford et al. (2019) for summaries.
SEPARATOR = "\nTL;DR:\n"

_HIGHLIGHT_LINE = re.compile(r"^[ \t]*@highlight\b[ \t]*", re.MULTILINE)


def read(source: SourceFile, corpus: Corpus) -> Iterator[Outcome]:
    """What becomes of a story's file, of a table or a pair of files. Raises READ_ERRORS.

    A story is a record, or with `highlight: each` the records `<id>#1`, `<id>#2`, ... One without text is dropped
    (`empty_article`), so is one without highlights (`no_highlight`), with NUL bytes (`nul_bytes`) or in another
    encoding (`not_utf8`).
    """
    for story in _stories(source, corpus):
        if isinstance(story, _Story):
            yield from _outcomes(story, corpus)
        else:
            yield story


def cleaned(source: SourceFile, corpus: Corpus) -> Iterator[tuple[str, Change]]:
    """What cleaning does to the stories of a source, step by step, each with the story's id. Raises READ_ERRORS."""
    for story in _stories(source, corpus):
        if isinstance(story, _Story):
            of_article, of_highlight = story.cleaning
            texts = [(of_article, story.article), *((of_highlight, h) for h in story.highlights)]
            for cleaning, text in texts:
                for change in cleaning.changes(text):
                    yield story.id, change


def _stories(source: SourceFile, corpus: Corpus) -> Iterator["_Story | Drop | Fault"]:
    most, columns = corpus.options.max_record_bytes, _columns(corpus.options)
    if is_table(source.name):
        rows = table_rows(source, corpus, columns, ("id",))
        yield from _stories_of_rows(source, rows, columns, most)
    elif source.companion is not None:
        yield from _stories_of_rows(source, pair_rows(source, corpus, columns), columns, most)
    else:
        data = read_file(source, corpus.open, most)
        if isinstance(data, bytes):
            yield _story_of_file(source, data)
        elif data is not None:
            yield data
        else:
            detail = f"decompressed more than {most} bytes, max_record_bytes"
            yield Drop("too_large", source.name, story_id_of(source.name), detail)


def _story_of_file(source: SourceFile, data: bytes) -> "_Story | Drop":
    story_id = story_id_of(source.name)
    text = decode_text(data, source, story_id)
    if isinstance(text, Drop):
        return text
    # The pattern is slow where it finds nothing, so it sees no line before the first mention.
    start = text.rfind("\n", 0, max(0, text.find("@highlight"))) + 1
    last_lines, *highlights = _HIGHLIGHT_LINE.split(text[start:])
    article, highlights = text[:start] + last_lines, "\n".join(highlights).split("\n")
    return _Story(story_id, source, 0, sha256_bytes(data), article, highlights)


def _stories_of_rows(
    source: SourceFile, rows: Rows, columns: Columns, most: int
) -> Iterator["_Story | Drop | Fault"]:
    """The story of each row of a table, or why there is none.

    The id is the row's own or, where it has none, follows from article and highlights. The reasons
    are those of `read` and of `texts_of`.
    """
    for row in rows:
        if not isinstance(row, TableRow):
            yield row
            continue
        identity = id_of(row, source)
        texts = texts_of(row, columns, source, most, lists=True)
        if isinstance(identity, Drop):
            yield identity
            continue
        if isinstance(texts, Drop):
            yield replace(texts, id=identity or texts.id)
            continue
        article, highlights = texts
        digest = sha256_json({"article": article, "highlights": highlights})
        story_id = identity or content_id(digest)
        lines = highlights.split("\n")
        yield _Story(story_id, source, row.number, digest, article, lines)


def _columns(options: CorpusOptions) -> Columns:
    return {
        options.article_column: "corpus.article_column",
        options.highlights_column: "corpus.highlights_column",
    }


@dataclass(frozen=True)
class _Story:
    """A story before it is cleaned; the fields are those of its records."""

    id: str
    source: SourceFile
    position: int
    digest: str
    article: str
    highlights: list[str]

    @property
    def cleaning(self) -> tuple[Cleaning, Cleaning]:
        """That of the article, and that of a highlight."""
        # In a pair of files marks stand apart everywhere, and say nothing of the end of a line.
        is_in_tokens = self.source.companion is not None
        return (clean_line, clean_line) if is_in_tokens else (clean_article, clean_highlight)


def _outcomes(story: _Story, corpus: Corpus) -> Iterator[Outcome]:
    """What becomes of a story."""
    of_article, of_highlight = story.cleaning
    article = of_article(story.article)
    highlights = [line for line in map(of_highlight, story.highlights) if line]
    if not (article and highlights):
        reason, in_file, column = (
            ("no_highlight", "after an @highlight line", "highlights")
            if article
            else ("empty_article", "before the first @highlight", "article")
        )
        # A story that is a file of its own has the position 0.
        where = f"in {column} of row or line {story.position}" if story.position else in_file
        drop = Drop(reason, story.source.name, story.id, f"no text {where}")
        yield drop.beginning(article or "\n".join(highlights))
        return
    split = story.source.split_of(story.id, corpus)
    for suffix, summary in _summaries(
        highlights, corpus.options.highlight, record_seed(corpus.seed, story.id)
    ):
        yield Record(
            id=story.id + suffix,
            source=story.source.name,
            position=story.position,
            digest=story.digest,
            split=split,
            segments=(
                Segment(article, in_loss=corpus.options.loss_on == "all"),
                Segment(SEPARATOR, in_loss=corpus.options.loss_on == "all"),
                Segment(summary, in_loss=True, references=(summary,)),
            ),
        )


def _summaries(highlights: list[str], mode: HighlightMode, seed: int) -> Iterator[tuple[str, str]]:
    """Suffix of the id and summary of each record that a story becomes."""
    match mode:
        case "all":
            yield "", "\n".join(highlights)
        case "first":
            yield "", highlights[0]
        case "random":
            yield "", highlights[seed % len(highlights)]
        case "each":
            for number, highlight in enumerate(highlights, start=1):
                yield f"#{number}", highlight


def prompt(text: str) -> tuple[Segment, ...]:
    """The prompt for the summary of an article, or of a story without its highlights. Raises InputError for no text."""
    article = clean_article(_HIGHLIGHT_LINE.split(normalise_line_ends(text))[0])
    if not article:
        raise InputError("the prompt for a summary is an article; it has no text.")
    return Segment(article, in_loss=False), Segment(SEPARATOR, in_loss=False)


TASK = Task(
    name="cnn_dailymail",
    corpora="`.story` files; tables with an article and its highlights (or document and summary) a row; "
    f"`{ARTICLES}` with `{SUMMARIES}`",
    recognise=recognise_stories,
    list_files=list_stories,
    read=read,
    prompt=prompt,
    stop=(),
    new_tokens=128,
    loss_on="target",
    over_long="truncate_prompt",
    cleaned=cleaned,
)
