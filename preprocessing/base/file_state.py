"""What the file system says about a file, to know later whether it has changed.

A file that changed within a tick of the file system's clock before its stat was taken could change again without the
stat showing it (git calls such an entry racy), so what was learned of such a file counts only once.
"""

import os
from typing import NamedTuple

# Ticks that no clock of a common file system exceeds. The coarsest are FAT's, two seconds. Where times are no multiples
# of 10 ms, the clock is the system's, which ticks every 10 ms or more often; the rest is a margin.
_COARSE_TICK_NS = 2_000_000_000
_FINE_TICK_NS = 100_000_000
_COARSE_UNIT_NS = 10_000_000

# Databases and arrays have 64 bits with a sign; some file systems count inodes with all 64.
_INODE_BITS = (1 << 63) - 1


class FileState(NamedTuple):
    """What tells a file that has changed from one that has not. size: in bytes; inode: its lower 63 bits."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


def state_of(stat: os.stat_result) -> FileState:
    """The state that a stat shows."""
    return FileState(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino & _INODE_BITS)


def is_settled(stat: os.stat_result, now_ns: int) -> bool:
    """Whether any change of the file from `now_ns` (nanoseconds since the epoch) on changes its stat."""
    mtime_ns, ctime_ns = stat.st_mtime_ns, stat.st_ctime_ns
    age_ns = now_ns - max(mtime_ns, ctime_ns)
    if age_ns > _COARSE_TICK_NS:
        return True
    fine = mtime_ns % _COARSE_UNIT_NS and ctime_ns % _COARSE_UNIT_NS
    return bool(fine) and age_ns > _FINE_TICK_NS


def file_state(stat: os.stat_result, now_ns: int) -> FileState | None:
    """The state of a file, None for one that is not settled."""
    return state_of(stat) if is_settled(stat, now_ns) else None
