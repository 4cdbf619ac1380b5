"""`gpt2-tfx plan`: what would run, and why."""

import argparse
from collections import Counter
from collections.abc import Sequence
from contextlib import closing

from pipeline.arguments import selection_of
from pipeline.cli import print_json
from pipeline.config_reading import load_config
from pipeline.erasure.holding import require_exclusions
from pipeline.keys import Reason
from pipeline.nodes import node_table
from pipeline.path_checks import paths_of_selection
from pipeline.planning import Step, plan, reasons_text
from pipeline.serving_history import PointerPlan, pinned_text, plan_pointer
from pipeline.store import StoreReader
from pipeline.world import PipelineWorld
from serving.versions import LATEST

# The status of --exit-code where something would or may run, or `latest` would move.
OUT_OF_DATE = 3


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; nothing is run or written."""
    steps, pointer = make_plan(arguments, arguments.check, writes=False)
    if arguments.json:
        latest = {"now": pointer.now, "after": pointer.after, "pinned": pointer.pinned is not None}
        print_json({"nodes": [_as_json(step) for step in steps], "latest": latest})
    else:
        print(as_text(steps, pointer))
    out_of_date = pointer.moves or any(step.action != "reuse" for step in steps)
    return OUT_OF_DATE if arguments.exit_code and out_of_date else 0


def make_plan(
    arguments: argparse.Namespace, check: bool = False, writes: bool = True
) -> tuple[list[Step], PointerPlan]:
    """The plan for the arguments' selection, and what becomes of `latest`; see PipelineWorld for the flags."""
    selection = selection_of(arguments)
    loaded = load_config(arguments.config, arguments.overrides, paths_of_selection(selection))
    scope = selection.scope(node_table(loaded.config))
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    store.require_current_layout()
    require_exclusions(loaded, store, scope.nodes)
    with closing(PipelineWorld(loaded, store, check, writes)) as world:
        steps = plan(scope, world)
        return steps, plan_pointer(steps, store, world.versions)


def as_text(steps: Sequence[Step], pointer: PointerPlan) -> str:
    """How many nodes run, a line for each node, and one for `latest` where it moves or is kept."""
    counts = Counter(step.action for step in steps)
    maybe = f"{counts['maybe']} maybe, " if counts["maybe"] else ""
    lines = [f"{counts['run']} to run, {maybe}{counts['reuse']} reused"]
    lines += [f"{step.node.name:<17} {step.action:<6} {why(step)}".rstrip() for step in steps]
    if pointer.pinned is not None:
        lines.append(f"{LATEST:<17} {pinned_text(pointer.pinned)}")
    elif pointer.moves:
        lines.append(f"{LATEST:<17} {pointer.now or 'nothing'} -> {pointer.after}")
    return "\n".join(lines)


def why(step: Step) -> str:
    """Why a node runs, or what it depends on whether it does."""
    if step.action == "maybe":
        return f"reused if what {' and '.join(step.depends_on)} make is what was there before"
    text = reasons_text(step.reasons)
    if step.nearest is None:
        return text
    return f"{text} (as in run {step.nearest.run_id}, but {reasons_text(step.nearest.differences)})"


def _as_json(step: Step) -> dict[str, object]:
    found: dict[str, object] = {
        "node": step.node.name,
        "action": step.action,
        "reasons": _reasons_json(step.reasons),
    }
    if step.depends_on:
        found["depends_on"] = list(step.depends_on)
    if step.nearest is not None:
        found["nearest"] = {
            "run_id": step.nearest.run_id,
            "differences": _reasons_json(step.nearest.differences),
        }
    return found


def _reasons_json(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    return [{"kind": reason.kind, "detail": reason.detail} for reason in reasons]
