"""The key of a node: what decides its result, and why two keys differ."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from preprocessing.base.digests import sha256_json

ReasonKind = Literal[
    "first",
    "data",
    "code",
    "params",
    "environment",
    "upstream",
    "missing",
    "corrupt",
    "failed",
    "forced",
]


@dataclass(frozen=True)
class Reason:
    """Why a node runs, or may run."""

    kind: ReasonKind
    detail: str


_PREFIX = "ingredient:"


@dataclass(frozen=True)
class Ingredients:
    """Everything that decides a node's result, and nothing else: no times, ids or paths of the machine.

    code: source file -> sha256. parameters: configuration key -> value. inputs: input key -> canonical digest.
    externals: content from outside the store -> digest. environment: what is installed -> version or digest.
    """

    code: Mapping[str, str]
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    externals: Mapping[str, str]
    environment: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the store."""
        return {
            "code": dict(self.code),
            "parameters": dict(self.parameters),
            "inputs": dict(self.inputs),
            "externals": dict(self.externals),
            "environment": dict(self.environment),
        }

    def to_properties(self) -> dict[str, str]:
        """A plain property for each ingredient, its value as JSON: `ingredient:code:trainer/run.py` and so on.

        One property with all of them would be longer than what PostgreSQL can index (2,704 bytes).
        """
        return {
            f"{_PREFIX}{part}:{name}": json.dumps(value)
            for part, values in self.to_dict().items()
            for name, value in values.items()
        }

    def key(self, node: str) -> str:
        """The node's key: sha256 over its name and ingredients."""
        return sha256_json({"node": node, **self.to_dict()})


def read_ingredients(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The plain data of the ingredients whose properties are among these; the inverse of `to_properties`."""
    parts = ("code", "parameters", "inputs", "externals", "environment")
    found: dict[str, Any] = {part: {} for part in parts}
    for key, text in properties.items():
        if key.startswith(_PREFIX):
            part, name = key.removeprefix(_PREFIX).split(":", 1)
            found[part][name] = json.loads(text)
    return found


_CHAMPION_CHANGED = Reason("data", "champion changed")


# What changed within an external content, a source file or a lock of a name; empty where that is not known.
Explain = Callable[[str], str]


def differences(
    before: Mapping[str, Any], now: Ingredients, explain: Explain = lambda name: ""
) -> Iterator[Reason]:
    """What changed between the ingredients of an earlier execution and these."""

    def changed(name: str) -> str:
        what = explain(name)
        return f"{name} changed: {what}" if what else f"{name} changed"

    for name in _changed(before.get("externals", {}), now.externals):
        yield Reason("data", changed(name))
    for name in _changed(before.get("code", {}), now.code):
        if name not in now.code:
            yield Reason("code", f"{name} is not reached any more")
        elif name not in before.get("code", {}):
            yield Reason("code", f"{name} is reached now")
        else:
            yield Reason("code", changed(name))
    for name in _changed(before.get("parameters", {}), now.parameters):
        old = before.get("parameters", {}).get(name)
        yield Reason("params", f"{name}: {old!r} -> {now.parameters.get(name)!r}")
    for name in _changed(before.get("environment", {}), now.environment):
        yield Reason("environment", changed(name))
    for name in _changed(before.get("inputs", {}), now.inputs):
        yield Reason("upstream", f"input {name} changed")


def own_differences(
    before: Mapping[str, Any], now: Ingredients, explain: Explain = lambda name: ""
) -> Iterator[Reason]:
    """What changed besides the inputs and what follows from them (the champion)."""
    for reason in differences(before, now, explain):
        if reason.kind != "upstream" and reason != _CHAMPION_CHANGED:
            yield reason


def could_be_same(before: Mapping[str, Any], now: Ingredients) -> bool:
    """Whether an earlier execution may have the key of these ingredients, of which some inputs are not known yet."""
    inputs = before.get("inputs", {})
    known = all(inputs.get(name) == digest for name, digest in now.inputs.items())
    return known and not any(own_differences(before, now))


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
