"""Random histories of a workspace, as plain values, for what decides what is kept of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from pipeline.garbage.picture import Item, ItemKind, Need, Run, RunState, Version
from pipeline.store import StoredArtifact, StoredExecution

NODES = ("Read", "Train", "Push")


@dataclass
class FakeHistory:
    """A history of dictionaries; it implements History."""

    made_runs: list[Run] = field(default_factory=list)
    executions_of: dict[str, list[StoredExecution]] = field(default_factory=dict)
    begun: dict[str, list[str]] = field(default_factory=dict)
    pushed: dict[str, list[StoredArtifact]] = field(default_factory=dict)
    producers: dict[int, StoredExecution] = field(default_factory=dict)
    files: dict[int, list[str]] = field(default_factory=dict)

    def runs(self) -> Sequence[Run]:
        return self.made_runs[::-1]

    def executions(self, run_id: str) -> Sequence[StoredExecution]:
        return self.executions_of.get(run_id, [])

    def keys_begun(self, run_id: str) -> Iterable[str]:
        return self.begun.get(run_id, [])

    def versions(self) -> Mapping[str, Version]:
        return {name: Version(artifacts) for name, artifacts in self.pushed.items()}

    def producer(self, artifact_id: int) -> StoredExecution | None:
        return self.producers.get(artifact_id)

    def place(self, artifact: StoredArtifact) -> str | None:
        return None if artifact.uri.startswith("/") else artifact.uri

    def file_digests(self, artifact: StoredArtifact) -> Iterable[str]:
        return self.files.get(artifact.id, [])


class HistoryMaker:
    """Makes a history as runs of three nodes would: what is known under a key is used again, unless it is forced."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.history = FakeHistory()
        self.count = 0

    def make(self) -> FakeHistory:
        for number in range(self.random.randint(0, 7)):
            self._run(number)
        # Of some versions the folder was removed by hand.
        for version in list(self.history.pushed):
            if self.random.random() < 0.3:
                del self.history.pushed[version]
        return self.history

    def _run(self, number: int) -> None:
        random, history = self.random, self.history
        states: list[RunState] = ["complete", "complete", "broken off", "running"]
        state, code = random.choice(states), f"code-{random.randint(0, 2)}"
        run = Run(f"run-{number}", random.choice("pq"), state, float(10 * number), code)
        history.made_runs.append(run)
        done = len(NODES) if state == "complete" else random.randint(0, len(NODES))
        made = history.executions_of[run.run_id] = []
        above: StoredArtifact | None = None
        for node in NODES[:done]:
            execution = self._execution(node, above, code)
            made.append(execution)
            above = execution.outputs["out"]
        if done < len(NODES):
            history.begun[run.run_id] = [f"key-{random.randint(0, 3)}"]

    def _execution(self, node: str, above: StoredArtifact | None, code: str) -> StoredExecution:
        random, history = self.random, self.history
        known = [e for e in history.producers.values() if e.node == node]
        # Early cut-off: what is used again may have read another artifact than the one that the run has.
        if known and random.random() < 0.5:
            source = random.choice(known)
            return StoredExecution(self._id(), node, "CACHED", {}, source.inputs, source.outputs)
        number = self._id()
        uri = f"/elsewhere/{number}" if random.random() < 0.1 else f"artifacts/{node}/out/{number}"
        digest = f"content-{random.randint(0, 3)}"
        properties = {"digest": digest, "manifest_digest": f"manifest-{random.randint(0, 5)}"}
        artifact = StoredArtifact(number, "Examples", uri, properties)
        history.files[number] = [f"file-{random.randint(0, 5)}"]
        inputs = {} if above is None else {"in": above}
        if known and random.random() < 0.3:
            inputs["champion"] = random.choice(known).outputs["out"]
        execution = StoredExecution(
            number,
            node,
            "COMPLETE",
            {"code": code, "ingredient:externals:corpus": f'"outside-{random.randint(0, 2)}"'},
            inputs,
            {"out": artifact},
        )
        history.producers[number] = execution
        if node == "Push":
            history.pushed.setdefault(str(random.randint(0, 3)), []).append(artifact)
        return execution

    def _id(self) -> int:
        self.count += 1
        return self.count


def items_of(history: FakeHistory, random: Random) -> list[Item]:
    """Everything that such a history may have left in a workspace, and some that is of no history."""

    def item(path: str, kind: ItemKind, *serves: tuple[str, object]) -> Item:
        needs = frozenset(Need(of, str(name)) for of, name in serves)  # type: ignore[arg-type]
        return Item(path, kind, needs, random.uniform(0.0, 80.0))

    def found() -> Iterator[Item]:
        for number in (*history.producers, 1000):
            artifact = history.producers[number].outputs["out"] if number < 1000 else None
            uri = f"artifacts/gone/out/{number}" if artifact is None else artifact.uri
            if not uri.startswith("/"):
                yield item(uri, "artifact", ("place", uri))
            yield item(f".system/{number}", "system", ("execution", number))
        for number in range(7):
            yield item(f"code/{number}", "code", ("code", f"code-{number}"))
            yield item(f"outside/{number}", "outside", ("outside", f"outside-{number}"))
            yield item(f"manifests/{number}", "manifest", ("manifest", f"manifest-{number}"))
            yield item(f"shards/{number}", "shard", ("file", f"file-{number}"))
            yield item(f"checkpoints/{number}", "checkpoints", ("key", f"key-{number}"))
            yield item(f"logs/{number}", "logs", ("run", f"run-{number}"))
            both = random.choices(range(5), k=2)
            contents = [("content", f"content-{each}") for each in both]
            yield item(f"scores/{number}", "scores", *contents)
        yield item("artifacts/Read/out/.collected-1", "leftover")

    return list(found())
