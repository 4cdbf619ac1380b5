from dataclasses import replace
from pathlib import Path

import pytest

from components.options import EvaluationOptions
from pipeline.config import Config, LoadedConfig
from pipeline.nodes import NODE_NAMES, Node, node_table
from tests.pipeline.tables import node, with_base
from trainer.options import ModelOptions

TABLES = [node_table(Config()), node_table(with_base())]


@pytest.mark.parametrize("table", TABLES, ids=["without base", "with base"])
class TestTheTable:
    def test_is_in_topological_order(self, table: list[Node]) -> None:
        seen: set[str] = set()
        for entry in table:
            assert set(entry.upstream) <= seen, entry.name
            seen.add(entry.name)

    def test_names_are_unique(self, table: list[Node]) -> None:
        assert len({entry.name for entry in table}) == len(table)

    def test_every_input_is_an_output_of_a_node(self, table: list[Node]) -> None:
        made = {f"{entry.name}.{output}" for entry in table for output in entry.outputs}
        for entry in table:
            assert set(entry.inputs.values()) <= made, entry.name

    def test_every_parameter_is_a_key_of_the_configuration(self, table: list[Node]) -> None:
        loaded = LoadedConfig(Config(), Path("/"))
        for entry in table:
            assert set(loaded.values(entry.parameters)) == set(entry.parameters)

    def test_no_parameter_is_a_path_of_the_machine(self, table: list[Node]) -> None:
        paths = {"corpus.path", "model.base", "validation.schema", "workspace", "store", "name"}
        for entry in table:
            assert not paths & set(entry.parameters), entry.name

    def test_every_module_and_file_exists(self, table: list[Node], root: Path) -> None:
        for entry in table:
            module = root / (entry.component.replace(".", "/") + ".py")
            assert module.is_file(), entry.component
            for name in entry.files:
                assert (root / name).is_file(), name

    def test_only_what_computes_on_tensors_asks_for_a_gpu(self, table: list[Node]) -> None:
        assert [entry.name for entry in table if entry.gpu] == ["Trainer", "Evaluator"]

    def test_the_vocabulary_enters_keys_by_its_content_alone(self, table: list[Node]) -> None:
        assert not [entry.name for entry in table if "tokens.vocabulary" in entry.parameters]
        keyed = {entry.name for entry in table if "vocabulary" in entry.externals}
        of_base = {"BaseModel"} & {entry.name for entry in table}
        assert keyed == {*of_base, "Tokenizer", "Trainer", "Evaluator"}


def test_the_base_model_is_there_only_with_model_base() -> None:
    without, with_ = ({entry.name for entry in table} for table in TABLES)
    assert with_ - without == {"BaseModel"}
    assert node("Trainer").upstream == ["Tokenizer"]
    assert node("Trainer", with_base()).upstream == ["Tokenizer", "BaseModel"]
    assert "base_model" not in node("Attest").inputs
    assert "base_model" in node("Attest", with_base()).inputs


def test_the_evaluator_reads_the_base_model_only_for_its_summaries() -> None:
    assert "base_model" not in node("Evaluator", with_base()).inputs
    asked = replace(with_base(), evaluation=EvaluationOptions(zero_shot=True))
    assert "base_model" in node("Evaluator", asked).inputs
    assert "base_model" not in node("Evaluator", replace(asked, model=ModelOptions())).inputs


def test_the_names_are_those_of_the_design() -> None:
    assert NODE_NAMES == (
        "BaseModel",
        "CorpusGen",
        "StatisticsGen",
        "ImportSchemaGen",
        "ExampleValidator",
        "Tokenizer",
        "Trainer",
        "Evaluator",
        "Attest",
        "Pusher",
    )


def test_every_setting_that_can_change_a_result_is_read_by_a_node() -> None:
    """What no key holds must be one of these, which change where or how, not what."""
    without_effect = {"name", "workspace", "store", "beam", "kubeflow", "notify"}
    by_content = {"corpus.path", "model.base", "validation.schema", "tokens.vocabulary"}
    table = node_table(with_base())
    read = {key for entry in table for key in (*entry.parameters, *entry.incidental)} | by_content
    for section, values in LoadedConfig(Config(), Path("/")).resolved().items():
        if section in without_effect:
            continue
        keys = [f"{section}.{name}" for name in values] if isinstance(values, dict) else [section]
        assert set(keys) <= read


def test_what_only_says_how_often_is_in_no_key() -> None:
    keyed = {key for entry in node_table(with_base()) for key in entry.parameters}
    assert not keyed & {
        "training.log_every",
        "training.checkpoint_every",
        "training.keep_checkpoints",
    }


def test_the_templates_that_a_node_writes_pages_with_are_in_its_code_but_for_the_trainers(
    root: Path,
) -> None:
    templates = {
        path.relative_to(root).as_posix() for path in (root / "preprocessing/templates").iterdir()
    }
    listed = {name for entry in node_table(with_base()) for name in entry.files}
    of_training = {f"preprocessing/templates/training.{kind}" for kind in ("css", "html")}
    assert listed == templates - of_training
    assert not node("Trainer").files
