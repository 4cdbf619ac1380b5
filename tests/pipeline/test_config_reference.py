"""What is made of the options of the configuration is current, and says what reading it does."""

import doctest
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin

import fastjsonschema
import pytest
import yaml

from pipeline import config_options
from pipeline.config_options import Option, all_options, without_none
from pipeline.config_reading import load_config
from pipeline.config_reference import CONFIGURATIONS, commented, json_schema, written_files
from preprocessing.base import ranges
from preprocessing.base.errors import InputError
from tests.pipeline.conftest import WriteConfig

validate = fastjsonschema.compile(json_schema())
OPTIONS = {option.key: option for option in all_options()}
RANGED = [o for o in OPTIONS.values() if get_origin(without_none(o.kind)) is Annotated]


def is_valid(document: Any) -> bool:
    try:
        validate(document)
    except fastjsonschema.JsonSchemaException:
        return False
    return True


def document_with(key: str, value: Any) -> dict[str, Any]:
    """A configuration that gives one dotted key."""
    *sections, last = key.split(".")
    document = {last: value}
    for section in reversed(sections):
        document = {section: document}
    return document


@pytest.mark.parametrize("name", written_files())
def test_what_is_committed_is_current(root: Path, name: str) -> None:
    assert (root / name).read_text(encoding="utf-8") == written_files()[name], "run `make docs`"


def test_every_key_has_a_meaning_that_ends() -> None:
    assert [o.key for o in OPTIONS.values() if not o.meaning.endswith((".", "`"))] == []


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_configurations_that_ship_are_of_the_schema_and_name_it(root: Path, name: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert is_valid(yaml.safe_load(text))
    schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    named = json.loads(((root / name).parent / schema).read_text(encoding="utf-8"))
    assert named == json_schema()


@pytest.mark.parametrize("option", RANGED, ids=lambda option: option.key)
def test_schema_and_reading_have_the_same_range(write_config: WriteConfig, option: Option) -> None:
    number, ends = get_args(without_none(option.kind))
    step = 1 if number is int else 1e-6
    named = [e for e in (ends.least, ends.above, ends.most, ends.below) if e is not None]
    for value in [number(end + move) for end in named for move in (-step, 0, step)]:
        document = document_with(option.key, value)
        try:
            load_config(write_config(yaml.safe_dump(document)))
            refused = False
        except InputError as error:
            refused = any("is impossible; it must be" in message for message in error.messages)
        assert is_valid(document) is not refused, value


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("seed", "one"),
        ("name", 3),
        ("tokens.packing", 1),
        ("model.size", "125M"),
        ("training.stepz", 1),
        ("training", 3),
        ("training.batch_size", None),
        ("beam.args", "x"),
        ("evaluation.thresholds", {"blue": {"min": 1}}),
        ("evaluation.not_worse.perplexity", -1),
    ],
)
def test_the_schema_refuses_what_reading_refuses(
    write_config: WriteConfig, key: str, wrong: Any
) -> None:
    document = document_with(key, wrong)
    assert not is_valid(document)
    with pytest.raises(InputError):
        load_config(write_config(yaml.safe_dump(document)))


def test_null_is_valid_where_reading_takes_it() -> None:
    assert is_valid({"training": {"steps": None}, "evaluation": {"not_worse": None}, "store": None})


@pytest.mark.parametrize(
    ("key", "nodes"),
    [
        ("corpus.path", ["CorpusGen"]),
        ("validation.schema", ["ImportSchemaGen"]),
        ("model.base", ["BaseModel"]),
        ("corpus.task", ["CorpusGen", "ImportSchemaGen", "Tokenizer", "Evaluator"]),
        ("training.learning_rate", ["Trainer"]),
        ("evaluation.not_worse.rougeL", ["Evaluator"]),
        ("beam.runner", []),
    ],
)
def test_an_option_names_the_nodes_that_read_it(key: str, nodes: list[str]) -> None:
    assert OPTIONS[key].nodes == nodes


def test_comments_are_made_anew_and_values_stay() -> None:
    text = "# Mine.\n# Two lines.\nseed: 3 # old\ntraining:\n  # old\n  learning_rate: 1.0e-4\n"
    made = commented(text)
    assert made.startswith("# Mine.\n# Two lines.\n\n# the one seed that")
    assert "old" not in made
    assert yaml.safe_load(made) == {"seed": 3, "training": {"learning_rate": 1e-4}}
    assert commented(made) == made


def test_numbers_that_are_none_are_in_no_range() -> None:
    for option in RANGED:
        ends = get_args(without_none(option.kind))[1]
        assert all(map(ends.fault, (math.inf, -math.inf, math.nan)))


@pytest.mark.parametrize("module", [config_options, ranges])
def test_the_examples_in_the_documentation_hold(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed
