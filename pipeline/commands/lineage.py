"""`gpt2-tfx lineage`: what stands behind a model."""

import argparse
from typing import Any

from pipeline import lineage
from pipeline.cli import print_json
from pipeline.config_reading import load_config
from pipeline.store import StoreReader
from preprocessing.errors import InputError
from serving.versions import Versions


def run(arguments: argparse.Namespace) -> int:
    """Print the lineage of a pushed model."""
    loaded = load_config(arguments.config, arguments.overrides)
    path = Versions(loaded.workspace / "serving").resolve(arguments.model)
    if path.parent != loaded.workspace / "serving":
        raise InputError(f"{arguments.model}: not a pushed version; name `latest` or a version.")
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    document = lineage.show(store, lineage.pushed_artifact(store, path.name))
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
        "nodes",
    ]
    lines += [
        f"  {node['node']:<17} execution {node['execution']:<5} key {node['key'][:16]}"
        for node in document["nodes"]
    ]
    lines.append("parameters")
    lines += [f"  {name}: {value}" for name, value in document["parameters"].items()]
    return "\n".join(lines)
