"""What a pushed folder says of itself: its files, and who has signed them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline import cli
from pipeline.claims.chain import append_claims, read_claims
from pipeline.signing import KEY_VARIABLE, Signer, signed_files
from pipeline.version_signing import VersionSigner
from preprocessing.base.digests import sha256_text
from serving.checksums import CHECKSUMS, as_checksums
from serving.versions import SIGNATURE
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of
from tests.pipeline.signing_keys import Keys, key_pair

FILES = {"saved_model.pb": "graph", "variables/variables.index": "weights", "provenance.json": "{}"}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A pushed folder on a machine that has nothing else."""
    folder = tmp_path / "copied" / "23"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / CHECKSUMS).write_text(as_checksums({n: sha256_text(t) for n, t in FILES.items()}))
    return folder


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return key_pair(tmp_path, "key")


Verify = Callable[..., tuple[int, Any]]


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Asks `lineage verify` for people and for programs; returns its status and its document."""

    def call(model: Path, *arguments: str, config: Path = tmp_path / "none.yaml") -> Any:
        command = ["--config", str(config), "lineage", "verify", str(model), *arguments]
        status = cli.main(command)
        assert capsys.readouterr().out.strip()
        assert cli.main([*command, "--json"]) == status
        return status, document_of("lineage-verify", capsys.readouterr().out)

    return call


def named(document: Any) -> list[str]:
    return [Path(mismatch["path"]).name for mismatch in document["mismatches"]]


class TestCopiedFolder:
    def test_is_checked_by_its_own_statement_without_store_and_configuration(
        self, copied: Path, verify: Verify
    ) -> None:
        status, document = verify(copied)
        assert (status, document["ok"], document["mismatches"]) == (0, True, [])
        assert document["checked"] == len(FILES) + 1
        assert document["signature"] == {"state": "none", "reason": ""}
        assert any("no store" in text for text in document["unknown"])

    @pytest.mark.parametrize("name", FILES)
    def test_names_a_changed_byte(self, copied: Path, verify: Verify, name: str) -> None:
        content = bytearray((copied / name).read_bytes())
        content[-1] ^= 1
        (copied / name).write_bytes(content)
        status, document = verify(copied)
        assert (status, document["ok"], named(document)) == (1, False, [Path(name).name])

    def test_names_what_is_missing_what_is_too_much_and_links(
        self, copied: Path, verify: Verify
    ) -> None:
        (copied / "saved_model.pb").unlink()
        (copied / ".hidden").write_text("x")
        (copied / "provenance.json").rename(copied.parent / "elsewhere")
        (copied / "provenance.json").symlink_to(copied.parent / "elsewhere")
        status, document = verify(copied)
        assert status == 1
        assert named(document) == [".hidden", "provenance.json", "saved_model.pb"]

    def test_a_statement_that_was_changed_does_not_hide_a_change(
        self, copied: Path, verify: Verify
    ) -> None:
        """Without a signature whoever changes a file can change the statement too; but both must agree."""
        lines = (copied / CHECKSUMS).read_text().splitlines(keepends=True)
        (copied / CHECKSUMS).write_text("".join(lines[1:]))
        assert verify(copied)[0] == 1

    @pytest.mark.skipif(shutil.which("sha256sum") is None, reason="coreutils")
    def test_the_statement_is_one_that_coreutils_check(self, copied: Path) -> None:
        check = ["sha256sum", "--check", "--strict", "--quiet", CHECKSUMS]
        assert subprocess.run(check, cwd=copied, check=False).returncode == 0
        (copied / "saved_model.pb").write_text("Graph")
        assert subprocess.run(check, cwd=copied, check=False).returncode == 1

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            (CHECKSUMS, None, "not a pushed model"),
            (CHECKSUMS, "nonsense\n", "line 1"),
            (CHECKSUMS, f"{'0' * 64}  ../outside\n", "line 1"),
            (CHECKSUMS, f"{'0' * 64}  /etc/passwd\n", "line 1"),
            (CHECKSUMS, f"{'0' * 64}  a\n" * 2, "line 2"),
            ("provenance.json", '{"statement": "gpt2-tfx provenance 99"}', "version 99"),
        ],
    )
    def test_what_states_nothing_that_is_known_is_refused(
        self,
        copied: Path,
        capsys: pytest.CaptureFixture[str],
        name: str,
        text: str | None,
        message: str,
    ) -> None:
        if text is None:
            (copied / name).unlink()
        else:
            (copied / name).write_text(text)
        config = ["--config", str(copied.parent / "none.yaml")]
        assert cli.main([*config, "lineage", "verify", str(copied)]) == 2
        assert message in capsys.readouterr().err


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one model was pushed without a key."""
    folder = tmp_path_factory.mktemp("pushed")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "one.txt").write_text("One.\n")
    (folder / "pipeline.yaml").write_text("corpus:\n  task: text\n  path: corpus\n")
    Launches(folder / "pipeline.yaml").run("run-1")
    return folder


@pytest.fixture
def launches(template: Path, tmp_path: Path) -> Launches:
    """A copy of the folder."""
    shutil.copytree(template, tmp_path / "project", symlinks=True)
    return Launches(tmp_path / "project" / "pipeline.yaml")


@pytest.fixture
def signed(launches: Launches, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The version, signed by a run that had nothing else to do."""
    monkeypatch.setenv(KEY_VARIABLE, str(keys[0]))
    run = launches.run("run-2")
    assert set(run.nodes.values()) == {"cached"}
    return launches.versions.path(str(run.pushed))


class TestSignature:
    def test_a_key_that_comes_later_signs_what_is_there_without_running_a_node(
        self, signed: Path, keys: Keys, launches: Launches, verify: Verify
    ) -> None:
        files = {"weights", "provenance.json", "README.md"}
        assert set(signed_files((signed / SIGNATURE).read_bytes())) == files
        status, document = verify(signed, "--key", str(keys[1]), config=launches.config_file)
        assert (status, document["signature"]["state"]) == (0, "valid")
        before = (signed / SIGNATURE).read_bytes()
        assert set(launches.run("run-3").nodes.values()) == {"cached"}
        assert (signed / SIGNATURE).read_bytes() == before

    def test_is_a_sigstore_bundle_around_an_in_toto_statement(self, signed: Path) -> None:
        bundle = json.loads((signed / SIGNATURE).read_text())
        assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
        assert bundle["dsseEnvelope"]["payloadType"] == "application/vnd.in-toto+json"

    def test_is_accepted_by_the_command_line_of_its_format(
        self, signed: Path, keys: Keys, tmp_path: Path
    ) -> None:
        """Elsewhere, with a claim that was appended."""
        place = tmp_path / "elsewhere" / signed.name
        shutil.copytree(signed, place)
        signer = Signer.of_environment({KEY_VARIABLE: str(keys[0])})
        assert signer is not None
        append_claims(place, signer, [("urn:x:revocation", {"reason": "unsafe"})])
        assert [claim.type for claim in read_claims(place)][-1] == "urn:x:revocation"
        command = [sys.executable, "-m", "model_signing", "verify", "key"]
        options = ["--signature", str(place / SIGNATURE), "--public_key", str(keys[1])]
        done = subprocess.run([*command, *options, str(place)], capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_a_changed_file_a_changed_statement_and_another_key_are_refused_with_the_reason(
        self, copied: Path, keys: Keys, tmp_path: Path, verify: Verify
    ) -> None:
        self.sign(copied, keys)
        key = ["--key", str(keys[1])]
        assert verify(copied, *key)[1]["signature"] == {"state": "valid", "reason": ""}
        assert verify(copied)[1]["signature"]["state"] == "not checked"

        (copied / "saved_model.pb").write_text("other")
        listed = {n: sha256_text((copied / n).read_text()) for n in FILES}
        (copied / CHECKSUMS).write_text(as_checksums(listed))
        assert verify(copied)[0] == 0  # Whoever changes both is found by the signature alone.
        status, document = verify(copied, *key)
        assert (status, document["ok"], document["signature"]["state"]) == (1, False, "refused")
        assert document["signature"]["reason"] == f"not as signed: {CHECKSUMS}, saved_model.pb"
        self.sign(copied, keys)

        _, other = key_pair(tmp_path, "other", ec.SECP384R1())
        status, document = verify(copied, "--key", str(other))
        assert (status, document["mismatches"]) == (1, [])
        assert "Key mismatch" in document["signature"]["reason"]

        bundle = json.loads((copied / SIGNATURE).read_text())
        for damage in (self.other_payload, self.no_signature, self.no_envelope):
            (copied / SIGNATURE).write_text(json.dumps(damage(json.loads(json.dumps(bundle)))))
            status, document = verify(copied, *key)
            assert (status, document["signature"]["state"]) == (1, "refused"), damage
            assert document["signature"]["reason"]

    def sign(self, folder: Path, keys: Keys) -> None:
        signer = Signer.of_environment({KEY_VARIABLE: keys[0].read_text()})
        assert signer is not None
        (folder / SIGNATURE).unlink(missing_ok=True)
        (folder / SIGNATURE).write_bytes(signer.sign(folder))

    def other_payload(self, bundle: Any) -> Any:
        bundle["dsseEnvelope"]["payload"] = bundle["dsseEnvelope"]["payload"][:-8] + "AAAAAAA="
        return bundle

    def no_signature(self, bundle: Any) -> Any:
        bundle["dsseEnvelope"]["signatures"] = []
        return bundle

    def no_envelope(self, bundle: Any) -> Any:
        del bundle["dsseEnvelope"]
        return bundle

    def test_a_version_without_one_is_refused_where_a_key_is_named(
        self, copied: Path, keys: Keys, verify: Verify
    ) -> None:
        status, document = verify(copied, "--key", str(keys[1]))
        assert (status, document["signature"]["state"]) == (1, "refused")

    @pytest.mark.parametrize("name", ["weights", "foreign", ".hidden"])
    def test_a_version_that_is_not_what_was_recorded_is_named_and_not_signed(
        self, launches: Launches, keys: Keys, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        version = launches.versions.path(launches.versions.names()[0])
        (version / name).write_text("x")
        (said,) = self.sign_all(launches, keys, monkeypatch)
        assert version.name in said
        assert not (version / SIGNATURE).exists()

    def test_a_version_that_the_store_does_not_know_is_not_signed(
        self, launches: Launches, keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (known,) = launches.versions.names()
        shutil.copytree(launches.versions.path(known), launches.versions.path("999"))
        (said,) = self.sign_all(launches, keys, monkeypatch)
        assert "999" in said
        assert not (launches.versions.path("999") / SIGNATURE).exists()
        assert (launches.versions.path(known) / SIGNATURE).exists()

    def sign_all(
        self, launches: Launches, keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> list[str]:
        """Do what a run does at its end; returns what it said."""
        monkeypatch.setenv(KEY_VARIABLE, str(keys[0]))
        run, said = launches.new("run-2"), list[str]()
        VersionSigner(run.loaded, run.store, run.world.manifests).sign(said.append)
        run.close()
        return said

    def test_a_signature_is_nothing_that_a_run_minds(self, signed: Path, verify: Verify) -> None:
        config = signed.parents[2] / "pipeline.yaml"
        assert verify(signed, config=config)[0] == 0
        (signed / "claims").write_text("x")
        assert named(verify(signed, config=config)[1]) == ["claims"]

    def test_the_key_is_in_no_file_of_the_workspace(
        self, signed: Path, keys: Keys, launches: Launches
    ) -> None:
        secret = "".join(keys[0].read_text().splitlines()[1:-1]).encode()
        files = [path for path in (signed.parents[1]).rglob("*") if path.is_file()]
        assert len(files) > 10
        assert not [path for path in files if secret[:40] in path.read_bytes()]

    @pytest.mark.parametrize("kind", ["public", "none", "missing", "curve", "encrypted"])
    def test_what_is_no_key_is_refused_before_anything_runs(
        self,
        launches: Launches,
        keys: Keys,
        kind: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        curve = ec.generate_private_key(ec.SECP256K1())
        private = serialization.load_pem_private_key(keys[0].read_bytes(), None)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        value = {
            "public": str(keys[1]),
            "none": "-----BEGIN PRIVATE KEY-----\nsecretsecret\n-----END PRIVATE KEY-----\n",
            "missing": str(tmp_path / "nowhere"),
            "curve": curve.private_bytes(*form, serialization.NoEncryption()).decode(),
            "encrypted": private.private_bytes(
                *form, serialization.BestAvailableEncryption(b"x")
            ).decode(),
        }[kind]
        monkeypatch.setenv(KEY_VARIABLE, value)
        assert cli.main(["--config", str(launches.config_file), "run"]) == 2
        said = capsys.readouterr()
        assert KEY_VARIABLE in said.err
        assert "secretsecret" not in said.out + said.err
        assert "Traceback" not in said.err
