"""Which process this is, so that another can tell whether it still lives."""

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ProcessIdentity:
    """A process of a machine.

    boot: the kernel's id of its boot, with the namespace that the pid counts in: two containers both have a process 1.
    process_start: ticks since the boot, since a pid is given again. Empty texts where the system does not say.
    """

    host: str
    boot: str
    pid: int
    process_start: str

    @classmethod
    def of_properties(cls, properties: Mapping[str, Any]) -> "ProcessIdentity":
        """The identity among properties that `to_properties` gave."""
        return cls(
            host=str(properties["host"]),
            boot=str(properties["boot"]),
            pid=int(properties["pid"]),
            process_start=str(properties["process_start"]),
        )

    def to_properties(self) -> dict[str, str | int]:
        return asdict(self)

    def is_alive(self, observer: "ProcessIdentity") -> bool | None:
        """Whether it lives, as far as another process can see; None where that one is on another machine."""
        if not self.boot or (self.host, self.boot) != (observer.host, observer.boot):
            return None
        return _process_start(self.pid) == self.process_start


def this_process() -> ProcessIdentity:
    """The identity of the process that asks."""
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        boot = f"{kernel} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        boot = ""
    pid = os.getpid()
    return ProcessIdentity(socket.gethostname(), boot, pid, _process_start(pid) or "")


def _process_start(pid: int) -> str | None:
    """When a process of this machine started; None for one that has ended (a zombie has)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name before the bracket may hold anything.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]
