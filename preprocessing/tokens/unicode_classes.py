"""Which characters are letters, numbers and white space to the engine that tokenises.

Unicode tables differ between libraries (Python's, RE2's, tiktoken's) by thousands of characters,
and one character in another class changes the ids of the text around it. So the classes are read
from tiktoken itself.
"""

from functools import cache

import numpy as np
import tiktoken

OTHER, LETTER, NUMBER, SPACE = range(4)

_PATTERNS = {LETTER: r"\p{L}", NUMBER: r"\p{N}", SPACE: r"\s"}
_CODE_POINTS = 0x110000
_SURROGATES = range(0xD800, 0xE000)


@cache
def class_ranges() -> tuple[np.ndarray, np.ndarray]:
    """The classes of all code points as runs.

    Returns:
        starts: int32 [runs], the first code point of each run, ascending from 0.
        classes: int32 [runs], the class of the run: OTHER, LETTER, NUMBER or SPACE.
    """
    classes = np.full(_CODE_POINTS, OTHER, dtype=np.int32)
    for value, pattern in _PATTERNS.items():
        classes[_members(pattern)] = value
    starts = np.flatnonzero(np.diff(classes, prepend=-1)).astype(np.int32)
    return starts, classes[starts]


def _members(pattern: str) -> np.ndarray:
    """The code points a pattern matches: tiktoken encodes to nothing what no match covers."""
    engine = tiktoken.Encoding(
        "characters",
        pat_str=pattern,
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={},
    )
    characters = "".join(chr(point) for point in range(_CODE_POINTS) if point not in _SURROGATES)
    matched = bytes(engine.encode_ordinary(characters)).decode("utf-8")
    return np.array([ord(character) for character in matched])
