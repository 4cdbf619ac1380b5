"""What the processes of nodes are started with."""

import os
from multiprocessing import forkserver
from pathlib import Path

import pytest

from pipeline.node_process import start_warm_server


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", "glibc.malloc.hugetlb=1"), ("glibc.malloc.check=0", "glibc.malloc.check=0")],
)
def test_nodes_ask_for_huge_pages_unless_the_user_tunes_memory(
    given: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", given)
    if not given:
        monkeypatch.delenv("GLIBC_TUNABLES")
    seen = []
    monkeypatch.setattr(
        forkserver, "ensure_running", lambda: seen.append(os.environ["GLIBC_TUNABLES"])
    )
    start_warm_server(tmp_path / "warm_server.log")
    assert seen == [expected]
