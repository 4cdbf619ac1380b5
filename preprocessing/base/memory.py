"""The machine's memory, and what surely does not fit into it."""

import os

from preprocessing.base.errors import InputError

_GIB = 2**30
_ANY_MACHINE = 2**60  # bytes that no machine has, and a number that is still read at a glance


def machine_memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_memory(asked: str, what: str, size: int) -> None:
    """InputError where a thing is larger than the machine's memory, so that what it is for can never be computed.

    asked: the keys that make it so large, with their values. what: the thing. size: its bytes; that less may be too
    much as well is for who allocates it to find out.
    """
    if size <= machine_memory():
        return
    shown = f"{size / _GIB:,.1f} GiB" if size < _ANY_MACHINE else "more than any machine has"
    raise InputError(
        f"{asked}: {what} would take {shown} of memory, and this machine has "
        f"{machine_memory() / _GIB:,.1f} GiB; lower it"
    )
