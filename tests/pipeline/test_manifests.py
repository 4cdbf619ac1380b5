import os
import shutil
from pathlib import Path

import pytest

from pipeline.manifests import Manifest, Manifests, Mismatch, content_root
from pipeline.store import StoredArtifact
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.file_state import FileState


@pytest.fixture
def manifests(tmp_path: Path) -> Manifests:
    return Manifests(tmp_path / "manifests", FileDigests(tmp_path / "memory.sqlite"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An artifact's folder of two files."""
    made = tmp_path / "artifact"
    (made / "Split-train").mkdir(parents=True)
    (made / "Split-train" / "rows.gz").write_bytes(b"rows")
    (made / "statistics.json").write_bytes(b"{}")
    return made


def artifact(path: Path, manifest: str = "", type_: str = "Examples") -> StoredArtifact:
    return StoredArtifact(1, type_, str(path), {"manifest_digest": manifest})


def recorded(manifests: Manifests, path: Path) -> StoredArtifact:
    return artifact(path, manifests.write(manifests.describe(artifact(path))))


class TestDescribing:
    def test_names_size_and_digest_of_every_file(self, manifests: Manifests, folder: Path) -> None:
        assert manifests.describe(artifact(folder)).files == {
            "Split-train/rows.gz": (4, sha256_bytes(b"rows")),
            "statistics.json": (2, sha256_bytes(b"{}")),
        }

    def test_a_single_file_is_described_by_its_name(
        self, manifests: Manifests, folder: Path
    ) -> None:
        described = manifests.describe(artifact(folder / "statistics.json"))
        assert described.files == {"statistics.json": (2, sha256_bytes(b"{}"))}

    def test_the_content_of_a_pushed_model_is_its_version(self, tmp_path: Path) -> None:
        pushed = StoredArtifact(1, "PushedModel", "/artifacts/7", {"pushed_destination": "/s/7"})
        assert content_root(pushed) == Path("/s/7")
        assert content_root(artifact(tmp_path)) == tmp_path


class TestCanonicalDigests:
    def test_depend_on_names_and_content(self) -> None:
        manifests = [
            Manifest({"a": (1, "x")}),
            Manifest({"a": (1, "y")}),
            Manifest({"b": (1, "x")}),
            Manifest({"a": (1, "x"), "b": (1, "x")}),
        ]
        assert len({manifest.canonical("Examples") for manifest in manifests}) == 4

    def test_do_not_depend_on_the_order(self) -> None:
        one, other = (
            Manifest({"a": (1, "x"), "b": (2, "y")}),
            Manifest({"b": (2, "y"), "a": (1, "x")}),
        )
        assert one.canonical("Examples") == other.canonical("Examples")

    @pytest.mark.parametrize(
        ("type_", "name"),
        [
            ("ModelRun", "history.json"),
            ("ModelEvaluation", "evaluation.html"),
            ("CorpusReport", "corpus.html"),
        ],
    )
    def test_leave_out_what_differs_between_equal_results(self, type_: str, name: str) -> None:
        kept = {"metrics.json": (1, "m")} if type_ != "ModelRun" else {}
        one, other = (Manifest({**kept, name: (1, digest)}) for digest in "xy")
        assert one.canonical(type_) == other.canonical(type_)
        assert one.canonical("Examples") != other.canonical("Examples")

    def test_keep_the_rest_of_such_an_artifact(self) -> None:
        one, other = (Manifest({"Format-Serving/saved_model.pb": (1, digest)}) for digest in "xy")
        assert one.canonical("Model") != other.canonical("Model")


class TestKeeping:
    def test_a_manifest_is_read_as_it_was_written(self, manifests: Manifests, folder: Path) -> None:
        described = manifests.describe(artifact(folder))
        assert manifests.read(manifests.write(described)) == described

    def test_writing_it_again_changes_nothing(
        self, manifests: Manifests, folder: Path, tmp_path: Path
    ) -> None:
        described = manifests.describe(artifact(folder))
        assert manifests.write(described) == manifests.write(described)
        assert len(list((tmp_path / "manifests").iterdir())) == 1

    def test_an_unknown_one_is_none(self, manifests: Manifests) -> None:
        assert manifests.read("0" * 64) is None

    def test_a_changed_one_is_none(
        self, manifests: Manifests, folder: Path, tmp_path: Path
    ) -> None:
        digest = manifests.write(manifests.describe(artifact(folder)))
        path = tmp_path / "manifests" / f"{digest}.json"
        path.write_text(path.read_text().replace("4", "5", 1))
        assert manifests.read(digest) is None


class TestMismatches:
    def test_none_in_an_intact_artifact(self, manifests: Manifests, folder: Path) -> None:
        assert list(manifests.mismatches(recorded(manifests, folder))) == []

    def test_none_in_a_single_file(self, manifests: Manifests, folder: Path) -> None:
        assert list(manifests.mismatches(recorded(manifests, folder / "statistics.json"))) == []

    def test_a_missing_file_has_no_actual_digest(self, manifests: Manifests, folder: Path) -> None:
        stored = recorded(manifests, folder)
        path = folder / "statistics.json"
        path.unlink()
        assert list(manifests.mismatches(stored)) == [Mismatch(str(path), sha256_bytes(b"{}"), "")]

    def test_a_missing_folder_is_every_file_missing(
        self, manifests: Manifests, folder: Path
    ) -> None:
        stored = recorded(manifests, folder)
        shutil.rmtree(folder)
        assert [m.actual for m in manifests.mismatches(stored)] == ["", ""]

    def test_a_changed_file_has_both_digests(self, manifests: Manifests, folder: Path) -> None:
        stored = recorded(manifests, folder)
        path = folder / "Split-train" / "rows.gz"
        path.write_bytes(b"swor")
        assert list(manifests.mismatches(stored)) == [
            Mismatch(str(path), sha256_bytes(b"rows"), sha256_bytes(b"swor"))
        ]

    def test_a_foreign_file_has_no_expected_digest(
        self, manifests: Manifests, folder: Path
    ) -> None:
        stored = recorded(manifests, folder)
        path = folder / "Split-train" / "more.gz"
        path.write_bytes(b"more")
        assert list(manifests.mismatches(stored)) == [
            Mismatch(str(path), "", sha256_bytes(b"more"))
        ]

    def test_a_lost_manifest_is_a_mismatch_itself(
        self, manifests: Manifests, folder: Path, tmp_path: Path
    ) -> None:
        stored = recorded(manifests, folder)
        shutil.rmtree(tmp_path / "manifests")
        (mismatch,) = manifests.mismatches(stored)
        assert (mismatch.expected, mismatch.actual) == (stored.manifest_digest, "")

    def test_without_trust_a_change_behind_an_unchanged_stat_is_found(
        self, manifests: Manifests, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("preprocessing.base.file_digests.is_settled", lambda stat, now_ns: True)
        stored = recorded(manifests, folder)
        (folder / "statistics.json").write_bytes(b"[]")
        monkeypatch.setattr(
            "preprocessing.base.file_digests.state_of", lambda stat: FileState(0, 0, 0, 0)
        )
        manifests._digests._learned = {
            name: (FileState(0, 0, 0, 0), digest)
            for name, (_, digest) in manifests._digests._learned.items()
        }
        assert list(manifests.mismatches(stored, trust_memory=True)) == []
        assert len(list(manifests.mismatches(stored, trust_memory=False))) == 1

    def test_a_touched_file_is_intact(self, manifests: Manifests, folder: Path) -> None:
        stored = recorded(manifests, folder)
        os.utime(folder / "statistics.json", (1, 1))
        assert list(manifests.mismatches(stored)) == []
