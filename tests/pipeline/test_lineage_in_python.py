"""The page about lineage in Python: its lines do what it says."""

import re
import shutil
from pathlib import Path

import pytest

# What a line prints that the page shows.
_CELL = re.compile(r"```python\n(.*?)```\n(?:\n((?:    [^\n]*\n)+))?", re.DOTALL)


def test_the_cells_of_the_page_run_and_print_what_stands_below_them(
    five_models_folder: tuple[Path, dict[str, str]],
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(five_models_folder[0], tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    page = (root / "docs" / "lineage-in-python.md").read_text(encoding="utf-8")
    cells = _CELL.findall(page)
    assert len(cells) == page.count("```python")
    names: dict[str, object] = {}
    for code, printed in cells:
        exec(code, names)
        found = capsys.readouterr().out
        if printed:
            assert found.split() == printed.split()
