"""Documents of a corpus that became no record: its report names them, and its page shows how the first begin."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from pipeline.lineage.drops import named_drops
from pipeline.store import StoredExecution
from preprocessing.records.exclusion import EXCLUDED


def corpora_that_dropped(
    corpora: Iterable[StoredExecution], names: Collection[str]
) -> dict[str, set[int]]:
    """Name -> the executions of CorpusGen that dropped a document of it for another reason than that it was named."""
    found: dict[str, set[int]] = defaultdict(set)
    for corpus in corpora:
        for drop, of in named_drops(corpus, names):
            if drop["reason"] != EXCLUDED:
                for name in of:
                    found[name].add(corpus.id)
    return found
