"""The TFX graph: what a component is built from, and what Beam is told, node by node."""

import dataclasses
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base.base_node import BaseNode

from components import base_model
from components.declared import Declared, DeclaredValues, UndeclaredError
from pipeline import graph
from pipeline.config_reading import load_config
from pipeline.graph import build_component, build_pipeline, channels
from pipeline.nodes import Node, node_table
from tests.pipeline.tables import node as node_of
from tests.pipeline.tables import with_base

DIRECT = [
    "--sdk_container_image=none",
    "--allow_unsafe_triggers",
    "--direct_running_mode=multi_processing",
]


def beam_args(config_file: Path, launched: str) -> list[str]:
    """What a node's Beam job is told, if it has one."""
    loaded = load_config(config_file, ["beam.runner=multi_processing", "beam.args=[--x=1]"])
    (component,) = build_pipeline(loaded, launched).components
    return list(getattr(component.executor_spec, "beam_pipeline_args", []))


@pytest.mark.parametrize("launched", ["CorpusGen", "Tokenizer"])
def test_our_own_workers_do_not_import_tfx(config_file: Path, launched: str) -> None:
    args = beam_args(config_file, launched)
    assert args[:3] == DIRECT
    assert args[-1] == "--x=1"
    assert "--beam_plugins=tfx" not in args


def test_those_of_stock_nodes_do(config_file: Path) -> None:
    assert beam_args(config_file, "StatisticsGen")[:4] == ["--beam_plugins=tfx", *DIRECT]


def test_what_has_no_beam_job_is_told_nothing(config_file: Path) -> None:
    assert beam_args(config_file, "Pusher") == []


class Watched(DeclaredValues[Any]):
    """Declared values that note which of them are read."""

    def __init__(self, node: str, kind: str, values: Mapping[str, Any]) -> None:
        super().__init__(node, kind, values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)


class TestAComponent:
    @pytest.mark.parametrize("entry", node_table(with_base()), ids=lambda entry: entry.name)
    def test_reads_all_that_its_node_declares(
        self,
        entry: Node,
        config_file: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A parameter that is declared and not read would rerun the node for nothing."""
        seen: list[Declared] = []
        module = importlib.import_module(entry.component)
        build = module.build

        def watch(declared: Declared) -> BaseNode:
            seen.append(declared)
            return build(declared)

        monkeypatch.setattr(graph, "DeclaredValues", Watched)
        monkeypatch.setattr(module, "build", watch)
        # there is none
        monkeypatch.setattr(base_model, "require_usable", lambda *_: None)
        loaded = load_config(config_file, ["model.base=checkpoint"])
        build_component(loaded, entry, channels(entry))
        for values in (seen[0].parameters, seen[0].externals):
            assert isinstance(values, Watched)
            assert values.read == set(values)
        assert set(seen[0].externals) == set(entry.externals)

    @pytest.mark.parametrize(
        ("name", "undeclared", "kind"),
        [("Trainer", "seed", "parameters"), ("Tokenizer", "vocabulary", "externals")],
    )
    def test_cannot_read_what_its_node_does_not_declare(
        self,
        name: str,
        undeclared: str,
        kind: str,
        config_file: Path,
    ) -> None:
        entry = node_of(name)
        declared = getattr(entry, kind)
        less = (
            {key: value for key, value in declared.items() if key != undeclared}
            if isinstance(declared, Mapping)
            else [key for key in declared if key != undeclared]
        )
        entry = dataclasses.replace(entry, **{kind: less})
        with pytest.raises(UndeclaredError, match=f"{name} reads {undeclared}, .* {kind}"):
            build_component(load_config(config_file), entry, channels(entry))
