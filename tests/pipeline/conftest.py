"""A small workspace for the tests of the pipeline's own machinery."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pipeline.five_models import five_models
from tests.pipeline.launches import Launches
from tests.postgresql import PASSWORD

STORES = (
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.long),
    pytest.param("mariadb", marks=pytest.mark.long),
)
WriteConfig = Callable[[str], Path]


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    """Writes `pipeline.yaml` beside a corpus folder `corpus`; returns the path of the file."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "one.txt").write_text("Some prose.\n")

    def write(text: str) -> Path:
        path = tmp_path / "pipeline.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def config_file(write_config: WriteConfig) -> Path:
    """A configuration that holds: the task `text` on one small file."""
    return write_config("corpus:\n  task: text\n  path: corpus\n")


@pytest.fixture
def launches(config_file: Path) -> Launches:
    """Runs of the small configuration, whose nodes are launched without TFX."""
    return Launches(config_file)


@pytest.fixture(scope="session")
def five_models_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """See `five_models`. It is copied, and never written to."""
    folder = tmp_path_factory.mktemp("history")
    return folder, five_models(folder)


@pytest.fixture(scope="module", params=STORES)
def five_models_of_each_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, str]]]:
    """See `five_models`: in a store of each kind. It is copied, and never written to."""
    if request.param == "sqlite":
        yield request.getfixturevalue("five_models_folder")
        return
    server = request.getfixturevalue(f"{request.param}_server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORE_PASSWORD", PASSWORD)
        folder = tmp_path_factory.mktemp(request.param)
        yield folder, five_models(folder, server.new_database())
