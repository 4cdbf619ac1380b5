"""What content from outside consisted of."""

from pathlib import Path

import pytest

from pipeline.outside_files import OutsideFiles
from preprocessing.base.digests import combine

TREE = {"a.txt": "1" * 64, "b.txt": "2" * 64, "c/d.txt": "3" * 64}


class TestKeptFiles:
    def test_are_found_by_their_digest(self, tmp_path: Path) -> None:
        files = OutsideFiles(tmp_path / "outside")
        files.keep(TREE)
        assert files.read(combine(TREE)) == TREE
        assert files.read(combine({})) is None

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"a.txt": 1}', '{"a.txt": "9"}'])
    def test_are_not_believed_where_they_are_not_of_their_digest(
        self, tmp_path: Path, text: str
    ) -> None:
        files = OutsideFiles(tmp_path)
        files.keep(TREE)
        (tmp_path / f"{combine(TREE)}.json").write_text(text)
        assert files.read(combine(TREE)) is None
