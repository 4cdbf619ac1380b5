"""Pusher run by its executor: what is staged whole, what is pushed again and what is not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Model, ModelBlessing, PushedModel

from components.artifacts import Attestation
from components.options import SERVING_VARIABLE
from components.pusher import Pusher
from preprocessing.base.digests import sha256_text
from serving.checksums import as_checksums
from serving.versions import ADDED_LATER, Versions
from tests.components.stages import artifact, execute
from trainer.export_layout import defaults_as_text
from trainer.options import GenerationOptions

Push = Callable[..., PushedModel]


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path / "serving")


@pytest.fixture
def push(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Push:
    """Pushes the model in tmp_path as an execution of the store."""
    model = artifact(Model, tmp_path / "model", digest="model-digest")
    write_model(tmp_path, "weights")
    attestation = artifact(Attestation, tmp_path / "attestation")
    (tmp_path / "attestation" / "provenance.json").write_text("{}")
    (tmp_path / "attestation" / "README.md").write_text("# Model card")
    monkeypatch.setenv(SERVING_VARIABLE, str(tmp_path / "serving"))
    component = Pusher(
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
        attestation=Channel(type=Attestation),
        sampling_defaults={"top_p": 0.5},
    )

    def push(execution: int, blessed: int = 1) -> PushedModel:
        blessing = artifact(ModelBlessing, tmp_path / "blessing", blessed=blessed)
        pushed = artifact(PushedModel, tmp_path / "pushed_model" / str(execution))
        execute(
            component,
            {"model": model, "model_blessing": blessing, "attestation": attestation},
            {"pushed_model": pushed},
            component.exec_properties,
        )
        return pushed

    return push


def write_model(folder: Path, weights: str) -> None:
    saved_model = folder / "model" / "Format-Serving"
    (saved_model / "variables").mkdir(parents=True, exist_ok=True)
    (saved_model / "saved_model.pb").write_text("graph")
    (saved_model / "variables" / "variables.index").write_text(weights)


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def version_of(pushed: PushedModel) -> str:
    return pushed.get_string_custom_property("pushed_version")


def test_a_blessed_model_is_staged_with_its_provenance(push: Push, versions: Versions) -> None:
    """The run publishes it once the store knows it."""
    pushed = push(23)
    expected = {
        "saved_model.pb": "graph",
        "variables/variables.index": "weights",
        "assets/sampling_defaults.txt": defaults_as_text(GenerationOptions(top_p=0.5)),
        "provenance.json": "{}",
        "README.md": "# Model card",
    }
    listed = as_checksums({name: sha256_text(text) for name, text in expected.items()})
    assert files(versions.staged_path("23")) == {**expected, "SHA256SUMS": listed}
    assert pushed.get_int_custom_property("pushed") == 1
    assert version_of(pushed) == "23"
    assert pushed.get_string_custom_property("pushed_destination") == str(versions.path("23"))
    assert pushed.get_string_custom_property("model_digest") == "model-digest"
    assert os.listdir(versions.folder) == [".staged-23"]


def test_a_model_that_is_not_blessed_changes_nothing(push: Push, versions: Versions) -> None:
    pushed = push(23, blessed=0)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not pushed.has_custom_property("pushed_version")
    assert not versions.folder.exists()


def test_a_push_that_breaks_off_leaves_nothing(
    push: Push, versions: Versions, tmp_path: Path
) -> None:
    push(23)
    versions.publish("23")
    (tmp_path / "attestation" / "README.md").write_text("# Another card")
    (tmp_path / "attestation" / "provenance.json").unlink()
    with pytest.raises(FileNotFoundError):
        push(30)
    assert os.listdir(versions.folder) == ["23"]


def test_the_same_model_again_is_the_same_version(
    push: Push, versions: Versions, tmp_path: Path
) -> None:
    push(23)
    versions.publish("23")
    write_model(tmp_path, "other weights")
    assert version_of(push(30)) == "30"
    versions.publish("30")
    write_model(tmp_path, "weights")
    assert version_of(push(35)) == "23"
    assert (versions.names(), versions.staged()) == (["23", "30"], [])


def test_a_version_that_was_signed_since_is_the_same(push: Push, versions: Versions) -> None:
    push(23)
    versions.publish("23")
    for added in ADDED_LATER:
        (versions.path("23") / added).write_text("{}")
    assert version_of(push(30)) == "23"


def damage_by_change(folder: Path) -> None:
    (folder / "variables" / "variables.index").write_text("WEIGHTS")


def damage_by_loss(folder: Path) -> None:
    (folder / "README.md").unlink()


def damage_by_addition(folder: Path) -> None:
    (folder / "variables" / "variables.data-00000-of-00001").write_text("more weights")


def damage_whole(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "damage", [damage_by_change, damage_by_loss, damage_by_addition, damage_whole]
)
def test_a_damaged_version_is_not_taken_for_the_same(
    push: Push, versions: Versions, damage: Callable[[Path], None]
) -> None:
    push(23)
    versions.publish("23")
    damage(versions.path("23"))
    assert version_of(push(30)) == "30"
    assert files(versions.staged_path("30"))["variables/variables.index"] == "weights"


def test_the_same_weights_with_other_provenance_are_another_version(
    push: Push, versions: Versions, tmp_path: Path
) -> None:
    push(23)
    versions.publish("23")
    (tmp_path / "attestation" / "provenance.json").write_text('{"blessed": true}')
    assert version_of(push(30)) == "30"
    assert (versions.names(), versions.staged()) == (["23"], ["30"])


def test_a_store_that_begins_anew_does_not_reuse_a_number(
    push: Push, versions: Versions, tmp_path: Path
) -> None:
    push(23)
    versions.publish("23")
    for execution, expected in ((23, "24"), (7, "25"), (40, "40")):
        write_model(tmp_path, f"weights of {expected}")
        assert version_of(push(execution)) == expected
    assert files(versions.path("23"))["variables/variables.index"] == "weights"
