"""A file from a server: resumed, retried, checked."""

import base64
import hashlib
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

_CHUNK = 1 << 20
# a client's error that may pass: too slow, range not satisfiable, too many requests
_PASSING = (408, 416, 429)


class DownloadError(Exception):
    """A file cannot be had, or is not what it should be; names its URL."""


@dataclass(frozen=True)
class Progress:
    """How far a file is.

    done, total: bytes, those of an earlier try included; total is None where nobody says.
    rate: bytes a second of this try. seconds_left: None where it cannot be said.
    """

    file: str
    done: int
    total: int | None
    rate: float
    seconds_left: float | None


@dataclass(frozen=True)
class Expected:
    """What is known of a file beforehand: length in bytes and sha256 in hexadecimal."""

    length: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Patience:
    """When to give up.

    attempts: so many tries in a row without a new byte, or so many damaged files.
    pause: seconds before the second try, doubled for each further one, at most `longest_pause`.
    timeout: seconds without a byte that end a try.
    """

    attempts: int = 6
    pause: float = 1.0
    longest_pause: float = 30.0
    timeout: float = 30.0


class _TryError(Exception):
    """A try that failed and may be repeated. damaged: what was there had to be thrown away."""

    def __init__(self, message: str, *, damaged: bool = False) -> None:
        super().__init__(message)
        self.damaged = damaged


@dataclass(frozen=True)
class FileDownload:
    """A file to be had from a URL; it gets its name when length and checksums are right."""

    url: str
    path: Path
    expected: Expected
    report: Callable[[Progress], None]
    patience: Patience

    def fetch(self) -> None:
        """Download it, from where an earlier try has left off; DownloadError where it cannot be had."""
        stalls = damages = 0
        while True:
            before = _length(self._partial)
            try:
                self._try()
                return
            except (_TryError, http.client.HTTPException, OSError) as error:
                reason = str(error) or type(error).__name__
                damages += isinstance(error, _TryError) and error.damaged
            stalls = 0 if _length(self._partial) > before else stalls + 1
            patience = self.patience
            if max(stalls, damages) >= patience.attempts:
                raise DownloadError(
                    f"{self.url}: {reason}; gave up after {patience.attempts} attempts. Run it again to "
                    "go on where it stopped"
                )
            time.sleep(min(patience.longest_pause, patience.pause * 2 ** max(0, stalls - 1)))

    @property
    def _partial(self) -> Path:
        """Where the file grows before it has its name."""
        return self.path.with_name(f".{self.path.name}.partial")

    @property
    def _version_file(self) -> Path:
        """Where the version of a partial file is kept."""
        return self.path.with_name(f".{self.path.name}.version")

    def _try(self) -> None:
        """One request: go on with the partial file, check it, give it its name."""
        request = urllib.request.Request(self.url)
        offset = _length(self._partial)
        if offset == self.expected.length and fault_of(self._partial, self.expected) is None:
            self._partial.replace(self.path)  # it was whole when the last run was ended
            return
        if offset and self._version_file.is_file():
            request.add_header("Range", f"bytes={offset}-")
            # the server sends the whole file where it has another version by now
            request.add_header("If-Range", self._version_file.read_text(encoding="ascii"))
        try:
            response = urllib.request.urlopen(request, timeout=self.patience.timeout)
        except urllib.error.HTTPError as error:
            if error.code == 416:
                self._partial.unlink(missing_ok=True)
            message = f"the server answers {error.code} {error.reason}"
            if 400 <= error.code < 500 and error.code not in _PASSING:
                raise DownloadError(
                    f"{self.url}: {message}; check the size and the address"
                ) from error
            raise _TryError(message, damaged=error.code == 416) from error
        with response:
            resumed = response.status == 206
            start, total = _extent(response.headers, resumed)
            if resumed and start != offset:
                raise _TryError(
                    f"asked for bytes from {offset} on, the server sends them from {start}"
                )
            if total is not None and self.expected.length not in (None, total):
                raise DownloadError(
                    f"{self.url}: the server has {total} bytes, expected {self.expected.length}; this is "
                    "not the file that was published"
                )
            self._require_room((total or 0) - start)
            self._remember_version(response.headers)
            self._copy(response, start, total)
            declared = _declared_md5(response.headers, resumed)
        length = _length(self._partial)
        if total is not None and length < total:
            raise _TryError(f"the connection ended after {length} of {total} bytes")
        expected = Expected(total or self.expected.length, self.expected.sha256)
        fault = fault_of(self._partial, expected, declared)
        if fault is not None:
            self._partial.unlink()
            raise _TryError(fault, damaged=True)
        self._partial.replace(self.path)
        self._version_file.unlink(missing_ok=True)

    def _copy(self, response: http.client.HTTPResponse, start: int, total: int | None) -> None:
        """Write what the server sends as it comes, from the byte that it starts with."""
        began, done = time.monotonic(), start
        with self._partial.open("ab" if start else "wb") as file:
            while chunk := response.read1(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                rate = (done - start) / max(time.monotonic() - began, 1e-6)
                left = None if total is None else (total - done) / rate
                self.report(Progress(self.path.name, done, total, rate, left))

    def _remember_version(self, headers: Message) -> None:
        """Keep what tells this version of the file from another, to resume it alone."""
        version = headers.get("ETag", "")
        if not version or version.startswith("W/"):  # a weak one does not mean equal bytes
            version = headers.get("Last-Modified", "")
        if version:
            self._version_file.write_text(version, encoding="ascii")
        else:
            self._version_file.unlink(missing_ok=True)

    def _require_room(self, needed: int) -> None:
        """DownloadError where the disk is too full."""
        free = shutil.disk_usage(self.path.parent).free
        if needed > free:
            raise DownloadError(
                f"{self.url}: {needed} bytes are to come and {self.path.parent} has room for {free}; make "
                "room or name another folder"
            )


def _extent(headers: Message, resumed: bool) -> tuple[int, int | None]:
    """The first byte that is sent, and the length of the whole file where the server says it."""
    if resumed:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if match is None:
            raise _TryError(f"the server sends Content-Range {headers.get('Content-Range')!r}")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _declared_md5(headers: Message, resumed: bool) -> str | None:
    """The MD5 of the whole file, hexadecimal, where the server declares it."""
    # in an answer to a range, Content-MD5 would be of that range
    encoded = headers.get("x-ms-blob-content-md5" if resumed else "Content-MD5")
    for value in headers.get_all("x-goog-hash", []):
        if match := re.search(r"md5=([A-Za-z0-9+/=]+)", value):
            encoded = match[1]
    try:
        return None if encoded is None else base64.b64decode(encoded, validate=True).hex()
    except ValueError:
        return None


def fault_of(path: Path, expected: Expected, md5: str | None = None) -> str | None:
    """What is wrong with a file; None where it is as expected."""
    length = _length(path)
    if expected.length is not None and length != expected.length:
        return f"has {length} bytes, expected {expected.length}"
    for algorithm, wanted in (("sha256", expected.sha256), ("md5", md5)):
        if wanted is None:
            continue
        with path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
        if found != wanted:
            return f"{algorithm} is {found}, expected {wanted}: the file is damaged"
    return None


def _length(path: Path) -> int:
    """A file's length in bytes; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0
