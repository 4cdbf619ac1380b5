"""What a summary is like beside its source, whatever it scores: its length, what of it is new, copied or said twice."""

import re
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
# Of so many words are the n-grams whose share is new in a summary (See et al. 2017, figure 6), and said twice.
_NEW, _REPEATED = (1, 2, 3, 4), 3


def words(text: str) -> list[str]:
    """The words of a text in lower case, in any script."""
    return _WORD.findall(text.lower())


def traits(source: str, text: str) -> dict[str, float]:
    """What a text is like. Shares are between 0 and 1, and 0 of a text too short to have any n-gram.

    words: its length. novel_N: the share of its n-grams that are not in the source. repeated_3: the share of its
    3-grams that it has had before. copied: the share of its words in fragments of the source (coverage, Grusky et al.
    2018, "Newsroom", section 4). copied_length: the mean length of the fragment that a word is in, 0 for one in none
    (density).
    """
    own, given = words(text), words(source)
    fragments = _fragments(given, own)
    found = {
        "words": float(len(own)),
        "copied": _share(sum(fragments), len(own)),
        "copied_length": _share(sum(length * length for length in fragments), len(own)),
        f"repeated_{_REPEATED}": _repeated(_ngrams(own, _REPEATED)),
    }
    for length in _NEW:
        known, grams = set(_ngrams(given, length)), _ngrams(own, length)
        found[f"novel_{length}"] = _share(sum(gram not in known for gram in grams), len(grams))
    return found


def mean_traits(pairs: Iterable[tuple[str, str]]) -> dict[str, float]:
    """The mean of each trait over (source, text); empty without any."""
    found = [traits(source, text) for source, text in pairs]
    if not found:
        return {}
    return {name: sum(each[name] for each in found) / len(found) for name in found[0]}


def _fragments(source: Sequence[str], text: Sequence[str]) -> list[int]:
    """The lengths of the longest stretches of a text that stand in the source, taken from left to right."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(source):
        places.setdefault(word, []).append(place)
    found, at = [], 0
    while at < len(text):
        longest = 0
        for place in places.get(text[at], ()):
            length = 1
            while (
                at + length < len(text)
                and place + length < len(source)
                and text[at + length] == source[place + length]
            ):
                length += 1
            longest = max(longest, length)
        if longest:
            found.append(longest)
        at += longest or 1
    return found


def _ngrams(found: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(found[at : at + length]) for at in range(len(found) - length + 1)]


def _repeated(grams: Sequence[tuple[str, ...]]) -> float:
    return _share(len(grams) - len(set(grams)), len(grams))


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0
