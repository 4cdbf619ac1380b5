"""The index of a corpus: what is known of a record without its text, as a line of JSON."""

import json
from typing import NamedTuple

from preprocessing.records.copies import document_digest
from preprocessing.records.record import Place, Record


class IndexEntry(NamedTuple):
    """A record in the index. digest: of its source bytes. document: digest, see `copies`."""

    place: Place
    digest: str
    document: bytes

    def line(self, shard: int) -> str:
        """What the index says of the record; with the options it decides the record's Example."""
        line = {
            "id": self.place.id,
            "source": self.place.source,
            "position": self.place.position,
            "digest": self.digest,
            "split": self.place.split,
            "shard": shard,
            "document": self.document.hex(),
        }
        return json.dumps(line, ensure_ascii=False)


def entry_of(record: Record) -> IndexEntry:
    """The entry of a record."""
    return IndexEntry(record.place, record.digest, document_digest(record))
