"""What a version holds: links to the files of a version with the same model, and its own sampling defaults."""

from pathlib import Path

import pytest

from components.pusher import fill_version, same_version
from serving.versions import Versions
from trainer.export_layout import defaults_as_text
from trainer.options import GenerationOptions

DEFAULTS = GenerationOptions()
OTHER = GenerationOptions(top_p=0.5, max_new_tokens=7)
WEIGHTS = "variables/variables.data-00000-of-00001"


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path / "serving")


def model(tmp_path: Path, weights: str) -> Path:
    """A SavedModel's files as an export leaves them."""
    folder = tmp_path / "model"
    contents = {
        "saved_model.pb": "graph",
        WEIGHTS: weights * 100,
        "assets/sampling_defaults.txt": defaults_as_text(DEFAULTS),
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def attestation(tmp_path: Path) -> Path:
    (tmp_path / "attestation").mkdir()
    (tmp_path / "attestation" / "provenance.json").write_text("{}")
    (tmp_path / "attestation" / "README.md").write_text("# Model card")
    return tmp_path / "attestation"


def push(
    versions: Versions, version: str, model: Path, attestation: Path, defaults: GenerationOptions
) -> Path:
    folder = versions.path(version)
    folder.mkdir(parents=True)
    fill_version(folder, model, attestation, defaults, versions)
    return folder


def test_other_defaults_cost_small_files_and_the_rest_is_linked(
    versions: Versions, tmp_path: Path, attestation: Path
) -> None:
    first = push(versions, "1", model(tmp_path, "w"), attestation, DEFAULTS)
    second = push(versions, "2", model(tmp_path, "w"), attestation, OTHER)
    for name in ("saved_model.pb", WEIGHTS):
        assert (second / name).samefile(first / name)
    assert (first / "assets/sampling_defaults.txt").read_text() == defaults_as_text(DEFAULTS)
    assert (second / "assets/sampling_defaults.txt").read_text() == defaults_as_text(OTHER)


def test_another_model_is_copied_and_no_artifact_is_linked(
    versions: Versions, tmp_path: Path, attestation: Path
) -> None:
    first = push(versions, "1", model(tmp_path, "w"), attestation, DEFAULTS)
    second = push(versions, "2", model(tmp_path, "v"), attestation, DEFAULTS)
    assert not (second / WEIGHTS).samefile(first / WEIGHTS)
    assert not (first / WEIGHTS).samefile(tmp_path / "model" / WEIGHTS)
    assert (second / WEIGHTS).read_text() == "v" * 100


def test_a_version_that_somebody_changed_is_no_source_of_links(
    versions: Versions, tmp_path: Path, attestation: Path
) -> None:
    first = push(versions, "1", model(tmp_path, "w"), attestation, DEFAULTS)
    (first / WEIGHTS).write_text("x" * 100)
    second = push(versions, "2", model(tmp_path, "w"), attestation, OTHER)
    assert (second / WEIGHTS).read_text() == "w" * 100


def test_a_version_is_the_same_only_with_the_same_defaults(
    versions: Versions, tmp_path: Path, attestation: Path
) -> None:
    saved = model(tmp_path, "w")
    push(versions, "1", saved, attestation, OTHER)
    assert same_version(versions, saved, attestation, OTHER) == "1"
    assert same_version(versions, saved, attestation, DEFAULTS) is None
