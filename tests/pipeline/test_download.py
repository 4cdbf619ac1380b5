"""Downloads from a local server that cuts, corrupts, refuses and lingers."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.downloads import file_download, openai_checkpoint
from pipeline.downloads.file_download import (
    DownloadError,
    Expected,
    FileDownload,
    Patience,
    Progress,
)
from pipeline.downloads.openai_checkpoint import DATA_FILE, FILES, download
from preprocessing.base.errors import InputError
from tests.pipeline.file_server import FileServer, serving
from tests.trainer.random_models import SMALL, random_model
from trainer.config import SIZES, variable_shapes
from trainer.weights import read_weights
from trainer.weights.openai import write_openai

CONTENT = np.random.default_rng(1).bytes(300_000)
SHA256 = Expected(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
QUICK = Patience(attempts=3, pause=0.001, timeout=5)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving({"/file": CONTENT}) as state:
        yield state


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file goes."""
    return tmp_path / "file"


def get(server: FileServer, path: Path, expected: Expected = SHA256) -> list[Progress]:
    reports: list[Progress] = []
    FileDownload(f"{server.url}/file", path, expected, reports.append, QUICK).fetch()
    return reports


def assert_whole(path: Path) -> None:
    assert path.read_bytes() == CONTENT
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_a_file_is_fetched_and_its_progress_reported(server: FileServer, path: Path) -> None:
    reports = get(server, path)
    assert_whole(path)
    last = reports[-1]
    assert (last.file, last.done, last.total) == ("file", len(CONTENT), len(CONTENT))
    assert last.rate > 0
    assert last.seconds_left == 0


def test_a_cut_connection_is_resumed_where_it_was_cut(server: FileServer, path: Path) -> None:
    server.faults = ["cut", "cut"]
    get(server, path)
    assert_whole(path)
    assert [wanted for _, wanted in server.asked] == [None, "bytes=150000-", "bytes=225000-"]


def test_progress_may_take_more_tries_than_stalls(server: FileServer, path: Path) -> None:
    server.faults = ["cut"] * 8
    get(server, path)
    assert_whole(path)


def test_a_later_call_resumes_too(server: FileServer, path: Path) -> None:
    server.faults = ["cut", 503, 503, 503]
    with pytest.raises(DownloadError, match="503"):
        get(server, path)
    assert not path.exists()
    get(server, path)
    assert_whole(path)
    assert server.asked[-1] == ("/file", "bytes=150000-")


def test_another_version_is_fetched_from_its_beginning(server: FileServer, path: Path) -> None:
    server.faults = ["cut", 503, 503, 503]
    server.files["/file"] = bytes(len(CONTENT))
    with pytest.raises(DownloadError):
        get(server, path)
    server.files["/file"], server.etag = CONTENT, '"2"'
    get(server, path)
    assert_whole(path)


def test_a_server_without_ranges_sends_all_of_it_again(server: FileServer, path: Path) -> None:
    server.ranges = False
    server.faults = ["cut"]
    get(server, path)
    assert_whole(path)
    assert len(server.asked) == 2


def test_without_a_version_nothing_is_resumed(server: FileServer, path: Path) -> None:
    server.etag = 'W/"1"'
    server.faults = ["cut"]
    get(server, path)
    assert_whole(path)
    assert [wanted for _, wanted in server.asked] == [None, None]


@pytest.mark.parametrize("expected", [SHA256, Expected()], ids=["sha256", "md5 of the server"])
def test_a_damaged_file_is_fetched_again(
    server: FileServer, path: Path, expected: Expected
) -> None:
    server.faults = ["corrupt"]
    get(server, path, expected)
    assert_whole(path)


def test_a_damaged_end_of_a_resumed_file_is_noticed(server: FileServer, path: Path) -> None:
    server.faults = ["cut", "corrupt"]
    get(server, path, Expected())
    assert_whole(path)


def test_a_server_that_always_corrupts_is_given_up(server: FileServer, path: Path) -> None:
    server.faults = ["corrupt"] * 9
    with pytest.raises(DownloadError, match=r"/file: sha256 is .* damaged; gave up after 3"):
        get(server, path)
    assert len(server.asked) == 3
    assert not path.exists()


def test_cuts_between_corruptions_do_not_go_on_for_ever(server: FileServer, path: Path) -> None:
    server.faults = ["cut", "corrupt"] * 9
    with pytest.raises(DownloadError, match="gave up after 3"):
        get(server, path)
    assert len(server.asked) == 6


def test_server_errors_are_tried_again(server: FileServer, path: Path) -> None:
    server.faults = [500, 429]
    get(server, path)
    assert_whole(path)


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_tried_again(server: FileServer, path: Path, status: int) -> None:
    server.faults = [status]
    with pytest.raises(DownloadError, match=rf"/file: the server answers {status}"):
        get(server, path)
    assert len(server.asked) == 1


def test_a_server_that_falls_silent_is_left(server: FileServer, path: Path) -> None:
    server.faults = ["slow"]
    quick = replace(QUICK, timeout=0.2)
    FileDownload(f"{server.url}/file", path, SHA256, lambda _: None, quick).fetch()
    assert_whole(path)
    assert len(server.asked) == 2


def test_no_server_at_all_is_given_up(path: Path) -> None:
    with serving({}) as gone:
        pass
    with pytest.raises(DownloadError, match="gave up after 3"):
        get(gone, path)


def test_a_file_of_another_length_is_not_fetched(server: FileServer, path: Path) -> None:
    with pytest.raises(DownloadError, match="the server has 300000 bytes, expected 7"):
        get(server, path, Expected(length=7))
    assert not path.exists()


def test_a_whole_partial_file_needs_no_request(server: FileServer, path: Path) -> None:
    path.with_name(".file.partial").write_bytes(CONTENT)
    get(server, path)
    assert_whole(path)
    assert server.asked == []


def test_a_full_disk_is_said_before_it_is_full(
    server: FileServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = file_download.shutil.disk_usage(path.parent)
    monkeypatch.setattr(file_download.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DownloadError, match=r"300000 bytes are to come .* room for 1000"):
        get(server, path)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The seven files of a small model, as a server has them."""
    folder = tmp_path_factory.mktemp("published")
    model = random_model(SMALL, seed=4)
    write_openai(folder, SMALL, {name: v.numpy() for name, v in model.by_name.items()})
    files = {f"/124M/{path.name}": path.read_bytes() for path in folder.iterdir()}
    others = {"encoder.json": b"{}", "vocab.bpe": b"#version", "model.ckpt.meta": b"graph"}
    return files | {f"/124M/{name}": content for name, content in others.items()}


@pytest.fixture
def small_124m(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small model stands for 124M, and nothing is known of its files but what follows."""
    monkeypatch.setitem(SIZES, "124M", SMALL)
    monkeypatch.setattr(openai_checkpoint, "DATA_SHA256", {})
    monkeypatch.setattr(openai_checkpoint, "GPT2_SHA256", {})


@pytest.mark.usefixtures("small_124m")
def test_a_whole_checkpoint_is_fetched_and_kept(
    published: dict[str, bytes], tmp_path: Path
) -> None:
    with serving(published) as server:
        server.faults = ["cut", 500]
        download("124M", tmp_path / "new", lambda _: None, server.url, QUICK)
        assert {path.name for path in (tmp_path / "new").iterdir()} == set(FILES)
        config, _ = read_weights(tmp_path / "new")
        assert config == SMALL
        asked = len(server.asked)
        download("124M", tmp_path / "new", lambda _: None, server.url, QUICK)
        assert len(server.asked) == asked


@pytest.mark.usefixtures("small_124m")
def test_what_no_checksum_shows_the_checkpoints_own_do(
    published: dict[str, bytes], tmp_path: Path
) -> None:
    data = bytearray(published[f"/124M/{DATA_FILE}"])
    data[len(data) // 2] ^= 1
    with (
        serving(published | {f"/124M/{DATA_FILE}": bytes(data)}) as server,
        pytest.raises(InputError, match=rf"(?s){DATA_FILE}.*damaged"),
    ):
        download("124M", tmp_path / "new", lambda _: None, server.url, QUICK)
    with serving(published) as server:
        download("124M", tmp_path / "new", lambda _: None, server.url, QUICK)


@pytest.mark.usefixtures("small_124m")
def test_the_files_of_another_size_are_refused(
    published: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIZES, "124M", replace(SMALL, heads=2))
    with (
        serving(published) as server,
        pytest.raises(InputError, match=r"hparams\.json: .*heads=4.* is not 124M"),
    ):
        download("124M", tmp_path / "new", lambda _: None, server.url, QUICK)


def test_an_unknown_size_or_address_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="117M: OpenAI published no such size; choose one of 124M"):
        download("117M", tmp_path, lambda _: None)
    with pytest.raises(InputError, match="GPT2_TFX_MODELS_URL is 'file:///etc'"):
        download("124M", tmp_path, lambda _: None, "file:///etc")


@pytest.mark.parametrize("size", SIZES)
def test_the_number_of_weights_is_that_of_the_variables(size: str) -> None:
    shapes = variable_shapes(SIZES[size]).values()
    assert SIZES[size].parameters == sum(int(np.prod(shape)) for shape in shapes)
    if size == "124M":
        assert 4 * SIZES[size].parameters == 497_759_232  # OpenAI's data file
