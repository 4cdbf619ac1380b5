"""Generated stories in the layout of the DMQA release, of the lengths of CNN/DailyMail.

An article has 780 words on average, log-normally spread, a story three or four highlights of 14 words (See et al.,
2017, https://arxiv.org/abs/1704.04368, report 781 and 56 tokens). Words are drawn by frequency from the stories that
ship and, so that the vocabulary is not small, from GPT-2's tokens and from invented names and numbers. Characters
outside ASCII are about as frequent as in the releases: a "»" in most CNN stories; curly quotes in most paragraphs with
speech, pound signs, dashes and accents in the Daily Mail's; and now and then an encoding that went wrong or an
ampersand.
"""

import hashlib
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from benchmarks.peers import ROOT
from preprocessing.tokens.vocabulary import load_vocabulary

_MEAN_WORDS = 780
_SPREAD = 0.5  # standard deviation of the logarithm of an article's words
_SYLLABLES = re.findall("..", "babecodadeelfagahoinjoklamanoolpequrosetoulvawezan")
_LISTS = {"train": 0.92, "val": 0.043, "test": 0.037}


def write_stories(root: Path, count: int, seed: int = 1) -> int:
    """Write `count` stories and their url lists beneath `root`; returns the bytes of the stories."""
    random_ = random.Random(seed)
    words, weights = words_by_frequency()
    urls: dict[str, list[str]] = {name: [] for name in _LISTS}
    for publisher in ("cnn", "dailymail"):
        (root / publisher / "stories").mkdir(parents=True)
    (root / "url_lists").mkdir()
    written = 0
    for number in range(count):
        publisher = ("cnn", "dailymail")[
            random_.random() < 0.7
        ]  # 92,579 and 219,506 in the release
        url = f"http://www.{publisher}.co.uk.example/{number}"
        content = _story(publisher, random_, words, weights).encode()
        name = hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()
        (root / publisher / "stories" / f"{name}.story").write_bytes(content)
        written += len(content)
        urls[random_.choices([*_LISTS], [*_LISTS.values()])[0]].append(url)
    for name, lines in urls.items():
        (root / "url_lists" / f"all_{name}.txt").write_text("".join(f"{url}\n" for url in lines))
    return written


def write_small_stories(root: Path, count: int) -> None:
    """Write `count` stories of a few words in CNN's folder beneath `root`, without url lists."""
    stories = root / "cnn" / "stories"
    stories.mkdir(parents=True)
    for number in range(count):
        name = hashlib.sha1(f"{number}".encode(), usedforsecurity=False).hexdigest()
        content = f"It was day {number}.\n\n@highlight\n\nA day.\n"
        (stories / f"{name}.story").write_bytes(content.encode())


def words_by_frequency() -> tuple[list[str], list[float]]:
    """Words and their cumulative weights."""
    counts: Counter[str] = Counter()
    for file in sorted((ROOT / "data" / "cnn_dailymail").glob("*/stories/*.story")):
        counts.update(
            word for word in file.read_text("utf-8").split() if word.isascii() and "&" not in word
        )
    del counts["@highlight"]
    total = counts.total()
    # A tenth are whole tokens of GPT-2, by Zipf's law in the order of their ids.
    tokens = load_vocabulary().mergeable_ranks
    rare = [
        token[1:].decode()
        for token in tokens
        if token[:1] == b" " and token[1:].isalpha() and len(token) > 3
    ]
    harmonic = sum(1 / rank for rank in range(1, len(rare) + 1))
    weights = [
        *counts.values(),
        *(0.1 * total / harmonic / rank for rank in range(1, len(rare) + 1)),
    ]
    return [*counts, *rare], list(accumulate(weights))


def _story(publisher: str, random_: random.Random, words: list[str], weights: list[float]) -> str:
    length = int(random_.lognormvariate(math.log(_MEAN_WORDS) - _SPREAD**2 / 2, _SPREAD))
    drawn = random_.choices(words, cum_weights=weights, k=max(20, length) + 80)
    for place in range(0, len(drawn), 25):
        name = "".join(random_.choices(_SYLLABLES, k=3)).capitalize()
        drawn[place] = random_.choice(
            (name, name, str(random_.randrange(10_000)), f"{random_.randrange(40)}.5")
        )
    paragraphs = list(_paragraphs(drawn[:-80], random_))
    if publisher == "cnn":
        paragraphs[0] = f"(CNN) -- {paragraphs[0]}"
        if random_.random() < 0.8:
            paragraphs.insert(len(paragraphs) // 2, "Watch what happened » ")
    else:
        paragraphs = [_daily_mail_style(paragraph, random_) for paragraph in paragraphs]
        paragraphs[:0] = [
            "By",
            f"{drawn[0]} {drawn[1]}",
            "PUBLISHED:",
            "12:21 EST, 14 September 2012",
        ]
    highlights = [
        " ".join(drawn[-80 + 14 * i : -66 + 14 * i]) for i in range(random_.choice((3, 4, 4)))
    ]
    return (
        "\n\n".join([*paragraphs, *(f"@highlight\n\n{highlight}" for highlight in highlights)])
        + "\n"
    )


def _paragraphs(words: list[str], random_: random.Random) -> Iterator[str]:
    start = 0
    while start < len(words):
        end = start + random_.randint(15, 45)
        yield " ".join(words[start:end]).capitalize() + "."
        start = end


def _daily_mail_style(paragraph: str, random_: random.Random) -> str:
    draw = random_.random()
    if draw < 0.25:
        return f"‘{paragraph}’"
    if draw < 0.30:
        return f"{paragraph} It cost £{random_.randrange(900)},000."
    if draw < 0.33:
        return f"{paragraph} – not café René’s."
    if draw < 0.335:
        return f"{paragraph} It cost Â£5 at M&S."
    return paragraph
