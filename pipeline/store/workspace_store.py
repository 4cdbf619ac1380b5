"""ML Metadata as a workspace sees it: paths within it are kept relative to it, and long texts as files of it.

Both are done where every message passes, so that TFX's own records are treated like ours: a workspace may be moved,
copied or mounted elsewhere, and a value may be longer than what a database can index.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.failure import is_full
from pipeline.store.connection import address
from pipeline.store.lasting_store import LastingStore
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.errors import FailureError, InputError
from preprocessing.base.staging import write_whole

# PostgreSQL indexes 2,704 bytes of a property and refuses longer ones.
LONGEST_PROPERTY = 2_000
# The properties that are paths; the field `uri` is one too.
_PATHS = ("pushed_destination",)
_ELSEWHERE = "gpt2-tfx value sha256:"
# What our own code and TFX's expect and handle.
_EXPECTED = (errors.NotFoundError, errors.AlreadyExistsError)


class WorkspaceStore(LastingStore):
    """A connection to the store. Raises InputError where it cannot be opened, FailureError where it fails later.

    waits: whether a server that is away is waited for at the start too: it was there a moment ago.
    """

    def __init__(self, config: pb.ConnectionConfig, workspace: Path, waits: bool = False) -> None:
        self._workspace = workspace
        try:
            super().__init__(config, address(config), waits)
        except (errors.StatusError, RuntimeError) as error:
            if _is_locked(error):
                raise self._locked() from None
            fault = FailureError if is_full(error) else InputError
            raise fault(
                f"store: cannot open the metadata store at {address(config)}: {error}"
            ) from None

    def _call(
        self, method_name: str, request: Any, response: Any, extra_options: Any = None
    ) -> None:
        for node in _nodes(request):
            self._put_away(node)
        if method_name in ("PutExecution", "PutLineageSubgraph"):
            _associate_only(request)
        if method_name == "GetArtifactsByURI":
            request.uris[:] = [self._relative(uri) for uri in request.uris]
        try:
            super()._call(method_name, request, response, extra_options)
        except errors.StatusError as error:
            if isinstance(error, _EXPECTED):
                raise
            if _is_locked(error):
                raise self._locked() from error
            raise FailureError(
                f"store: the metadata store at {self._address} failed ({method_name}): "
                f"{' '.join(str(error).split())}. "
                "See that it is up and has room, then run again: what is complete is reused."
            ) from error
        for node in _nodes(response):
            self._take_out(node)

    def _locked(self) -> FailureError:
        return FailureError(
            f"store: the metadata store at {self._address} is kept locked by another process. See which "
            f"(`fuser {self._address}` says so of a file) and end it, then run again: what is complete is reused."
        )

    def _put_away(self, node: Any) -> None:
        if isinstance(node, pb.Artifact):
            node.uri = self._relative(node.uri)
        for name, value in _texts(node):
            text = self._relative(value.string_value) if name in _PATHS else value.string_value
            content = text.encode()
            if len(content) > LONGEST_PROPERTY or text.startswith(_ELSEWHERE):
                digest = sha256_bytes(content)
                write_whole(self._value(digest), content)
                text = _ELSEWHERE + digest
            value.string_value = text

    def _take_out(self, node: Any) -> None:
        if isinstance(node, pb.Artifact):
            node.uri = self._absolute(node.uri)
        for name, value in _texts(node):
            text = value.string_value
            if text.startswith(_ELSEWHERE):
                text = self._read_value(text)
            value.string_value = self._absolute(text) if name in _PATHS else text

    def _value(self, digest: str) -> Path:
        return self._workspace / "values" / digest

    def forget_value(self, text: str) -> None:
        """Remove the file of a long text that no record has any more."""
        self._value(sha256_bytes(text.encode())).unlink(missing_ok=True)

    def _read_value(self, text: str) -> str:
        """A long text; what stands for it where it lies in another workspace."""
        try:
            return self._value(text.removeprefix(_ELSEWHERE)).read_text(encoding="utf-8")
        except FileNotFoundError:
            return text

    def portable(self, name: str, text: str) -> str:
        """A field or property as the store holds it, wherever the workspace lies, and whichever it is."""
        text = self._relative(text) if name in ("uri", *_PATHS) else text
        content = text.encode()
        return _ELSEWHERE + sha256_bytes(content) if len(content) > LONGEST_PROPERTY else text

    def _relative(self, path: str) -> str:
        return path.removeprefix(f"{self._workspace}/")

    def _absolute(self, path: str) -> str:
        outside = not path or path.startswith("/") or "://" in path
        return path if outside else f"{self._workspace}/{path}"


def _is_locked(error: Exception) -> bool:
    """Whether a store stayed locked though ML Metadata has tried again for 20 s."""
    return "Concurrent writes aborted" in str(error)


def _associate_only(request: Any) -> None:
    """Link an execution to the contexts that exist and leave their properties as they are.

    A context with an id is written anew, and TFX hands over what it read before its executor ran: what was noted of the
    run meanwhile, and heartbeats, would be undone. Where a context is to be made beside them, as the place of an event,
    it must be heard that there is one, and the others are of kinds that have no properties.
    """
    known = [context for context in request.contexts if context.HasField("id")]
    if known and len(known) == len(request.contexts):
        for context in known:
            context.ClearField("id")
        request.options.reuse_context_if_already_exist = True


def _nodes(message: Any) -> Iterator[Any]:
    """The artifacts, executions and contexts of a request or response."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        repeated: Iterable[Any] = value if field.label == field.LABEL_REPEATED else [value]
        for entry in repeated:
            if isinstance(entry, (pb.Artifact, pb.Execution, pb.Context)):
                yield entry
            elif field.name in ("artifact_event_pairs", "lineage_subgraph"):
                yield from _nodes(entry)


def _texts(node: Any) -> Iterator[tuple[str, Any]]:
    for values in (node.properties, node.custom_properties):
        for name, value in values.items():
            if value.HasField("string_value"):
                yield name, value
