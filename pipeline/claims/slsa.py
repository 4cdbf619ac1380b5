"""What a model was built from, as a predicate of SLSA provenance v1 (https://slsa.dev/spec/v1.2/provenance).

`docs/slsa-build.md` is the page of the build's type: it says what each part is, and has a whole example.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from preprocessing.base.digests import sha256_json

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:gpt2-tfx:build:1"
# Whoever may run the pipeline may change what it says: Build L1, and no more.
BUILDER = "urn:gpt2-tfx:builder:unisolated:1"
# Of names and digests of many files (`preprocessing.base.digests.combine`), so not of a file's bytes.
TREE_DIGEST = "treeSha256"

Node = Mapping[str, Any]


def statement(
    subject: Mapping[str, Any], predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """An in-toto Statement v1 about one subject (a ResourceDescriptor with a digest)."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [dict(subject)],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def root_digest(files: Mapping[str, str]) -> str:
    """The one digest by which OpenSSF Model Signing 1.0 names a folder: over the digests of its files in their order.

    files: relative name -> SHA-256 in hex, of what is signed.
    """
    return sha256(b"".join(bytes.fromhex(files[name]) for name in sorted(files))).hexdigest()


def predicate(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The predicate for a pushed model. shown: the document of `lineage.show`. The same model, the same predicate."""
    nodes = shown["nodes"]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "nodes": [
                    {
                        "node": node["node"],
                        "key": node["key"],
                        "parameters": without_names(node["parameters"]),
                    }
                    for node in nodes
                ]
            },
            "internalParameters": {
                "nodes": [
                    {
                        "node": node["node"],
                        "key": node["key"],
                        "python": node["environment"].get("python", ""),
                        "machine": node["machine"],
                        "code": {TREE_DIGEST: node["code"]["digest"]},
                    }
                    for node in nodes
                ]
            },
            "resolvedDependencies": [*_sources(nodes), *_locks(nodes), *_contents(nodes)],
        },
        "runDetails": {
            "builder": {"id": BUILDER},
            "metadata": {"invocationId": nodes[-1]["key"], **_times(nodes)},
            "byproducts": _byproducts(shown),
        },
    }


def without_names(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they may be handed to anybody: of the records that were left out only how many, and a digest."""
    left_out = "corpus.exclude"
    found = dict(parameters)
    if found.get(left_out):
        names = found[left_out]
        found[left_out] = {"names": len(names), "sha256": sha256_json(names)}
    return found


def time_text(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 has them, in UTC to the millisecond."""
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def _sources(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """The commits that the nodes' code is of; one with changes is said to be so."""
    commits = dict.fromkeys(node["code"]["commit"] for node in nodes if node["code"]["commit"])
    return [
        {
            "name": "source",
            "digest": {"gitCommit": commit.removesuffix("+changes")},
            "annotations": {
                "changed": commit.endswith("+changes"),
                "nodes": [node["node"] for node in nodes if node["code"]["commit"] == commit],
            },
        }
        for commit in commits
    ]


def _locks(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    found = {
        (name, digest): None
        for node in nodes
        for name, digest in sorted(node["environment"].items())
        if name.endswith(".lock")
    }
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in found]


def _contents(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """What came from outside: corpus, base model, schema, vocabulary. A champion is not what a model is made of."""
    found = {
        (name, digest): None
        for node in nodes
        for name, digest in sorted(node["externals"].items())
        if name != "champion"
    }
    return [{"name": name, "digest": {TREE_DIGEST: digest}} for name, digest in found]


def _times(nodes: Iterable[Node]) -> dict[str, str]:
    known = [(node["finished"], node["seconds"]) for node in nodes if node["finished"] is not None]
    if not known:
        return {}
    return {
        "startedOn": time_text(min(finished - seconds for finished, seconds in known)),
        "finishedOn": time_text(max(finished for finished, _ in known)),
    }


def _byproducts(shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the nodes made on the way: records, rows, statistics, the model before it was pushed, scores."""
    keys = {number: node["key"] for node in shown["nodes"] for number in node["outputs"].values()}
    return [
        {
            "name": f"{artifact['node']}/{artifact['output']}",
            "digest": {TREE_DIGEST: artifact["digest"]},
            "annotations": {"type": artifact["type"], "key": keys[artifact["id"]]},
        }
        for artifact in shown["artifacts"]
        if artifact["type"] != "PushedModel"
    ]
