"""What the pages show: the documents of `lineage show` and `lineage list`, put in the order in which one reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.lineage.facts import changed_parameters
from pipeline.lineage.pages.beside import pages_below
from pipeline.lineage.pages.rendering import render
from pipeline.nodes import NODE_NAMES


def model_page(
    shown: Mapping[str, Any],
    models: Sequence[Mapping[str, Any]],
    more: int,
    workspace: Path,
    folder: Path,
) -> str:
    """The page of a model.

    shown: what `provenance.show` says of it. models: what `pushed_models` says of it and of the versions beside it.
    more: versions that are not among them. workspace: paths in it are told relative to it.
    folder: of the page; it leads to the pages of nodes that lie below.
    """
    version = shown["model"]["version"]
    champion = (shown["decision"] or {}).get("champion")
    return render(
        "model.html",
        shown=shown,
        own=next(model for model in models if model["model"] == version),
        champion=champion,
        nodes=_nodes(shown, workspace),
        others=[model for model in models if model["model"] != version],
        more=more,
        written=pages_below(shown["artifacts"], folder),
        leaks=_leaks(shown),
    )


def models_page(
    pipeline: str,
    models: Sequence[Mapping[str, Any]],
    evaluations: Sequence[Mapping[str, Any]],
    folder: Path,
) -> str:
    """The page of all pushed versions and of all evaluations, newest first.

    evaluations: see `pipeline.lineage.evaluations`. folder: of the page; it leads to a VERSION.html there, and to the
    pages of nodes that lie below.
    """
    beside = {path.name for path in folder.glob("*.html")}
    behind = (each for evaluation in evaluations for each in evaluation["artifacts"].values())
    return render(
        "models.html",
        pipeline=pipeline,
        models=models,
        evaluations=evaluations,
        pages={model["model"] for model in models if f"{model['model']}.html" in beside},
        written=pages_below(
            (*filter(None, (model["evaluation"] for model in models)), *behind), folder
        ),
    )


def _leaks(shown: Mapping[str, Any]) -> int:
    """The documents that are in more than one split of what was trained on: those that were dropped are in one."""
    if shown["parameters"].get("corpus.on_leak") == "drop":
        return 0
    return (shown["corpus_report"] or {}).get("leaks") or 0


def _nodes(shown: Mapping[str, Any], workspace: Path) -> list[dict[str, Any]]:
    """The executions in the order of the data's way, each with what it read and made."""
    artifacts = {artifact["id"]: artifact for artifact in shown["artifacts"]}
    makers = {
        number: node["execution"] for node in shown["nodes"] for number in node["outputs"].values()
    }
    return [
        {
            **node,
            "changed": changed_parameters(node["parameters"]),
            "read": [
                {"name": name, "artifact": artifacts.get(number), "maker": makers.get(number)}
                for name, number in node["inputs"].items()
            ],
            "made": [
                {
                    **artifacts[number],
                    "name": name,
                    "where": _where(artifacts[number]["uri"], workspace),
                }
                for name, number in node["outputs"].items()
            ],
        }
        for node in sorted(shown["nodes"], key=_place)
    ]


def _place(node: Mapping[str, Any]) -> tuple[int, int]:
    """Of an earlier table a node may have another name: it comes last."""
    names = [*NODE_NAMES, node["node"]]
    return names.index(node["node"]), node["execution"]


def _where(uri: str, workspace: Path) -> str:
    path = Path(uri)
    return str(path.relative_to(workspace)) if path.is_relative_to(workspace) else uri
