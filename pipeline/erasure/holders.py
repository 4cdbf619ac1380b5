"""What in a workspace may hold the text of records: outputs of what read them, caches and logs."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from pipeline.erasure.dropped import corpora_that_dropped
from pipeline.garbage.files import original_path
from pipeline.garbage.picture import Item, ItemKind
from pipeline.lineage.corpora import Corpora, FoundRecord
from pipeline.lineage.trace import Matches
from pipeline.manifests import REDACTED, Manifests
from pipeline.store import StoredArtifact, StoredExecution, StoreReader

# The types of what is made from records and holds none of their text: weights, digests and decisions.
_WITHOUT_TEXT = frozenset({"Model", "ModelBlessing", "Attestation", "PushedModel", "Schema"})
# Caches and logs are of no corpus by themselves. They are made again, so all of them go.
_OF_ANY_CORPUS: frozenset[ItemKind] = frozenset(
    {"shard", "job memory", "scores", "logs", "system", "leftover"}
)


def corpora_with(
    store: StoreReader,
    manifests: Manifests,
    names: Collection[str],
    matches: Matches,
    known: Collection[int],
) -> tuple[list[StoredExecution], set[FoundRecord]]:
    """The executions of CorpusGen, of every pipeline of the workspace, whose corpus had a document that matches.

    known: the ids of some that had one. One whose index is gone may have, and is among them. Returns the records too.
    """
    made = (store.producer(index.id) for index in store.artifacts("RecordIndex"))
    executions = {execution.id: execution for execution in made if execution is not None}
    corpora = Corpora(list(executions.values()), manifests)
    records: dict[str, list[FoundRecord]] = {}
    for name in names:
        records |= corpora.find(name, matches)
    taken = {*known, *(execution.id for execution in corpora.missing)}
    taken |= {number for number, shards in corpora.shards.items() if shards & records.keys()}
    taken = taken.union(*corpora_that_dropped(executions.values(), names).values())
    return (
        [execution for number, execution in executions.items() if number in taken],
        {record for found in records.values() for record in found},
    )


def artifacts_with_text(
    store: StoreReader, corpora: Collection[StoredExecution]
) -> list[StoredArtifact]:
    """The artifacts of some corpora, and of all that was made from them, which may hold text of their records.

    What a model has written is among them. A champion's comparison with a later model is not: it has its scores alone.
    """
    found: dict[int, StoredArtifact] = {}
    made = [artifact for corpus in corpora for artifact in corpus.outputs.values()]
    while made:
        new = {artifact.id: artifact for artifact in made if artifact.id not in found}
        found |= new
        made = [
            artifact
            for execution in store.readers(list(new))
            if any(each.id in new for name, each in execution.inputs.items() if name != "champion")
            for artifact in execution.outputs.values()
        ]
    return [artifact for artifact in found.values() if artifact.type not in _WITHOUT_TEXT]


def items_with_text(
    items: Sequence[Item],
    with_text: Collection[StoredArtifact],
    corpora: Collection[StoredExecution],
    at: Callable[[str], Collection[StoredArtifact]],
) -> Iterator[Item]:
    """Those of some items that may hold text of records of the corpora. at: the artifacts that were made at a place."""
    ids = {artifact.id for artifact in with_text}
    lists = {str(corpus.ingredients["externals"].get("corpus", "")) for corpus in corpora}
    for item in items:
        place = original_path(item.path)
        if item.kind == "artifact" and not place.endswith(REDACTED):
            # What the store does not know is of a run that died.
            recorded = [artifact for artifact in at(place) if artifact.digest]
            taken = not recorded or any(artifact.id in ids for artifact in recorded)
        elif item.kind == "outside":
            taken = Path(place).stem in lists
        else:
            taken = item.kind in _OF_ANY_CORPUS
        if taken:
            yield item
