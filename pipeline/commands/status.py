"""`gpt2-tfx status`: the last runs and what became of their nodes."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipeline.cli import print_json
from pipeline.config_reading import load_config
from pipeline.manifests import removals
from pipeline.nodes import NODE_NAMES
from pipeline.progress_display import duration
from pipeline.run_record import FAILED_NODE, is_over
from pipeline.serving_history import date, pin, pinned_text, served, serving_events
from pipeline.store import ServingEvent, StoredExecution, StoredRun, StoreReader
from serving.versions import Versions

_NEVER: dict[str, float | None] = {"collected": None, "erased": None}

_STATES = {
    "COMPLETE": "run",
    "CACHED": "cached",
    "FAILED": "failed",
    "ABANDONED": "abandoned",
    "CANCELED": "abandoned",
}


def run(arguments: argparse.Namespace) -> int:
    """Print the last runs, newest first."""
    loaded = load_config(arguments.config, arguments.overrides)
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    runs = last_runs(store, arguments.limit)
    events = list(serving_events(store, Versions(loaded.workspace / "serving")))
    if arguments.json:
        print_json({"runs": runs, "served": [asdict(time) for time in served(events)]})
        return 0
    if events:
        print(_latest_text(events))
    if not runs:
        print("no runs yet")
    for entry in runs:
        began = date(entry["started"])
        print(f"{entry['run_id']}  {entry['state']}  {began}  {duration(entry['seconds'])}")
        for node in entry["nodes"]:
            key = node["key"][:12]
            line = f"  {node['node']:<17} {node['state']:<9} {duration(node['seconds']):>12}  {key:<12}"
            gone = "".join(
                f"{cause} {date(node[cause])}  " for cause in ("collected", "erased") if node[cause]
            )
            print(f"{line}  {gone}{node['reason']}".rstrip())
    return 0


def _latest_text(events: Sequence[ServingEvent]) -> str:
    """What `latest` names, since when and why."""
    pinned, times = pin(events), served(events)
    if pinned is not None:
        return f"latest: {pinned_text(pinned)}"
    if not times:
        return "latest: no version yet"
    now = times[-1]
    return f"latest: version {now.version} since {date(now.since)}, by {now.cause}"


def last_runs(store: StoreReader, limit: int) -> list[dict[str, Any]]:
    """The last runs as the JSON of `status` has them."""
    return [_run(store, stored) for stored in store.runs(limit)]


def _run(store: StoreReader, stored: StoredRun) -> dict[str, Any]:
    """A run; what is registered as running in a dead one is abandoned, as the next run will write down."""
    properties = stored.properties
    dead = properties["state"] == "running" and is_over(store, stored)

    def now(state: str) -> str:
        return "abandoned" if dead and state == "running" else state

    started = float(properties["started"])
    # A run that a container takes up again has ended once already.
    running = properties["state"] == "running"
    finished = float(time.time() if running else properties["finished"])
    executions = store.executions_of_run(stored.run_id)
    seen = {
        execution.node: {
            "node": execution.node,
            "state": now("running" if execution.is_unfinished else _STATES[execution.state]),
            "seconds": round(execution.seconds, 3),
            "key": execution.key,
            "reason": str(execution.properties.get("reason", "")),
            **_removed(store, execution),
        }
        for execution in executions
    }
    names = str(properties["nodes"]).split(",") if "nodes" in properties else NODE_NAMES
    failed = properties.get(FAILED_NODE)
    for name in names:
        state = "failed" if name == failed else "skipped"
        unseen = {"node": name, "state": state, "seconds": 0.0, "key": "", "reason": "", **_NEVER}
        seen.setdefault(name, unseen)
    return {
        "run_id": stored.run_id,
        "state": now(str(properties["state"])),
        "started": started,
        "seconds": round(finished - started, 3),
        "nodes": [seen[name] for name in names],
    }


def _removed(store: StoreReader, execution: StoredExecution) -> dict[str, float | None]:
    """When gc and a purge removed what an execution made, or the last of it; None where they did not."""
    found = dict(_NEVER)
    for removal in removals(store, execution.outputs.values()).values():
        found[removal.cause] = max(found[removal.cause] or 0.0, removal.time)
    return found
