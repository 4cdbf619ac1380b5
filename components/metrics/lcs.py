"""The longest common subsequence of two lists of words, a row of its table at once.

A row of the table rises by 0 or 1 from column to column, so a row is kept as the bits of an integer, one where it rises
(Hyyrö 2004, "Bit-parallel LCS-length computation revisited").
"""

from collections.abc import Sequence


def lcs_length(reference: Sequence[str], candidate: Sequence[str]) -> int:
    """How many words it has."""
    rows = _rows(reference, candidate)
    return rows[-1].bit_count()


def lcs_places(reference: Sequence[str], candidate: Sequence[str]) -> list[int]:
    """Where its words stand in the reference, ascending; of several the one that rouge-score finds."""
    rows = _rows(reference, candidate)
    row, column, found = len(reference), len(candidate), []
    while row and column:
        if reference[row - 1] == candidate[column - 1]:
            row, column = row - 1, column - 1
            found.append(row)
            continue
        # The cell to the left, and the one above.
        left = (rows[row] & ((1 << (column - 1)) - 1)).bit_count()
        above = (rows[row - 1] & ((1 << column) - 1)).bit_count()
        if left > above:
            column -= 1
        else:
            row -= 1
    return found[::-1]


def _rows(reference: Sequence[str], candidate: Sequence[str]) -> list[int]:
    """Of each row of the table, the empty one first, the columns at which it rises."""
    places: dict[str, int] = {}
    for column, word in enumerate(candidate):
        places[word] = places.get(word, 0) | 1 << column
    everywhere = (1 << len(candidate)) - 1
    # Complemented, as the recurrence has it.
    level, rows = everywhere, [0]
    for word in reference:
        equal = level & places.get(word, 0)
        level = ((level + equal) | (level - equal)) & everywhere
        rows.append(level ^ everywhere)
    return rows
