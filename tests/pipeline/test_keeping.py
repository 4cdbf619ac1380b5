"""What is kept of a workspace, and why: the decision alone, on plain values."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.garbage.keeping import Policy, decide
from pipeline.garbage.picture import JOB_CACHES, Item, Need
from pipeline.store import StoredArtifact, StoredExecution
from tests.pipeline.random_history import FakeHistory, HistoryMaker, items_of

# After everything that has changed.
NOW = 80.0


def kept_runs(history: FakeHistory, policy: Policy) -> set[str]:
    """The rule of which runs stay, said once more: by counting from the end of each pipeline."""
    kept = set()
    for pipeline in "pq":
        runs = [run for run in history.made_runs if run.pipeline == pipeline]
        ended = [number for number, run in enumerate(runs) if run.state == "complete"]
        last = ended[-policy.keep :] if policy.keep else []
        goes_on = ended[-max(policy.keep, 1)] if len(ended) >= max(policy.keep, 1) else -1
        for number, run in enumerate(runs):
            young = policy.older_than is not None and run.started > NOW - policy.older_than
            if (
                run.state == "running"
                or number in last
                or (run.state == "broken off" and number > goes_on)
                or young
            ):
                kept.add(run.run_id)
    return kept


def needed(history: FakeHistory, policy: Policy) -> set[Need]:
    """Everything that a kept run or a pushed version needs, by plain recursion."""
    found: set[Need] = set()

    def artifact(each: StoredArtifact, with_lineage: bool = True) -> None:
        if not each.uri.startswith("/"):
            found.add(Need("place", each.uri))
        found.add(Need("manifest", each.manifest_digest))
        found.add(Need("content", each.digest))
        found.update(Need("file", digest) for digest in history.files[each.id])
        if with_lineage:
            execution(history.producers[each.id])

    def execution(each: StoredExecution) -> None:
        if (own := Need("execution", str(each.id))) in found:
            return
        found.add(own)
        if each.state == "COMPLETE":
            found.add(Need("code", str(each.properties["code"])))
            found.add(Need("outside", each.ingredients["externals"]["corpus"]))
        for name, read in each.inputs.items():
            if name != "champion":
                artifact(read)
        artifact(each.outputs["out"])

    for run in history.made_runs:
        if run.run_id in kept_runs(history, policy):
            found |= {Need("run", run.run_id), Need("code", run.code)}
            for each in history.executions_of[run.run_id]:
                execution(each)
            if run.state != "complete":
                found.update(Need("key", key) for key in history.begun.get(run.run_id, ()))
    for pushed in history.pushed.values():
        for each in pushed:
            artifact(each, not policy.purge_lineage)
    return found


def staying(items: list[Item], history: FakeHistory, policy: Policy) -> list[Item]:
    """The items that are to stay."""
    needs, runs = needed(history, policy), kept_runs(history, policy)
    begun = [run for run in history.made_runs if run.run_id in runs and run.state != "complete"]
    youngest = NOW if policy.older_than is None else NOW - policy.older_than
    return [
        item
        for item in items
        if (item.serves and item.serves <= needs)
        or item.changed > youngest
        or any(
            item.changed >= run.started and (run.state == "running" or item.kind in JOB_CACHES)
            for run in begun
        )
    ]


def check_history(seed: int) -> None:
    random = Random(seed)
    history = HistoryMaker(random).make()
    items = items_of(history, random)
    policy = Policy(
        random.randint(0, 4), random.choice([None, 5.0, 40.0]), random.choice([True, False])
    )
    decision = decide(items, history, policy, NOW)
    assert [*decision.kept] == staying(items, history, policy)
    assert {*decision.removed} == {*items} - {*decision.kept}
    assert decide(decision.kept, history, policy, NOW).removed == []


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**64))
def test_what_is_needed_stays_and_what_is_not_goes(seed: int) -> None:
    check_history(seed)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(st.integers(0, 2**64))
def test_nothing_that_is_needed_goes_in_ten_thousand_histories(seed: int) -> None:
    check_history(seed)
