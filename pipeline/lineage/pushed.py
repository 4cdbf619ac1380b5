"""The pushed versions of a workspace: what each is, when it was pushed, and when `latest` named it."""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.lineage.provenance import pushed_artifact, show
from pipeline.serving_history import pushed_at, served_as, serving_events
from pipeline.store import ServingEvent, StoreReader
from preprocessing.base.errors import InputError
from serving.versions import Versions


def pushed_models(
    store: StoreReader, versions: Versions, of: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """What `lineage list --json` says of each version. of: some versions, in their order; by default all, newest first.

    Digest, corpus, scores and evaluation are None for a version that the store does not know, and it has no intervals.
    """
    events = list(serving_events(store, versions))
    latest = versions.latest()
    return [
        {
            "model": version,
            "latest": version == latest,
            **_described(store, version),
            "pushed": pushed_at(version, events),
            "served": served_json(version, events),
        }
        for version in (versions.names()[::-1] if of is None else of)
    ]


def served_json(version: str, events: Iterable[ServingEvent]) -> list[dict[str, object]]:
    """The times in which `latest` named a version, as the documents of `list` and `show` have them."""
    return [
        {"since": time.since, "until": time.until, "cause": time.cause}
        for time in served_as(version, events)
    ]


def _described(store: StoreReader, version: str) -> dict[str, Any]:
    try:
        shown = show(store, pushed_artifact(store, version))
    except InputError:
        return {
            "digest": None,
            "corpus": None,
            "metrics": None,
            "intervals": {},
            "evaluation": None,
        }
    return {
        "digest": shown["model"]["digest"],
        "corpus": shown["corpus"],
        "metrics": shown["metrics"],
        "intervals": (shown["decision"] or {}).get("intervals", {}),
        "evaluation": next(
            (
                {"id": each["id"], "type": each["type"], "uri": each["uri"]}
                for each in shown["artifacts"]
                if each["type"] == "ModelEvaluation"
            ),
            None,
        ),
    }
