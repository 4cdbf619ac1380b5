"""`gpt2-tfx lineage show`: what stands behind a model."""

import argparse
from collections.abc import Sequence
from typing import Any

from pipeline import lineage
from pipeline.cli import print_json
from pipeline.lineage.workspace import LineageWorkspace
from pipeline.progress_display import duration
from pipeline.serving_history import date, serving_events


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Print the lineage of a pushed model."""
    pushed = place.pushed(arguments.model)
    version = str(pushed.properties["pushed_version"])
    document = lineage.show(place.store, pushed)
    document["served"] = lineage.served_json(version, serving_events(place.store, place.versions))
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
        *_report_text(document["corpus_report"]),
        f"base     {base['digest'] if base else 'random weights from the seed'}",
        f"code     commit {document['code']['commit'] or 'unknown'}, digest {document['code']['digest']}",
        *_training_text(document["training"]),
        "scores   "
        + ", ".join(
            f"{name} {'not scored' if value is None else f'{value:.4f}'}"
            for name, value in sorted(document["metrics"].items())
        ),
        *_decision_text(document["decision"]),
        *(f"served   {_served_text(time)}" for time in document["served"]),
        "nodes",
    ]
    lines += [
        f"  {node['node']:<17} execution {node['execution']:<5} key {node['key'][:16]}  "
        f"{duration(node['seconds'])}{_removed_text(node, document['artifacts'])}"
        for node in document["nodes"]
    ]
    if document["changed_parameters"]:
        lines.append("parameters that are not the defaults")
        lines += [
            f"  {name}: {change['value']} (default {change['default']})"
            for name, change in document["changed_parameters"].items()
        ]
    lines.append("all parameters")
    lines += [
        f"  {name}: {value}{_others_text(name, value, document['nodes'])}"
        for name, value in document["parameters"].items()
    ]
    return "\n".join(lines)


def _report_text(report: dict[str, Any] | None) -> list[str]:
    if report is None:
        return []
    reasons = ", ".join(f"{count} {reason}" for reason, count in (report["reasons"] or {}).items())
    dropped = f"{report['dropped']} dropped" + (f" ({reasons})" if reasons else "")
    splits = ", ".join(f"{count} {split}" for split, count in (report["splits"] or {}).items())
    copies = f"{report['duplicates']} duplicates, {report['leaks']} leaks"
    return [f"         {splits}; {dropped}; {copies}"]


def _training_text(training: dict[str, Any] | None) -> list[str]:
    if training is None:
        return []
    return [
        f"training {training['steps']} steps, {training['tokens']:,} tokens, {training['parameters']:,} trained "
        f"parameters, {training['operations']:.3g} operations, {duration(training['seconds'])}",
        f"         {training['device']}",
        *_energy_text(training["energy_joules"], training["energy_of"]),
    ]


def _energy_text(joules: float | None, measured: Sequence[str]) -> list[str]:
    """The energy of a training, in kilowatt-hours; nothing where it was not measured."""
    if joules is None:
        return []
    return [f"         {joules / 3.6e6:.3g} kWh, of: {', '.join(measured)}"]


def _decision_text(decision: dict[str, Any] | None) -> list[str]:
    if decision is None:
        return []
    champion = decision["champion"]
    beside = "no champion" if champion is None else f"champion: version {champion['version']}"
    checks = "; ".join(
        f"{check['metric']} {check['wanted']}: {'passed' if check['passed'] else 'failed'}"
        + (f" ({check['found']})" if check.get("found") else "")
        for check in decision["checks"]
    )
    note = f"; {decision['note']}" if decision["note"] else ""
    blessed = "yes" if decision["blessed"] else "no"
    return [f"blessed  {blessed}, by the {decision['gate_split']} split: {checks} ({beside}){note}"]


def _removed_text(node: dict[str, Any], artifacts: Sequence[dict[str, Any]]) -> str:
    """When gc or a purge removed what a node made; empty where it is there."""
    own = set(node["outputs"].values())
    return "".join(
        f"  {cause} {date(max(times))}"
        for cause in ("collected", "erased")
        if (times := [each[cause] for each in artifacts if each["id"] in own and each[cause]])
    )


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
