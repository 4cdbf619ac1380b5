"""What is kept and why: a pure function from what a workspace holds and its history to what is removed.

What is needed is a graph: a run needs the executions that it consists of, an execution what it read and made, its code
and what it read from outside, and so on up to the corpus; a pushed version needs what its lineage refers to. Kept is
what serves something that can be reached from a kept run or a pushed version.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.garbage.picture import JOB_CACHES, History, Item, Need, NeedKind, Run
from pipeline.store import StoredArtifact, StoredExecution


@dataclass(frozen=True)
class Policy:
    """What is asked for.

    keep: so many of the last complete runs of each pipeline. older_than: seconds; what is younger is left alone.
    purge_lineage: whether what only the lineage of pushed versions refers to goes too.
    """

    keep: int
    older_than: float | None = None
    purge_lineage: bool = False


@dataclass(frozen=True)
class Keeper:
    """What keeps an item. root: a run or a version; None: its age. reason: why that is kept.

    through: what leads from the root to what the item serves, both left out.
    """

    root: Need | None
    reason: str
    through: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What becomes of the items. kept: each with all that keeps it. roots: run or version -> why it is kept."""

    roots: Mapping[Need, str]
    kept: Mapping[Item, Sequence[Keeper]]
    removed: Sequence[Item]


def decide(items: Iterable[Item], history: History, policy: Policy, now: float) -> Decision:
    """What is kept and what is removed. now: seconds since the epoch."""
    roots = _roots(history, policy, now)
    graph = _Needs(history, policy.purge_lineage)
    ways = {root: _ways_from(root, graph) for root in roots}
    begun = [run for run in history.runs() if run.state != "complete"]
    kept: dict[Item, list[Keeper]] = {}
    removed = []
    for item in items:
        keepers = [
            *_serving(item, roots, ways),
            *_put_by(item, roots, begun),
            *_young(item, policy, now),
        ]
        if keepers:
            kept[item] = keepers
        else:
            removed.append(item)
    return Decision(roots, kept, removed)


def _roots(history: History, policy: Policy, now: float) -> dict[Need, str]:
    roots = {Need("run", run_id): reason for run_id, reason in _kept_runs(history, policy, now)}
    pushed = {Need("version", name): each.reason for name, each in history.versions().items()}
    return roots | pushed


def _kept_runs(history: History, policy: Policy, now: float) -> Iterator[tuple[str, str]]:
    complete: dict[str, int] = {}
    for run in history.runs():
        before = complete.get(run.pipeline, 0)
        complete[run.pipeline] = before + (run.state == "complete")
        if run.state == "running":
            yield run.run_id, "it is running"
        elif run.state == "complete" and before < policy.keep:
            yield run.run_id, f"it is among the last {policy.keep} complete runs"
        elif run.state == "broken off" and before < max(policy.keep, 1):
            yield run.run_id, "it broke off, and the next run goes on from it"
        elif policy.older_than is not None and run.started > now - policy.older_than:
            yield run.run_id, "it began within --older-than"


def _serving(
    item: Item, roots: Mapping[Need, str], ways: Mapping[Need, Mapping[Need, Need | None]]
) -> Iterator[Keeper]:
    """What keeps an item because it is of use: nothing where one thing that it serves is not needed."""
    keepers = [
        [
            Keeper(root, reason, _way(ways[root], need))
            for root, reason in roots.items()
            if need in ways[root]
        ]
        for need in sorted(item.serves)
    ]
    if all(keepers):
        for each in keepers:
            yield from each


def _put_by(item: Item, roots: Mapping[Need, str], begun: Iterable[Run]) -> Iterator[Keeper]:
    """What keeps an item that no record names yet: a run at work, or a job for which the next one goes on."""
    for run in begun:
        root = Need("run", run.run_id)
        made_by_it = item.changed >= run.started
        if root in roots and made_by_it and (run.state == "running" or item.kind in JOB_CACHES):
            yield Keeper(root, roots[root])


def _young(item: Item, policy: Policy, now: float) -> Iterator[Keeper]:
    if policy.older_than is not None and item.changed > now - policy.older_than:
        yield Keeper(None, "it changed within --older-than")


def _ways_from(root: Need, graph: "_Needs") -> dict[Need, Need | None]:
    """Everything that a root needs, each with what needs it; the nearest way is the one that is told."""
    ways: dict[Need, Need | None] = {root: None}
    waiting = [root]
    for need in waiting:
        for further in graph.of(need):
            if further not in ways:
                ways[further] = need
                waiting.append(further)
    return ways


def _way(ways: Mapping[Need, Need | None], need: Need) -> tuple[Need, ...]:
    """What lies between the root and a need, from the root on."""
    way = []
    above = ways[need]
    while above is not None:
        way.append(above)
        above = ways[above]
    return tuple(way[:-1][::-1])


class _Needs:
    """The graph: what each need needs itself."""

    def __init__(self, history: History, purge_lineage: bool) -> None:
        self._history = history
        self._purge_lineage = purge_lineage
        self._known: dict[Need, list[Need]] = {}
        self._executions: dict[str, StoredExecution] = {}
        self._artifacts: dict[str, StoredArtifact] = {}
        self._producers: dict[int, StoredExecution | None] = {}

    def of(self, need: Need) -> list[Need]:
        """What a need needs."""
        if need not in self._known:
            self._known[need] = list(self._look(need))
        return self._known[need]

    def _look(self, need: Need) -> Iterator[Need]:
        if need.kind == "run":
            yield from self._of_run(self._runs[need.name])
        elif need.kind == "version":
            for artifact in self._history.versions()[need.name].artifacts:
                yield self._artifact(artifact)
                if not self._purge_lineage:
                    yield from self._producer(artifact)
        elif need.kind == "execution":
            yield from self._of_execution(self._executions[need.name])
        elif need.kind == "artifact":
            yield from self._of_artifact(self._artifacts[need.name])

    @cached_property
    def _runs(self) -> Mapping[str, Run]:
        return {run.run_id: run for run in self._history.runs()}

    def _of_run(self, run: Run) -> Iterator[Need]:
        yield from _named("code", run.code)
        for execution in self._history.executions(run.run_id):
            yield self._execution(execution)
        if run.state != "complete":
            for key in self._history.keys_begun(run.run_id):
                yield Need("key", key)

    def _of_execution(self, execution: StoredExecution) -> Iterator[Need]:
        """What it read and made, with what made that. A champion stands beside a model, not behind it."""
        yield from _named("code", str(execution.properties.get("code", "")))
        for digest in execution.ingredients["externals"].values():
            yield Need("outside", str(digest))
        read = (artifact for key, artifact in execution.inputs.items() if key != "champion")
        for artifact in (*execution.outputs.values(), *read):
            yield self._artifact(artifact)
            yield from self._producer(artifact)

    def _execution(self, execution: StoredExecution) -> Need:
        self._executions[str(execution.id)] = execution
        return Need("execution", str(execution.id))

    def _artifact(self, artifact: StoredArtifact) -> Need:
        self._artifacts[str(artifact.id)] = artifact
        return Need("artifact", str(artifact.id))

    def _producer(self, artifact: StoredArtifact) -> Iterator[Need]:
        if artifact.id not in self._producers:
            self._producers[artifact.id] = self._history.producer(artifact.id)
        execution = self._producers[artifact.id]
        if execution is not None:
            yield self._execution(execution)

    def _of_artifact(self, artifact: StoredArtifact) -> Iterator[Need]:
        yield from _named("place", self._history.place(artifact) or "")
        yield from _named("manifest", artifact.manifest_digest)
        yield from _named("content", artifact.digest)
        # Scores of a pushed model are kept by what the model was before it was pushed.
        yield from _named("content", str(artifact.properties.get("model_digest", "")))
        for digest in self._history.file_digests(artifact):
            yield Need("file", digest)


def _named(kind: NeedKind, name: str) -> Iterator[Need]:
    if name:
        yield Need(kind, name)
