"""The arguments of `lineage`: each action with its flags."""

import argparse
from pathlib import Path

from pipeline.argument_parts import (
    BEHIND_ACTION,
    Commands,
    add_command,
    add_configuration,
    add_json,
    utf8,
)

# As `pipeline.lineage.export.FORMATS` has them; a parser needs no module of lineage.
FORMATS = ("intoto", "openlineage", "cyclonedx", "croissant", "eu-summary")


def add_lineage(commands: "Commands[argparse.ArgumentParser]") -> None:
    """Adds `lineage` with its actions."""
    parser = add_command(
        commands, "lineage", "what stands behind a model, and what a record has reached"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, help_: str, *models: str, json: bool = True) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=help_, description=help_)
        for model in models:
            action.add_argument(model, metavar=model.upper(), help="latest or a pushed version")
        add_configuration(action, BEHIND_ACTION)
        if json:
            add_json(action)
        return action

    list_ = add("list", "the pushed versions")
    list_.add_argument(
        "-o", "--output", type=Path, metavar="F", help="write them as a page (.html)"
    )
    add("show", "corpus, code, parameters, base model and scores", "model")
    add("diff", "what two models differ in: records, parameters, code, packages, scores", "a", "b")
    verify = add("verify", "hash every file behind a model again, or of a copied one", "model")
    verify.add_argument("--key", type=Path, metavar="K", help="the public key that has signed it")
    graph = add("graph", "everything behind a model as one page", "model", json=False)
    graph.add_argument(
        "-o", "--output", type=Path, required=True, metavar="F", help="the page to write (.html)"
    )
    trace = add("trace", "the models and pushed versions that a record has reached")
    of = trace.add_mutually_exclusive_group(required=True)
    of.add_argument(
        "record", nargs="?", type=utf8, metavar="RECORD|FILE", help="an id, or a file of the corpus"
    )
    of.add_argument("--text", type=utf8, metavar="T", help="the text of a document; - reads stdin")
    of.add_argument(
        "--digest", metavar="D", help="the SHA-256 of the record's source, or its beginning"
    )
    export = add("export", "what stands behind a model, in a format of others", "model")
    export.add_argument("--format", required=True, choices=FORMATS)
    export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to; - and none: stdout"
    )
    prove = add("prove", "write the proof that a record was in the training set of a version")
    prove.add_argument("record", type=utf8, metavar="RECORD", help="its id")
    prove.add_argument(
        "--model", default="latest", metavar="MODEL", help="latest (the default) or a version"
    )
    prove.add_argument("-o", "--output", type=Path, required=True, metavar="F", help="where to")
    check = add("check", "whether a proof holds, without corpus, store and workspace")
    check.add_argument("proof", type=Path, metavar="F", help="what `lineage prove` wrote")
    check.add_argument("--key", type=Path, metavar="K", help="the public key that has signed it")
