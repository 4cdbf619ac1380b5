"""A connection to the metadata store that outlasts the database server: where it is lost, it is opened again.

A call whose answer was lost may have been done. It is done again where that changes nothing (reading, setting what is
set); what adds an execution or artifacts gives them ids of their own, by which it is seen whether they are there. A
context of a name is made once: who makes one hears that it exists, and looks whose it is.
"""

import re
import sys
import threading
import time
from typing import Any
from uuid import uuid4

import ml_metadata
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

# So long is a server waited for that is away.
PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.5
# So long for another process that makes the tables of an empty database, which takes a second.
_MAKING_SECONDS = 10.0

# What the clients of PostgreSQL and MySQL say; of a connection that is known to be lost PostgreSQL's says nothing.
_LOST = re.compile(
    r"server closed the connection|no connection to the server|terminating connection|connect(ion)? to server"
    r"|connection pointer is NULL|the database system is|could not (receive|send) data|SSL SYSCALL"
    r"|gone away|Lost connection|Can't connect|metadata source error:\s*$",
    re.IGNORECASE,
)

# What ML Metadata says where two make the tables at once: who comes second sees half of them, or is refused one.
_BEING_MADE = re.compile(
    r"concurrent connection to the empty database|pg_type_typname_nsp_index|\S+ already exists"
)


class LastingStore(ml_metadata.MetadataStore):
    """A connection that threads may share.

    address: where the store is, for messages. waits: whether a server that is away is waited for at the start too.
    """

    def __init__(self, config: pb.ConnectionConfig, address: str, waits: bool = False) -> None:
        self._address = address
        self._turn = threading.Lock()
        self._config = config
        self._open(time.monotonic() + (PATIENCE_SECONDS if waits else 0.0))

    def _call(
        self, method_name: str, request: Any, response: Any, extra_options: Any = None
    ) -> None:
        if method_name == "PutExecution":
            _name_what_is_new(request)
        repeated = False
        give_up: float | None = None
        while True:
            connection = self._metadata_store
            try:
                if not (repeated and self._was_done(method_name, request, response)):
                    self._do(method_name, request, response, repeated)
                return
            except errors.StatusError as error:
                if not _LOST.search(str(error)) or not _may_be_repeated(method_name, request):
                    raise
                give_up = give_up or time.monotonic() + PATIENCE_SECONDS
                if time.monotonic() > give_up:
                    raise
                self._open_again(connection, give_up, error)
                repeated = True

    def _do(self, method_name: str, request: Any, response: Any, repeated: bool) -> None:
        try:
            super()._call(method_name, request, response)
        except errors.AlreadyExistsError:
            # The server may have come to the end of it only now.
            if not (repeated and self._was_done(method_name, request, response)):
                raise

    def _call_method(self, method_name: str, request: Any, response: Any) -> None:
        with self._turn:
            super()._call_method(method_name, request, response)

    def _open(self, give_up: float) -> None:
        """Open the connection, where need be when the server is back. Raises StatusError or RuntimeError."""
        told = False
        made = time.monotonic() + _MAKING_SECONDS
        while True:
            try:
                super().__init__(self._config)
                return
            except (errors.StatusError, RuntimeError) as error:
                being_made = bool(_BEING_MADE.search(str(error)))
                if time.monotonic() >= (max(give_up, made) if being_made else give_up):
                    raise
            if not (told or being_made):
                told = True
                print(
                    f"gpt2-tfx: store: the metadata store at {self._address} is away; waiting for it, "
                    f"{PATIENCE_SECONDS:.0f} s at most",
                    file=sys.stderr,
                    flush=True,
                )
            time.sleep(_PAUSE_SECONDS)

    def _open_again(self, lost: Any, give_up: float, error: errors.StatusError) -> None:
        with self._turn:
            # Another thread may have done it.
            if self._metadata_store is lost:
                try:
                    self._open(give_up)
                except RuntimeError:
                    raise error from None

    def _was_done(self, method_name: str, request: Any, response: Any) -> bool:
        """Whether a call was done that adds an execution or artifacts; then the response is what it would have been."""
        if method_name != "PutExecution":
            return False
        execution, pairs = request.execution, request.artifact_event_pairs
        new = [pair.artifact.external_id for pair in pairs if _is_new(pair.artifact)]
        try:
            if not execution.HasField("id"):
                (execution,) = self.get_executions_by_external_ids([execution.external_id])
            elif not new:
                # What is set is set again.
                return False
            made = self.get_artifacts_by_external_ids(new) if new else []
        except errors.NotFoundError:
            return False
        ids = {artifact.external_id: artifact.id for artifact in made}
        contexts = {
            (context.type_id, context.name): context.id
            for context in self.get_contexts_by_execution(execution.id)
        }
        response.execution_id = execution.id
        response.artifact_ids[:] = [
            ids.get(pair.artifact.external_id) or pair.artifact.id or pair.event.artifact_id
            for pair in pairs
        ]
        response.context_ids[:] = [
            context.id or contexts[context.type_id, context.name] for context in request.contexts
        ]
        return True


def _is_new(artifact: pb.Artifact) -> bool:
    return artifact.HasField("type_id") and not artifact.HasField("id")


def _name_what_is_new(request: Any) -> None:
    nodes = [pair.artifact for pair in request.artifact_event_pairs if _is_new(pair.artifact)]
    if not request.execution.HasField("id"):
        nodes.append(request.execution)
    for node in nodes:
        if not node.external_id:
            node.external_id = uuid4().hex


def _may_be_repeated(method_name: str, request: Any) -> bool:
    if method_name == "PutExecutions":
        return all(execution.HasField("id") for execution in request.executions)
    return method_name.startswith("Get") or method_name in (
        "PutArtifactType",
        "PutExecutionType",
        "PutContextType",
        "PutContexts",
        "PutExecution",
    )
