"""Which packages differ between two locks."""

from pathlib import Path

import pytest

from pipeline.lock_changes import described_packages, find_lock
from preprocessing.base.digests import sha256_bytes

LOCK = b"numpy==2.4.6 \\\n    --hash=sha256:12 \\\n    --hash=sha256:34\npyarrow==18.1.0 \\\n    --hash=sha256:56\n"


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (LOCK, ""),
        (LOCK.replace(b"18.1.0", b"19.0"), "pyarrow 18.1.0 -> 19.0"),
        (LOCK + b"six==1.17.0\n", "six none -> 1.17.0"),
        (b"six==1.17.0\n", "numpy 2.4.6 -> none, pyarrow 18.1.0 -> none, six none -> 1.17.0"),
        (
            LOCK + b"".join(b"p%d==1\n" % number for number in range(8)),
            "p0 none -> 1, p1 none -> 1, p2 none -> 1, p3 none -> 1, p4 none -> 1, and 3 more",
        ),
    ],
)
def test_the_packages_that_differ_are_named_with_both_versions(now: bytes, text: str) -> None:
    assert described_packages(LOCK, now) == text


def test_an_earlier_lock_is_found_in_the_snapshots_of_the_code(tmp_path: Path) -> None:
    for name, content in (("one", LOCK), ("two", b"other")):
        (tmp_path / name / "requirements").mkdir(parents=True)
        (tmp_path / name / "requirements" / "cpu.lock").write_bytes(content)
    assert find_lock(tmp_path, "requirements/cpu.lock", sha256_bytes(LOCK)) == LOCK
    assert find_lock(tmp_path, "requirements/cpu.lock", sha256_bytes(b"")) is None
    assert find_lock(tmp_path / "absent", "requirements/cpu.lock", sha256_bytes(LOCK)) is None
