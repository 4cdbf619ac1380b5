"""Which file system a path lies on, as the kernel's list of mounts says (Python has no statfs that tells the type)."""

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

# Where locks are of another machine, and nobody is told of what others change.
_NETWORK = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs"),
        *("nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs"),
    )
)
_NETWORK_FUSE = frozenset(
    (
        *("ceph-fuse", "davfs2", "gcsfuse", "glusterfs", "juicefs", "nfs-ganesha", "rclone"),
        *("s3fs", "smbnetfs", "sshfs"),
    )
)


def network_file_system(path: Path, mounts: Path | None = None) -> str | None:
    """The type of the network file system that a path lies on, or will; None on a local one, or where nobody says."""
    try:
        lines = (mounts or MOUNTS).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    place, found, longest = path.resolve(), None, -1
    for line in lines.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()[:1]
        if len(fields) < 5 or not kind:
            continue
        point = Path(_unescaped(fields[4]))
        # Of two mounts at one place the later one lies above.
        if len(point.parts) >= longest and place.is_relative_to(point):
            found, longest = kind[0], len(point.parts)
    return found if found is not None and _is_network(found) else None


def _is_network(kind: str) -> bool:
    return kind in _NETWORK or kind.removeprefix("fuse.") in _NETWORK_FUSE


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
