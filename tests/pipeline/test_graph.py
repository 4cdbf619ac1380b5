"""The TFX graph: what Beam is told, node by node."""

from pathlib import Path

import pytest

from pipeline.config_reading import load_config
from pipeline.graph import build_pipeline

DIRECT = ["--allow_unsafe_triggers", "--direct_running_mode=multi_processing"]


def beam_args(config_file: Path, launched: str | None) -> dict[str, list[str]]:
    """The Beam arguments of each node that has any."""
    loaded = load_config(config_file, ["beam.runner=multi_processing", "beam.args=[--x=1]"])
    return {
        component.id: args
        for component in build_pipeline(loaded, launched).components
        if (args := getattr(component.executor_spec, "beam_pipeline_args", []))
    }


@pytest.mark.parametrize("launched", ["CorpusGen", "Tokenizer"])
def test_our_own_workers_do_not_import_tfx(config_file: Path, launched: str) -> None:
    args = beam_args(config_file, launched)
    assert list(args) == [launched]
    assert args[launched][:2] == DIRECT
    assert args[launched][-1] == "--x=1"
    assert "--beam_plugins=tfx" not in args[launched]


def test_those_of_stock_nodes_do(config_file: Path) -> None:
    args = beam_args(config_file, "StatisticsGen")
    assert args["StatisticsGen"][:3] == ["--beam_plugins=tfx", *DIRECT]


@pytest.mark.parametrize("launched", ["Pusher", None])
def test_what_has_no_beam_job_is_told_nothing(config_file: Path, launched: str | None) -> None:
    assert beam_args(config_file, launched) == {}
