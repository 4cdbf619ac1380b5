"""A World of plain dictionaries, for planning without a store or files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.keys import Ingredients, Reason
from pipeline.nodes import Node
from pipeline.store import StoredArtifact, StoredExecution


@dataclass
class FakeWorld:
    """Every node has the same code, parameters and environment until a test changes them.

    code, parameters, externals: node -> what replaces the default. lost: execution id -> why it is unusable.
    states: node -> state of its newest execution. executions: newest last.
    """

    code: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    externals: dict[str, dict[str, str]] = field(default_factory=dict)
    environment: str = "lock"
    lost: dict[int, Reason] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    executions: list[StoredExecution] = field(default_factory=list)

    def ingredients(self, node: Node, inputs: Mapping[str, str]) -> Ingredients:
        externals = dict(self.externals.get(node.name, {"data": "d"}))
        if "champion" in externals and len(inputs) < len(node.inputs):
            del externals["champion"]
        return Ingredients(
            code={"code.py": self.code.get(node.name, "c")},
            parameters=self.parameters.get(node.name, {"steps": 1}),
            inputs=dict(inputs),
            externals=externals,
            environment={"cpu.lock": self.environment},
        )

    def find(self, node: Node, key: str) -> StoredExecution | None:
        return next((e for e in self.history(node) if e.key == key), None)

    def history(self, node: Node) -> Sequence[StoredExecution]:
        return [e for e in reversed(self.executions) if e.node == node.name]

    def why_unusable(self, node: Node, execution: StoredExecution) -> Reason | None:
        return self.lost.get(execution.id)

    def what_changed(self, node: Node, earlier: StoredExecution, name: str) -> str:
        return f"no longer {earlier.ingredients['externals'][name]}" if name == "files" else ""

    def run_of(self, execution: StoredExecution) -> str:
        return f"run-{execution.id}"

    def last_state(self, node: Node) -> str | None:
        return self.states.get(node.name)

    def complete(self, nodes: Sequence[Node], **digests: str) -> None:
        """Let every node complete with what is now; `digests` replace the digest of a node's outputs."""
        made: dict[str, str] = {}
        for node in nodes:
            inputs = {key: made[source.split(".")[0]] for key, source in node.inputs.items()}
            made[node.name] = digests.get(node.name, f"{node.name}-result")
            self.record(node, inputs, made[node.name])

    def record(self, node: Node, inputs: Mapping[str, str], result: str) -> StoredExecution:
        """Let a node complete with outputs of one digest."""
        ingredients = self.ingredients(node, inputs)
        number = len(self.executions) + 1
        outputs = {
            output: StoredArtifact(number, kind, f"/{number}", {"digest": result})
            for output, kind in node.outputs.items()
        }
        properties = {"node_key": ingredients.key(node.name), **ingredients.to_properties()}
        self.executions.append(
            StoredExecution(number, node.name, "COMPLETE", properties, {}, outputs)
        )
        self.states[node.name] = "COMPLETE"
        return self.executions[-1]
