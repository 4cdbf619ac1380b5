"""A server in a thread of the tests, and what a client says to it."""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from serving.http.application import Settings, application_of
from serving.http.current_version import CurrentVersion, Source
from serving.http.served_version import LoadOptions, ServedVersion, load_version
from serving.http.server import serve
from serving.metrics import BatchingMetrics
from serving.model import LanguageModel
from trainer.options import GenerationOptions

NAME = "small"


@dataclass
class Answer:
    """An answer that is whole. body: JSON, or text where it is none."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class RunningServer:
    """current: what it answers with. lines: what it has logged. end: asks it to end. thread: is alive until it has."""

    port: int
    current: CurrentVersion
    lines: list[str]
    loop: asyncio.AbstractEventLoop
    end: Callable[[], object]
    thread: threading.Thread

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """body: bytes, or what is sent as JSON."""
        connection, response = self._sent(method, path, body, headers or {})
        content = response.read().decode()
        connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(
            response.status, dict(response.headers), json.loads(content) if is_json else content
        )

    def complete(self, **fields: object) -> dict[str, Any]:
        """The answer to a request for completions that is to succeed."""
        answer = self.ask("POST", "/v1/completions", fields)
        assert answer.status == 200, answer.body
        return answer.body

    @contextmanager
    def streaming(self, **fields: object) -> Iterator[Iterator[str]]:
        """The data of the events of a stream; who leaves the block has hung up."""
        path, body = "/v1/completions", {**fields, "stream": True}
        connection, response = self._sent("POST", path, body, {})
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        lines = (line.decode().strip() for line in response)
        try:
            yield (line.removeprefix("data: ") for line in lines if line)
        finally:
            response.close()
            connection.close()

    def events(self, **fields: object) -> list[dict[str, Any]]:
        """The events of a stream that is whole."""
        with self.streaming(**fields) as stream:
            *events, last = stream
        assert last == "[DONE]"
        return [json.loads(event) for event in events]

    def number(self, line: str) -> float:
        """The number that stands behind a name, with its labels, among the metrics."""
        text = self.ask("GET", "/metrics").body
        (found,) = [each for each in text.splitlines() if each.startswith(f"{line} ")]
        return float(found.split()[-1])

    def _sent(
        self, method: str, path: str, body: object, headers: dict[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        content = body if isinstance(body, bytes | None) else json.dumps(body)
        connection.request(method, path, content, headers)
        return connection, connection.getresponse()


@contextmanager
def running_server(
    place: Callable[[], Path],
    load: Callable[[Path, LoadOptions], ServedVersion] = load_version,
    token: str | None = None,
) -> Iterator[RunningServer]:
    """A server that ends with the block. place: the folder of the model, now."""
    metrics, lines = BatchingMetrics(), list[str]()
    options = LoadOptions("bytes", GenerationOptions(), metrics)
    current = CurrentVersion(NAME, Source(place, lambda folder: load(folder, options)))
    application = application_of(current, metrics, Settings(token, True, "off", lines.append))
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    loop, stopped, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve(application, listening, stopped, lambda _: ready.set()))

    thread = threading.Thread(target=work)
    thread.start()
    end = partial(loop.call_soon_threadsafe, stopped.set)
    try:
        assert ready.wait(60)
        yield RunningServer(port, current, lines, loop, end, thread)
    finally:
        if thread.is_alive():
            end()
        thread.join(60)
        assert not thread.is_alive()


@contextmanager
def held_back(model: LanguageModel) -> Iterator[None]:
    """The steps of a model wait until the block ends; first tokens come all the same."""
    gate, signature = threading.Event(), model.signature

    def waiting(name: str) -> Any:
        assert name != "step" or gate.wait(60)
        return signature(name)

    vars(model)["signature"] = waiting
    try:
        yield
    finally:
        del vars(model)["signature"]
        gate.set()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does; fails after a minute."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)
