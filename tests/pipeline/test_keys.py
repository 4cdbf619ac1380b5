import dataclasses
from typing import Any

import pytest

from pipeline.keys import (
    Ingredients,
    Reason,
    could_be_same,
    differences,
    own_differences,
    read_ingredients,
)

NOW = Ingredients(
    code={"trainer/run.py": "c1", "trainer/gpt2.py": "c2"},
    parameters={"training.steps": 100, "seed": 1},
    inputs={"examples": "i1"},
    externals={"vocabulary": "v1", "champion": "none"},
    environment={"cpu.lock": "lock1", "python": "3.11.7"},
)


def with_(**parts: Any) -> Ingredients:
    return dataclasses.replace(NOW, **parts)


CHANGED = [
    with_(code={**NOW.code, "trainer/run.py": "other"}),
    with_(code={**NOW.code, "trainer/new.py": "c3"}),
    with_(code={"trainer/run.py": "c1"}),
    with_(parameters={**NOW.parameters, "training.steps": 101}),
    with_(parameters={**NOW.parameters, "training.steps": "100"}),
    with_(inputs={"examples": "i2"}),
    with_(inputs={"tokens": "i1"}),
    with_(externals={**NOW.externals, "vocabulary": "v2"}),
    with_(externals={"vocabulary": "v1", "champion": "digest"}),
    with_(environment={"cpu.lock": "lock2", "python": "3.11.7"}),
]


class TestKeys:
    def test_equal_ingredients_in_another_order_give_the_same_key(self) -> None:
        reordered = with_(
            code=dict(reversed(list(NOW.code.items()))),
            parameters=dict(reversed(list(NOW.parameters.items()))),
        )
        assert reordered.key("Trainer") == NOW.key("Trainer")

    def test_every_ingredient_and_the_name_are_in_the_key(self) -> None:
        keys = [NOW.key("Trainer"), NOW.key("Tokenizer"), *(c.key("Trainer") for c in CHANGED)]
        assert len(set(keys)) == len(CHANGED) + 2

    def test_ingredients_of_one_kind_do_not_pass_for_another(self) -> None:
        one = with_(inputs={"x": "d"}, externals={})
        other = with_(inputs={}, externals={"x": "d"})
        assert one.key("Trainer") != other.key("Trainer")

    def test_the_key_is_a_sha256(self) -> None:
        assert len(NOW.key("Trainer")) == 64
        assert int(NOW.key("Trainer"), 16)


class TestDifferences:
    def test_none_between_equal_ingredients(self) -> None:
        assert list(differences(NOW.to_dict(), NOW)) == []

    @pytest.mark.parametrize(
        ("now", "reason"),
        [
            (CHANGED[0], Reason("code", "trainer/run.py changed")),
            (CHANGED[1], Reason("code", "trainer/new.py is reached now")),
            (CHANGED[2], Reason("code", "trainer/gpt2.py is not reached any more")),
            (CHANGED[3], Reason("params", "training.steps: 100 -> 101")),
            (CHANGED[5], Reason("upstream", "input examples changed")),
            (CHANGED[7], Reason("data", "vocabulary changed")),
            (CHANGED[9], Reason("environment", "cpu.lock changed")),
        ],
    )
    def test_each_kind_is_named(self, now: Ingredients, reason: Reason) -> None:
        assert list(differences(NOW.to_dict(), now)) == [reason]

    def test_a_parameter_that_is_new_or_gone_is_named(self) -> None:
        now = with_(parameters={"seed": 1, "training.dropout": 0.1})
        assert [reason.detail for reason in differences(NOW.to_dict(), now)] == [
            "training.dropout: None -> 0.1",
            "training.steps: 100 -> None",
        ]

    def test_what_is_known_of_an_external_content_is_said(self) -> None:
        now = with_(externals={**NOW.externals, "vocabulary": "v2"})
        (reason,) = differences(NOW.to_dict(), now, lambda name: f"{name} of v1")
        assert reason.detail == "vocabulary changed: vocabulary of v1"

    def test_an_execution_without_ingredients_differs_in_everything(self) -> None:
        kinds = {reason.kind for reason in differences({}, NOW)}
        assert kinds == {"data", "code", "params", "environment", "upstream"}


class TestOwnDifferences:
    def test_inputs_and_the_champion_that_follows_from_them_do_not_count(self) -> None:
        now = with_(inputs={}, externals={"vocabulary": "v1"})
        assert list(own_differences(NOW.to_dict(), now)) == []

    def test_anything_else_counts(self) -> None:
        now = with_(
            inputs={},
            externals={"vocabulary": "v2"},
            environment={"cpu.lock": "lock2", "python": "3.11.7"},
        )
        assert [r.kind for r in own_differences(NOW.to_dict(), now)] == ["data", "environment"]


class TestCouldBeSame:
    def test_with_the_inputs_not_known_yet(self) -> None:
        assert could_be_same(NOW.to_dict(), with_(inputs={}, externals={"vocabulary": "v1"}))

    def test_not_if_an_input_that_is_known_differs(self) -> None:
        assert not could_be_same(NOW.to_dict(), with_(inputs={"examples": "i2"}))

    @pytest.mark.parametrize("now", [CHANGED[0], CHANGED[3], CHANGED[7], CHANGED[9]])
    def test_not_if_anything_of_its_own_differs(self, now: Ingredients) -> None:
        assert not could_be_same(NOW.to_dict(), now)


class TestProperties:
    def test_every_ingredient_is_a_short_property_and_comes_back(self) -> None:
        properties = NOW.to_properties()
        assert read_ingredients(properties) == NOW.to_dict()
        assert max(map(len, properties.values())) < 2704

    def test_other_properties_are_no_ingredients(self) -> None:
        assert read_ingredients({"node_key": "k"})["environment"] == {}
