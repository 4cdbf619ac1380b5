from pathlib import Path

import pytest

from preprocessing.base.places import plain_path


@pytest.mark.parametrize("name", ["exp [1]", "what?", "a*b"])
def test_a_path_that_looks_like_a_pattern_is_reached_by_one_that_does_not(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name / "folder").mkdir(parents=True)
    (tmp_path / name / "ckpt-1.index").write_text("here")
    with plain_path(tmp_path / name / "folder") as folder:
        assert folder.resolve() == tmp_path / name / "folder"
    with plain_path(tmp_path / name / "ckpt-1") as prefix:
        assert not set("*?[") & set(str(prefix))
        assert Path(f"{prefix}.index").read_text() == "here"
    assert not prefix.parent.exists()
    assert (tmp_path / name / "ckpt-1.index").exists()


def test_any_other_path_stays_as_it_is(tmp_path: Path) -> None:
    with plain_path(tmp_path) as path:
        assert path is tmp_path
