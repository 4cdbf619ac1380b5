"""The journal of a workspace: everything that was appended to what the store knows of it, in one row.

A place in it is a context whose name can be made once, in the transaction that adds its event, so that of two writers
one comes after the other. Each event holds the digest of the one before it, and the state that this one had then.
"""

from collections.abc import Iterator

from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

from pipeline.store.messages import INPUTS, Messages
from pipeline.store.names import COLLECTION, ERASURE, JOURNAL, PURGE, SERVING
from pipeline.store.records import StoredEvent, properties_of, state_of


class JournalReader(Messages):
    """Reads the events of a workspace."""

    def journal(self) -> Iterator[StoredEvent]:
        """The events that have a place, newest first."""
        request = service.GetContextsByTypeRequest(type_name=JOURNAL)
        for context in self._newest_first("GetContextsByType", "contexts", request):
            if self.names.event_number(context.name) is not None:
                for event in self._mlmd.get_executions_by_context(context.id):
                    yield self._event(event)

    def events_of_every_kind(self) -> Iterator[StoredEvent]:
        """The events that the contexts of their kinds hold, with or without a place, newest first in each kind."""
        for kind, name in (
            (SERVING, self.names.of_serving),
            (COLLECTION, self.names.of_collections),
            (ERASURE, self.names.of_erasures),
            (PURGE, self.names.of_purges),
        ):
            for event in self._executions(kind, name):
                yield self._event(event)

    def _event(self, execution: pb.Execution) -> StoredEvent:
        events = self._mlmd.get_events_by_execution_ids([execution.id])
        about = tuple(event.artifact_id for event in events if event.type in INPUTS)
        kind = execution.type or self._execution_types[execution.type_id]
        return StoredEvent(execution.id, kind, state_of(execution), properties_of(execution), about)
