"""A small workspace for the tests of the pipeline's own machinery."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.five_models import five_models
from tests.pipeline.launches import Launches

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
