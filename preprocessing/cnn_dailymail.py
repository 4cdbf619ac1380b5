"""CNN/DailyMail stories as records: article, separator, summary.

The release (Hermann et al., 2015, https://arxiv.org/abs/1506.03340) has one `.story` file a story,
named by the SHA-1 of its url: the article's paragraphs, then for each highlight a line
`@highlight` and a paragraph.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from preprocessing.cleaning import clean_article, clean_highlight
from preprocessing.decoding import decode_text
from preprocessing.digests import sha256_bytes
from preprocessing.options import CorpusOptions
from preprocessing.records import Drop, Outcome, Record, Segment, assign_split, record_seed
from preprocessing.sources import SourceFile

# What stands between article and summary: the prompt of Radford et al. (2019) for summaries.
SEPARATOR = "\nTL;DR:\n"

_HIGHLIGHT_LINE = re.compile(r"^[ \t]*@highlight\b[ \t]*", re.MULTILINE)


def parse(source: SourceFile, data: bytes, options: CorpusOptions, seed: int) -> Iterator[Outcome]:
    """The record of a story, or with `highlight: each` the records `<id>#1`, `<id>#2`, ...

    A story without text is dropped (`empty_article`), so is one without highlights
    (`no_highlight`), with NUL bytes (`nul_bytes`) or in another encoding (`not_utf8`).
    """
    story_id = PurePosixPath(source.name).stem
    text = decode_text(data, source, story_id)
    if isinstance(text, Drop):
        yield text
        return
    raw_article, *raw_highlights = _HIGHLIGHT_LINE.split(text)
    article = clean_article(raw_article)
    highlights = [line for line in map(clean_highlight, raw_highlights) if line]
    if not article:
        yield Drop("empty_article", source.name, story_id, "no text before the first @highlight")
        return
    if not highlights:
        yield Drop("no_highlight", source.name, story_id, "no text after an @highlight line")
        return
    split = source.split or assign_split(story_id, options.split_fractions, seed)
    digest = sha256_bytes(data)
    for suffix, summary in _summaries(highlights, options, record_seed(seed, story_id)):
        yield Record(
            id=story_id + suffix,
            source=source.name,
            position=0,
            digest=digest,
            split=split,
            segments=(
                Segment(article, in_loss=options.loss_on == "all"),
                Segment(SEPARATOR, in_loss=options.loss_on == "all"),
                Segment(summary, in_loss=True, references=(summary,)),
            ),
        )


def _summaries(
    highlights: list[str], options: CorpusOptions, seed: int
) -> Iterator[tuple[str, str]]:
    """Suffix of the id and summary of each record that a story becomes."""
    match options.highlight:
        case "all":
            yield "", "\n".join(highlights)
        case "first":
            yield "", highlights[0]
        case "random":
            yield "", highlights[seed % len(highlights)]
        case "each":
            for number, highlight in enumerate(highlights, start=1):
                yield f"#{number}", highlight
