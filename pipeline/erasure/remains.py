"""What still has something of records that were asked to be erased, and why: for the dossier."""

from collections.abc import Iterator, Mapping

from pipeline.config import LoadedConfig
from pipeline.erasure.requests import Erasure
from pipeline.store import StoreReader
from serving.versions import Versions


def remains(
    loaded: LoadedConfig, store: StoreReader, erasure: Erasure, versions: Versions
) -> Iterator[Mapping[str, str]]:
    """Each with `what` and `reason`, in words without names and texts."""
    found = erasure.reach
    held = {version for model in found.models for version in model.pushed}
    for version in sorted(held & set(versions.names()), key=int):
        serves = ", and `latest` names it" if version == versions.latest() else ""
        yield {
            "what": f"pushed version {version}",
            "reason": "it was trained on them, and leaving them out of later corpora changes no weight of it"
            + serves,
        }
    if found.models:
        yield {
            "what": "models and checkpoints in the workspace",
            "reason": "they were trained on them; `gpt2-tfx gc` removes those that no kept run or pushed version needs",
        }
    if all(request.key for request in erasure.requests):
        yield from _beyond_a_purge(loaded, store)
    else:
        yield {
            "what": "records, tokens, caches, scores, reports and logs of earlier runs in the workspace",
            "reason": "not all of it was purged; `gpt2-tfx erase --purge` removes it",
        }
    yield {
        "what": "the source files of the corpus",
        "reason": "they belong to whoever keeps the corpus; it is their names that are left out",
    }
    if found.copies:
        yield {
            "what": f"{len(found.copies)} records of the newest corpus with the same document",
            "reason": "they have names of their own that were not asked for",
        }
    if found.not_looked_at:
        yield {
            "what": f"{len(found.not_looked_at)} earlier corpora",
            "reason": "their indices are gone, so it is not known whether they held them",
        }
    yield {
        "what": "backups of the corpus and the workspace, the logs of a database that is the store, and what was "
        "written elsewhere: predictions of `evaluate`, proofs, dossiers and pages",
        "reason": "they lie outside of what this program keeps",
    }


def _beyond_a_purge(loaded: LoadedConfig, store: StoreReader) -> Iterator[Mapping[str, str]]:
    yield {
        "what": "digests of corpora and of files that had them among other records",
        "reason": "the lineage of the models is made of them",
    }
    if not store.connection.HasField("sqlite"):
        yield {
            "what": "deleted rows in the files of the database that is the store",
            "reason": "a server removes them by itself; `VACUUM FULL` in PostgreSQL and `OPTIMIZE TABLE` in MySQL and "
            "MariaDB do it at once, and its logs, replicas and backups are whoever runs it has to see to",
        }
    pipelines = {str(run.properties.get("pipeline", "")) for run in store.runs_of_all_pipelines()}
    if others := sorted(pipelines - {loaded.config.name}):
        yield {
            "what": f"the next runs of other pipelines of this workspace: {', '.join(others)}",
            "reason": "what earlier ones made of the records was purged; their corpora have exclusions of their own",
        }
