"""Which paths lie on network file systems, by lists of mounts as the kernel writes them."""

from pathlib import Path

import pytest

from pipeline.file_systems import network_file_system

MOUNTS = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:40 / /home rw,relatime shared:7 master:1 - nfs4 server:/home rw
24 23 254:1 / /home/me/scratch rw - xfs /dev/vdb rw
25 22 0:41 / /srv/my\040share rw - cifs //server/share rw
26 22 0:42 / /far rw - fuse.sshfs me@host: rw
27 22 0:43 / /near rw - fuse.ntfs /dev/sdb1 rw
28 22 0:44 / /twice rw - nfs server:/a rw
29 28 0:45 / /twice rw - tmpfs tmpfs rw
30 22 0:46 / /cluster rw - lustre mds@tcp:/fs rw
a line of a kernel to come
""".lstrip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/workspace", None),
        ("/home/me/workspace/metadata.sqlite", "nfs4"),
        ("/home", "nfs4"),
        ("/homely", None),
        ("/home/me/scratch/workspace", None),
        ("/srv/my share/workspace", "cifs"),
        ("/far/workspace", "fuse.sshfs"),
        ("/near/workspace", None),
        ("/twice/workspace", None),
        ("/cluster/a/../b", "lustre"),
    ],
)
def test_the_mount_that_a_path_lies_on_decides(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network_file_system(Path(path), mounts) == kind


def test_where_nobody_says_it_is_a_local_one(tmp_path: Path) -> None:
    assert network_file_system(tmp_path, tmp_path / "none") is None
