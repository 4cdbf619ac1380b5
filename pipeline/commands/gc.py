"""`gpt2-tfx gc`: remove what no kept run, pushed version or pinned model needs."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pipeline.cli import print_json
from pipeline.commands.index_page import refresh_index
from pipeline.config_reading import load_config
from pipeline.garbage.collector import collect, look
from pipeline.garbage.explanation import Explanation, explain
from pipeline.garbage.files import freed_bytes
from pipeline.garbage.keeping import Decision, Keeper, Policy
from pipeline.garbage.picture import Item, Need
from pipeline.progress_display import byte_count


def run(arguments: argparse.Namespace) -> int:
    """Remove, or say what would be removed, or what keeps a file."""
    loaded = load_config(arguments.config, arguments.overrides)
    policy = Policy(arguments.keep, arguments.older_than, arguments.purge_lineage)
    if arguments.why is not None:
        found = explain(look(loaded, policy), loaded.workspace, arguments.why)
        if arguments.json:
            print_json(_why_json(found))
        else:
            print(why_text(found))
        return 0
    if arguments.dry_run:
        decision = look(loaded, policy)
        freed = sum(freed_bytes(decision.removed))
    else:
        collection = collect(loaded, policy, lambda text: print(text, file=sys.stderr))
        decision, freed = collection.decision, collection.freed
        refresh_index(loaded)
    if arguments.json:
        print_json(_as_json(decision, freed, arguments.dry_run))
    else:
        print(as_text(decision, freed, arguments.dry_run))
    return 0


def as_text(decision: Decision, freed: int, dry_run: bool) -> str:
    """What goes, with sizes: each item before it does, each kind when it has; what stays and the total."""
    sizes = freed_bytes(decision.removed)
    if dry_run:
        lines = [
            f"{byte_count(size):>9}  {item.path}"
            for item, size in zip(decision.removed, sizes, strict=True)
        ]
    else:
        lines = _by_kind(decision.removed, sizes)
    kept = {
        kind: [need.name for need in decision.roots if need.kind == kind]
        for kind in ("run", "version")
    }
    lines += [f"kept: {kind} {name}" for kind, names in kept.items() for name in names]
    verb = "would free" if dry_run else "freed"
    return "\n".join([*lines, f"{verb} {freed} bytes ({byte_count(freed)})"])


def _by_kind(items: Sequence[Item], sizes: Sequence[int]) -> list[str]:
    found: dict[str, list[int]] = defaultdict(list)
    for item, size in zip(items, sizes, strict=True):
        found[item.kind].append(size)
    return [
        f"{byte_count(sum(each)):>9}  {kind} ({len(each)})" for kind, each in sorted(found.items())
    ]


def why_text(found: Explanation) -> str:
    """What keeps a path, a line for each run and version."""
    if not found.keepers:
        assert found.item is not None
        return f"{found.path}: nothing keeps it; `gpt2-tfx gc` would remove {found.item.path}"
    # What serves several things that one run needs is kept by it once.
    first = {keeper.root: keeper for keeper in reversed(found.keepers)}
    keepers = [keeper for keeper in found.keepers if first[keeper.root] is keeper]
    return "\n".join([f"{found.path} is kept:", *(f"  {_keeper_text(k)}" for k in keepers)])


def _keeper_text(keeper: Keeper) -> str:
    if keeper.root is None:
        return keeper.reason
    # An execution tells enough of the artifact that led to it.
    through = [_need_text(need) for need in keeper.through if need.kind != "artifact"]
    way = f", through {', '.join(through)}" if through else ""
    return f"{_need_text(keeper.root)}: {keeper.reason}{way}"


def _need_text(need: Need) -> str:
    return f"{need.kind} {need.name}"


def _as_json(decision: Decision, freed: int, dry_run: bool) -> dict[str, Any]:
    sizes = freed_bytes(decision.removed)
    return {
        "dry_run": dry_run,
        "removed": [
            {"path": item.path, "kind": item.kind, "bytes": size}
            for item, size in zip(decision.removed, sizes, strict=True)
        ],
        "bytes": freed,
        "kept": [
            {"kind": need.kind, "name": need.name, "reason": reason}
            for need, reason in decision.roots.items()
        ],
    }


def _why_json(found: Explanation) -> dict[str, Any]:
    item = found.item
    return {
        "path": found.path,
        "item": None if item is None else {"path": item.path, "kind": item.kind},
        "kept": bool(found.keepers),
        "keepers": [
            {
                "kind": None if keeper.root is None else keeper.root.kind,
                "name": None if keeper.root is None else keeper.root.name,
                "reason": keeper.reason,
                "through": [{"kind": need.kind, "name": need.name} for need in keeper.through],
            }
            for keeper in found.keepers
        ],
    }
