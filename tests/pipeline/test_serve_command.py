"""`serve` before it serves: addresses, and versions that are not what was pushed; and `generate --stream`."""

import socket
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.listening import listening_on, open_to_others
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact
from pipeline.version_check import CHECKS, Check, check_version
from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import FailureError, InputError
from preprocessing.base.file_digests import FileDigests
from serving.checksums import CHECKSUMS, as_checksums, files_of_version, stated_digest
from tests.pipeline.conftest import WriteConfig
from tests.trainer.random_models import random_model
from trainer.config import GPT2Config
from trainer.weights.openai import write_openai

CONFIG = GPT2Config(vocabulary_size=257, context=16, width=8, heads=2, layers=1)


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """A folder that states its two files."""
    folder = tmp_path / "7"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("graph")
    (folder / "variables" / "data").write_text("weights")
    digests = {name: sha256_file(path) for name, path in files_of_version(folder)}
    (folder / CHECKSUMS).write_text(as_checksums(digests))
    return folder


class TestVersions:
    @pytest.mark.parametrize("how", CHECKS)
    def test_what_was_pushed_is_served_signed_or_not(self, version: Path, how: Check) -> None:
        assert check_version(version, how) is None
        (version / "model.sig").write_text("{}")
        assert check_version(version, how) is None

    @pytest.mark.parametrize("how", ["stat", "full"])
    def test_a_file_that_is_missing_or_too_many_is_named(self, version: Path, how: Check) -> None:
        (version / "variables" / "data").unlink()
        (version / "added").write_text("")
        named = f"not what was pushed: {version / 'added'}, {version / 'variables' / 'data'}"
        with pytest.raises(FailureError, match=named):
            check_version(version, how)
        assert check_version(version, "off") is None

    @pytest.mark.parametrize("how", ["stat", "full"])
    def test_a_link_is_no_file_of_a_version(self, version: Path, how: Check) -> None:
        data = version / "variables" / "data"
        data.rename(version.parent / "elsewhere")
        data.symlink_to(version.parent / "elsewhere")
        with pytest.raises(FailureError, match=f"not what was pushed: {data}"):
            check_version(version, how)

    def test_a_file_that_was_changed_is_named_where_all_are_hashed(self, version: Path) -> None:
        (version / "saved_model.pb").write_text("other")
        assert check_version(version, "stat") is None
        with pytest.raises(FailureError, match=f"{version / 'saved_model.pb'}.*lineage verify"):
            check_version(version, "full")

    def test_of_many_files_a_few_are_named(self, version: Path) -> None:
        for number in range(9):
            (version / f"added{number}").write_text("")
        with pytest.raises(FailureError, match="added4 and 4 more"):
            check_version(version, "stat")

    def test_a_folder_that_states_no_files_is_served_with_a_word(self, version: Path) -> None:
        (version / CHECKSUMS).unlink()
        assert check_version(version, "off") is None
        assert check_version(version, "stat") == (
            f"{version} has no {CHECKSUMS}: nothing could be checked"
        )
        with pytest.raises(InputError, match="Serve a pushed version, or use --verify off"):
            check_version(version, "full")

    def test_its_digest_is_that_of_the_pushed_model_in_the_store(
        self, version: Path, tmp_path: Path
    ) -> None:
        (version / "model.sig").write_text("{}")
        manifests = Manifests(tmp_path / "manifests", FileDigests(tmp_path / "digests.sqlite"))
        manifest = manifests.describe(StoredArtifact(1, "PushedModel", str(version)))
        assert stated_digest(version) == manifest.canonical("PushedModel")


class TestAddresses:
    @pytest.fixture
    def serve(self, config_file: Path, version: Path) -> list[str]:
        return ["--config", str(config_file), "serve", str(version)]

    def test_a_port_where_something_listens(
        self, serve: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert cli.main([*serve, "--port", str(port)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err == (
            f"gpt2-tfx: --port {port}: something listens there already. Choose another; 0 takes any.\n"
        )

    @pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "a" * 70])
    def test_a_host_that_is_not_here(
        self, serve: list[str], capsys: pytest.CaptureFixture[str], host: str
    ) -> None:
        assert cli.main([*serve, "--port", "0", "--host", host]) == 2
        assert capsys.readouterr().err.startswith(f"gpt2-tfx: --host {host}")

    def test_an_address_that_others_reach_is_known(self) -> None:
        with listening_on("127.0.0.1", 0) as own:
            assert open_to_others(own) is None
        with listening_on("0.0.0.0", 0) as reached:
            assert open_to_others(reached) == "0.0.0.0"

    def test_a_port_is_taken_from_the_first_moment_on(self) -> None:
        said = "something listens there already"
        with (
            listening_on("127.0.0.1", 0) as first,
            pytest.raises(FailureError, match=said),
        ):
            listening_on("127.0.0.1", first.getsockname()[1])

    @pytest.mark.parametrize("port", ["-1", "65536", "http"])
    def test_what_is_no_port(
        self, serve: list[str], capsys: pytest.CaptureFixture[str], port: str
    ) -> None:
        with pytest.raises(SystemExit, match="2"):
            cli.main([*serve, f"--port={port}"])
        assert f"'{port}' is not a port, 0 to 65535" in capsys.readouterr().err

    def test_a_model_that_is_not_there(
        self, config_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["--config", str(config_file), "serve", "latest"]) == 2
        assert "no model has been pushed" in capsys.readouterr().err


class TestStream:
    @pytest.fixture
    def generate(self, write_config: WriteConfig, tmp_path: Path) -> list[str]:
        path = write_config(
            "corpus: {task: text, path: corpus}\n"
            "tokens: {vocabulary: bytes, sequence_length: 16}\n"
            "generation: {max_new_tokens: 6}\n"
        )
        variables = random_model(CONFIG, seed=3).by_name.items()
        write_openai(tmp_path / "weights", CONFIG, {name: v.numpy() for name, v in variables})
        return ["--config", str(path), "generate", str(tmp_path / "weights")]

    def test_it_prints_what_is_printed_at_once(
        self, generate: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked = [*generate, "--prompt", "A long prompt", "--seed", "4", "--stop", "e"]
        assert cli.main(asked) == 0
        whole = capsys.readouterr()
        assert "its beginning is cut" in whole.err
        assert cli.main([*asked, "--stream"]) == 0
        assert capsys.readouterr() == whole

    def test_what_cannot_grow_is_refused_all_together(
        self, generate: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        flags = ["--stream", "--num-samples", "2", "--beams", "3", "--json"]
        assert cli.main([*generate, "--prompt", "a", *flags]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines() == [
            "gpt2-tfx: --num-samples 2: --stream writes one text",
            "gpt2-tfx: beams is 3: a search knows its text at the end; use --beams 1",
            "gpt2-tfx: --json: one document is whole at the end; leave out --stream or --json",
        ]

    def test_answers_of_a_chat_do_not_grow(
        self, generate: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main([*generate, "--prompt", "a", "--chat", "--stream"]) == 2
        assert capsys.readouterr().err == (
            "gpt2-tfx: --chat: an answer is printed on one line, once it is whole; leave out one\n"
        )

    def test_a_value_out_of_range_is_named(
        self, generate: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main([*generate, "--prompt", "a", "--stream", "--top-p", "0"]) == 2
        assert "top_p is 0.0; it must be greater than 0" in capsys.readouterr().err
