"""What records have reached that are to be erased: looked up now, and joined to what earlier requests have found."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.erasure.key import ErasureKey
from pipeline.lineage.corpora import Corpora, FoundRecord
from pipeline.lineage.trace import Matches, Query, ReachedModel, Trace, models_trained_on, trace
from pipeline.lineage.training_set import TRAINED_ON
from pipeline.manifests import Manifests
from pipeline.store import StoredErasure, StoreReader
from preprocessing.base.digests import sha256_text
from preprocessing.records.ids import names_of

# CorpusGen's execution -> how many of the records are in its corpus, and how many of these in its training set.
Counts = Mapping[int, tuple[int, int]]
# Up to so many names each is looked for by itself; of more, every line of the indices is read.
_LOOKED_FOR = 20


@dataclass(frozen=True)
class Reach:
    """Everything that the records of some names have reached.

    records: name -> what was found of it now. counts: name -> the same for each name. corpora: for all together.
    copies: records of the newest corpus with the document of one of them, and none of the names.
    not_looked_at: the Examples whose index is gone.
    """

    records: Mapping[str, Sequence[FoundRecord]]
    counts: Mapping[str, Counts]
    corpora: Counts
    models: Sequence[ReachedModel]
    copies: Sequence[FoundRecord]
    not_looked_at: Sequence[str]


def reach(
    store: StoreReader,
    manifests: Manifests,
    names: Sequence[str],
    earlier: Iterable[StoredErasure],
) -> Reach:
    """Look names up. earlier: requests for them, which still know what is gone since."""
    asked = _Asked(names)
    found = trace(store, manifests, Query(_values(names), asked))
    corpora = _known(earlier) | _counts(found)
    records: dict[str, list[FoundRecord]] = {name: [] for name in names}
    for record in found.records:
        for name in asked.those_of(record.id, record.source):
            records[name].append(record)
    return Reach(
        records,
        _counts_by_name(found, asked),
        corpora,
        _models(store, corpora),
        _copies(store, manifests, asked),
        found.not_looked_at,
    )


def reach_of_requests(
    store: StoreReader,
    manifests: Manifests,
    requests: Sequence[StoredErasure],
    key: ErasureKey | None,
) -> Reach:
    """What is known without the names: from the requests, and of later corpora by the digests of the records.

    key: that of the requests that a purge has hashed.
    """
    digests = frozenset(digest for request in requests for digest in request.records)
    if any(request.key for request in requests):
        assert key is not None, "a run without the key is refused"
        query = Query(("",), lambda line: key.hash(line["digest"]) in digests)
    else:
        query = Query(_values(digests), lambda line: line["digest"] in digests)
    found = trace(store, manifests, query)
    corpora = _counts(found) | _known(requests)
    return Reach({}, {}, corpora, _models(store, corpora), [], found.not_looked_at)


def models_of_requests(store: StoreReader, requests: Iterable[StoredErasure]) -> list[ReachedModel]:
    """The models that were trained on what was asked to be erased, as the requests know."""
    return _models(store, _known(requests))


def request_for(name: str, found: Reach, key: ErasureKey | None) -> StoredErasure:
    """What the store is to hold of a request. key: that of a purge, under which it is hashed."""
    digests = dict.fromkeys(record.digest for record in found.records[name])
    counts = found.counts.get(name, {})
    if key is None:
        return StoredErasure(0, 0.0, sha256_text(name), tuple(digests), counts)
    return StoredErasure(
        0, 0.0, key.hash(name), tuple(map(key.hash, digests)), counts, key.identity
    )


def matches_names(names: Iterable[str]) -> Matches:
    """Whether the line of an index is of any of some names."""
    return _Asked(names)


class _Asked:
    """Which names the line of an index is of; notes the documents of those that are of any."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self.documents: set[str] = set()

    def those_of(self, record_id: str, source: str) -> frozenset[str]:
        return self._names & {*names_of(record_id), source}

    def __call__(self, line: Mapping[str, Any]) -> bool:
        asked = bool(self.those_of(line["id"], line["source"]))
        if asked:
            self.documents.add(line["document"])
        return asked


def _models(store: StoreReader, corpora: Counts) -> list[ReachedModel]:
    trained = {execution: training for execution, (_, training) in corpora.items() if training}
    return list(models_trained_on(store, lambda each: (trained.get(each.corpus.id, 0), [])))


def _known(earlier: Iterable[StoredErasure]) -> dict[int, tuple[int, int]]:
    """The counts of the requests for several names together; of several for one, the last that had a corpus."""
    by_name: dict[str, Counts] = {}
    for request in sorted(earlier, key=lambda request: request.id):
        by_name[request.name] = {**by_name.get(request.name, {}), **request.corpora}
    found: dict[int, tuple[int, int]] = {}
    for corpora in by_name.values():
        for execution, (records, training) in corpora.items():
            before = found.get(execution, (0, 0))
            found[execution] = (before[0] + records, before[1] + training)
    return found


def _counts(found: Trace) -> dict[int, tuple[int, int]]:
    return {each.execution: _count(each.found) for each in found.examples}


def _counts_by_name(found: Trace, asked: _Asked) -> dict[str, Counts]:
    counts: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    for each in found.examples:
        records: dict[str, list[FoundRecord]] = defaultdict(list)
        for record in each.found:
            for name in asked.those_of(record.id, record.source):
                records[name].append(record)
        for name, those in records.items():
            counts[name][each.execution] = _count(those)
    return dict(counts)


def _count(records: Sequence[FoundRecord]) -> tuple[int, int]:
    return len(records), Counter(record.split for record in records)[TRAINED_ON]


def _copies(store: StoreReader, manifests: Manifests, asked: _Asked) -> list[FoundRecord]:
    newest = next(iter(store.history("CorpusGen")), None)
    if newest is None or not asked.documents:
        return []
    documents, corpora = frozenset(asked.documents), Corpora([newest], manifests)
    copies = (
        record
        for value in _values(documents)
        for records in corpora.find(
            value, lambda line: line["document"] in documents and not asked(line)
        ).values()
        for record in records
    )
    return list(dict.fromkeys(copies))


def _values(wanted: Collection[str]) -> tuple[str, ...]:
    """What to look for in the indices: each, or, of many, every line once, for each field begins with nothing."""
    return tuple(wanted) if len(wanted) <= _LOOKED_FOR else ("",)
