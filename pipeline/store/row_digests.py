"""Digests over rows of the store, so that a row that was changed, removed or put in afterwards is found.

The digest of an execution is over its row, the rows of its outputs, and the digests of what made its inputs: that of a
Pusher stands for everything behind a pushed model. What happens later is appended as events, each of which names the
digest of the one before it. Both are without a secret: who rewrites a store whole is found by a signed statement that
holds one of the digests.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.store.names import ERASURE
from pipeline.store.records import (
    HASHED_BY_A_PURGE,
    Properties,
    StoredArtifact,
    StoredEvent,
    StoredExecution,
)
from preprocessing.base.digests import sha256_text

RECORD_DIGEST = "record_digest"
Portable = Callable[[str, str], str]


def execution_digest(
    execution: StoredExecution, makers: Mapping[str, str], portable: Portable
) -> str:
    """The digest of an execution that is recorded.

    makers: input -> the digest of the execution that made it; empty where nothing recorded did.
    portable: the name and text of a property -> the text wherever the workspace lies.
    """
    return _digest(
        {
            "id": execution.id,
            "node": execution.node,
            "state": execution.state,
            "properties": _plain(execution.properties, portable),
            "inputs": {
                name: [_artifact(artifact, portable), makers.get(name, "")]
                for name, artifact in execution.inputs.items()
            },
            "outputs": {
                name: _artifact(artifact, portable) for name, artifact in execution.outputs.items()
            },
        }
    )


def event_digest(event: StoredEvent) -> str:
    """The digest of an event, as it was when it was appended: whether it happened is known later.

    It is not over what a purge hashes: a digest of plain hashes would let somebody guess what they are of.
    """
    hashed = HASHED_BY_A_PURGE if event.kind == ERASURE else frozenset()
    covered = {name: value for name, value in event.properties.items() if name not in hashed}
    return _digest(
        {
            "kind": event.kind,
            "properties": _plain(covered, lambda _, text: text),
            "artifacts": sorted(event.artifacts),
        }
    )


def as_kept(properties: Properties) -> Properties:
    """Properties whose numbers each database gives back as they were: ML Metadata keeps 15 digits of a number."""
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in properties.items()
    }


def _artifact(artifact: StoredArtifact, portable: Portable) -> list[Any]:
    properties = _plain(artifact.properties, portable)
    return [artifact.id, artifact.type, portable("uri", artifact.uri), properties]


def _plain(properties: Properties, portable: Portable) -> dict[str, Any]:
    return {
        name: _value(name, value, portable)
        for name, value in properties.items()
        if name != RECORD_DIGEST
    }


def _value(name: str, value: str | int | float, portable: Portable) -> Any:
    if isinstance(value, str):
        return portable(name, value)
    return f"{value:.3f}" if isinstance(value, float) else value


def _digest(row: Mapping[str, Any]) -> str:
    return sha256_text(json.dumps(row, sort_keys=True))
