"""A local HTTP server of files that can be told to misbehave, request by request."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served, how, and what was asked.

    faults: taken one a request, in order; afterwards the server behaves. `cut` sends half of what
        is left and closes; `corrupt` changes a byte; `slow` sends half and then nothing; a number
        is an HTTP status.
    """

    files: dict[str, bytes]
    url: str = ""
    etag: str = '"1"'
    ranges: bool = True
    md5: bool = True
    faults: list[str | int] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve files by path on a free port of this machine."""
    state = FileServer(files)
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append((self.path, wanted))
            fault = state.faults.pop(0) if state.faults else None
            content = state.files.get(self.path)
            if isinstance(fault, int) or content is None:
                self.send_error(fault if isinstance(fault, int) else 404)
                return
            digest = base64.b64encode(hashlib.md5(content).digest()).decode()
            start = 0
            if wanted and state.ranges and self.headers.get("If-Range") == state.etag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content) > 0:
                self.send_error(416)
                return
            body = content[start:]
            self.send_response(206 if start else 200)
            if start:
                place = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", place)
            if state.md5:
                name = "x-ms-blob-content-md5" if start else "Content-MD5"
                self.send_header(name, digest)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", state.etag)
            self.end_headers()
            if fault == "corrupt":
                body = bytes([body[0] ^ 1]) + body[1:]
            half = len(body) // 2
            self.wfile.write(body[:half] if fault in ("cut", "slow") else body)
            self.wfile.flush()
            if fault == "slow":
                stop.wait(10)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        server.server_close()
