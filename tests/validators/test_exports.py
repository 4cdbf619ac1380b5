"""Every format of `lineage export`, of a genuine run, judged by the validator that others use for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.lineage.export import FORMATS
from tests.end_to_end.project import Project, copy_stories
from tests.validators.conftest import Validate

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Format -> the file that the command has written."""
    folder = tmp_path_factory.mktemp("exports")
    copy_stories(folder / "stories")
    left_out = sorted((folder / "stories").rglob("*.story"))[0].stem
    corpus = {"task": "cnn_dailymail", "path": "stories", "exclude": [left_out]}
    project = Project(folder, {"corpus": corpus})
    project.run()
    files = {name: folder / f"export.{name}" for name in FORMATS}
    for name, file in files.items():
        done = project.call(
            "lineage", "export", "latest", "--format", name, "-o", str(file), "--json"
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["format"] == name
        text = file.read_text()
        assert left_out not in text
        assert str(folder) not in text
        # No sentence of a story is in it.
        for story in (folder / "stories").rglob("*.story"):
            sentences = [each for each in story.read_text().splitlines() if len(each) > 40]
            assert not [each for each in sentences if each in text]
    return files


def judge(validate: Validate, name: str, file: Path) -> None:
    """Fails where the validator finds anything."""
    if name == "croissant":
        assert "warning" not in validate("mlcroissant", "validate", "--jsonld", file).lower()
    else:
        programs = {
            "intoto": "intoto_statement.py",
            "openlineage": "openlineage_events.py",
            "cyclonedx": "cyclonedx_bom.py",
        }
        validate(programs[name], file)


JUDGED = ("intoto", "openlineage", "cyclonedx", "croissant")


@pytest.mark.parametrize("name", JUDGED)
def test_has_no_error(validate: Validate, exports: dict[str, Path], name: str) -> None:
    judge(validate, name, exports[name])


def _first_line(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        first, *others = text.splitlines(keepends=True)
        document = json.loads(first)
        change(document)
        return "".join([json.dumps(document) + "\n", *others])

    return changed


def _whole(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return changed


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("intoto", _whole(lambda d: d["subject"][0].pop("digest"))),
        ("intoto", _whole(lambda d: d["predicate"]["runDetails"].update(unknown=1))),
        ("openlineage", _first_line(lambda e: e["run"].update(runId="1"))),
        ("openlineage", _first_line(lambda e: e["run"]["facets"]["parent"].update(unknown=1))),
        ("cyclonedx", _whole(lambda d: d["metadata"]["component"].update(type="model"))),
        ("cyclonedx", _whole(lambda d: d.update(unknown=1))),
        ("croissant", _whole(lambda d: d.pop("license"))),
        ("croissant", _whole(lambda d: d.update(distribution=[]))),
    ],
)
def test_the_validator_finds_what_is_wrong(
    validate: Validate,
    exports: dict[str, Path],
    tmp_path: Path,
    name: str,
    spoil: Callable[[str], str],
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(spoil(exports[name].read_text()))
    with pytest.raises(AssertionError):
        judge(validate, name, wrong)
