"""When the stat of a file says that it is unchanged."""

import os

import pytest

from preprocessing.base.file_state import FileState, file_state, is_settled

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND


def stat(mtime_ns: int, ctime_ns: int) -> os.stat_result:
    """A stat with these times, of a file of 5 bytes."""
    fields = (0o100644, 7, 1, 1, 0, 0, 5, 0, mtime_ns // SECOND, ctime_ns // SECOND)
    exact = {"st_mtime_ns": mtime_ns, "st_ctime_ns": ctime_ns}
    return os.stat_result(fields, exact)


@pytest.mark.parametrize(
    ("age_ns", "settled"),
    [
        (1, False),  # times by the system's clock: settled after a tenth of a second
        (50_000_001, False),
        (150_000_001, True),
        (SECOND + 1, True),
        (SECOND, False),  # whole seconds, perhaps the file system knows no others
        (2 * SECOND, False),
        (3 * SECOND, True),
        (-SECOND - 1, False),  # a clock that is ahead
    ],
)
def test_a_file_is_settled_when_a_change_must_give_it_other_times(
    age_ns: int, settled: bool
) -> None:
    old = NOW - 100 * SECOND - 1
    changed = NOW - age_ns
    for times in ((changed, changed), (old, changed), (changed, old)):
        assert is_settled(stat(*times), NOW) is settled


def test_an_old_mtime_of_whole_seconds_leaves_the_coarse_tick() -> None:
    unpacked = stat(NOW - 1000 * SECOND, NOW - 150_000_001)
    assert not is_settled(unpacked, NOW)
    assert is_settled(unpacked, NOW + 2 * SECOND)


def test_the_state_names_all_that_a_change_shows_in_and_is_empty_before_that_holds() -> None:
    changed = NOW - 3 * SECOND
    assert file_state(stat(changed, changed), NOW) == FileState(5, changed, changed, 7)
    assert file_state(stat(changed, NOW), NOW) is None
