"""What is known of all batches before the first."""

import sys
from typing import NamedTuple

ANY_NUMBER = sys.maxsize


class Bounds(NamedTuple):
    """What holds for every batch of some rows, so that one compiled step serves them all.

    predictions: no fewer than those of a batch that count in the loss.
    one_segment: whether no row has two segments, so that who sees whom is causal alone (padding at a
        row's end sees the row, and nothing sees the padding).
    """

    predictions: int = ANY_NUMBER
    one_segment: bool = False


NO_BOUNDS = Bounds()
