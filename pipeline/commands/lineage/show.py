"""`gpt2-tfx lineage show`: what stands behind a model."""

import argparse
from collections.abc import Sequence
from typing import Any

from pipeline import lineage
from pipeline.cli import print_json
from pipeline.commands.lineage.place import LineagePlace
from pipeline.serving_history import date, served, serving_events


def run(arguments: argparse.Namespace, place: LineagePlace) -> int:
    """Print the lineage of a pushed model."""
    pushed = place.pushed(arguments.model)
    version = str(pushed.properties["pushed_version"])
    document = lineage.show(place.store, pushed)
    document["served"] = [
        {"since": time.since, "until": time.until, "cause": time.cause}
        for time in served(serving_events(place.store, place.versions))
        if time.version == version
    ]
    if arguments.json:
        print_json(document)
    else:
        print(as_text(document))
    return 0


def as_text(document: dict[str, Any]) -> str:
    """The lineage for people."""
    model, corpus, base = document["model"], document["corpus"], document["base_model"]
    lines = [
        f"model    version {model['version']}, digest {model['digest']}",
        f"corpus   {corpus['task']}: {corpus['records']} records from {corpus['files']} files, "
        f"digest {corpus['digest']}",
        f"base     {base['digest'] if base else 'random weights from the seed'}",
        f"code     commit {document['code']['commit'] or 'unknown'}, digest {document['code']['digest']}",
        "scores   "
        + ", ".join(
            f"{name} {'not scored' if value is None else f'{value:.4f}'}"
            for name, value in sorted(document["metrics"].items())
        ),
        *(f"served   {_served_text(time)}" for time in document["served"]),
        "nodes",
    ]
    lines += [
        f"  {node['node']:<17} execution {node['execution']:<5} key {node['key'][:16]}"
        f"{_collected_text(node, document['artifacts'])}"
        for node in document["nodes"]
    ]
    lines.append("parameters")
    lines += [
        f"  {name}: {value}{_others_text(name, value, document['nodes'])}"
        for name, value in document["parameters"].items()
    ]
    return "\n".join(lines)


def _collected_text(node: dict[str, Any], artifacts: Sequence[dict[str, Any]]) -> str:
    """When gc removed what a node made; empty where it is there."""
    own = set(node["outputs"].values())
    times = [each["collected"] for each in artifacts if each["id"] in own and each["collected"]]
    return f"  collected {date(max(times))}" if times else ""


def _served_text(time: dict[str, Any]) -> str:
    until = "now" if time["until"] is None else date(time["until"])
    return f"{date(time['since'])} to {until}, by {time['cause']}"


def _others_text(parameter: str, value: Any, nodes: Sequence[dict[str, Any]]) -> str:
    """The nodes that were made with another value: their results were the same, so they were used again."""
    others = {
        f"{node['node']} (execution {node['execution']}): {node['parameters'][parameter]}"
        for node in nodes
        if node["parameters"].get(parameter, value) != value
    }
    return f"; {', '.join(sorted(others))}" if others else ""
