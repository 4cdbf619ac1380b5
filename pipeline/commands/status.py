"""`gpt2-tfx status`: the last runs and what became of their nodes."""

import argparse
import json
import time
from typing import Any

from pipeline.cli import print_json
from pipeline.config import LoadedConfig, load_config
from pipeline.nodes import NODE_NAMES
from pipeline.progress_display import duration
from pipeline.store import Store, StoredRun

_STATES = {
    "COMPLETE": "run",
    "CACHED": "cached",
    "FAILED": "failed",
    "ABANDONED": "abandoned",
    "CANCELED": "abandoned",
    "RUNNING": "running",
    "NEW": "running",
}


def run(arguments: argparse.Namespace) -> int:
    """Print the last runs, newest first."""
    loaded = load_config(arguments.config, arguments.overrides)
    runs = last_runs(loaded, arguments.limit)
    if arguments.json:
        print_json({"runs": runs})
        return 0
    if not runs:
        print("no runs yet")
    for entry in runs:
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry["started"]))
        print(f"{entry['run_id']}  {entry['state']}  {began}  {duration(entry['seconds'])}")
        for node in entry["nodes"]:
            key = node["key"][:12]
            print(f"  {node['node']:<17} {node['state']:<9} {duration(node['seconds']):>12}  {key}")
    return 0


def last_runs(loaded: LoadedConfig, limit: int) -> list[dict[str, Any]]:
    """The last runs as the JSON of `status` has them."""
    store = Store(loaded.config.name, loaded.config.store, loaded.workspace)
    return [_run(store, stored) for stored in store.runs(limit)]


def _run(store: Store, stored: StoredRun) -> dict[str, Any]:
    properties = stored.properties
    started = float(properties["started"])
    finished = float(properties.get("finished", time.time()))
    seen = {
        execution.node: {
            "node": execution.node,
            "state": _STATES[execution.state],
            "seconds": round(execution.seconds, 3),
            "key": execution.key,
        }
        for execution in store.executions_of_run(stored.run_id)
    }
    base = json.loads(str(properties["config:model.base"]))
    names = [name for name in NODE_NAMES if base or name != "BaseModel"]
    skipped = {"state": "skipped", "seconds": 0.0, "key": ""}
    return {
        "run_id": stored.run_id,
        "state": properties["state"],
        "started": started,
        "seconds": round(finished - started, 3),
        "nodes": [seen.get(name, {"node": name, **skipped}) for name in names],
    }
