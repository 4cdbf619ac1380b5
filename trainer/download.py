"""OpenAI's checkpoints from where OpenAI published them: resumed, retried, checked.

What is known beforehand: the data file is four bytes for each weight; the vocabulary's two files
and the 124M data file have a known sha256. Of the other files no checksums are published: they are
compared with the length and the MD5 that the server declares (Content-MD5, x-goog-hash). At the end
the checkpoint is read whole: its names, shapes and TensorFlow's own checksums.
"""

import base64
import hashlib
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import BinaryIO

from preprocessing.base.errors import InputError
from preprocessing.tokens.vocabulary_files import GPT2_SHA256
from trainer.config import SIZES

BASE_URL = "https://openaipublic.blob.core.windows.net/gpt-2/models"
BASE_URL_VARIABLE = "GPT2_TFX_MODELS_URL"
DATA_FILE = "model.ckpt.data-00000-of-00001"
FILES = (
    "hparams.json",
    "encoder.json",
    "vocab.bpe",
    "checkpoint",
    "model.ckpt.index",
    "model.ckpt.meta",
    DATA_FILE,
)
DATA_SHA256 = {"124M": "2060c885360cc0cf41d7a6dbc4d24b5127aae20260c8b5ae521b5a6578407118"}

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


def download(
    size: str,
    folder: Path,
    report: Callable[[Progress], None],
    base_url: str = BASE_URL,
    patience: Patience | None = None,
) -> None:
    """Fill a folder with the seven files of a size, each renamed when it is whole and right.

    Files that are there already are kept; what an interrupted download left is gone on with.
    Raises InputError where the size or the URL is none, DownloadError where a file cannot be had,
    and either where the checkpoint does not load in the end.
    """
    if size not in SIZES or size == "tiny":
        known = ", ".join(name for name in SIZES if name != "tiny")
        raise InputError(f"{size}: OpenAI published no such size; choose one of {known}")
    if not re.match(r"https?://", base_url):
        raise InputError(f"{BASE_URL_VARIABLE} is {base_url!r}; it must begin with https://")
    folder.mkdir(parents=True, exist_ok=True)
    files = _expected_files(size)
    for name, expected in files.items():
        path = folder / name
        if path.is_file() and _fault(path, expected) is None:
            continue
        url = f"{base_url.rstrip('/')}/{size}/{name}"
        fetch(url, path, expected, report, patience or Patience())
    try:
        _require_whole_checkpoint(folder, size)
    except InputError:
        for name, expected in files.items():
            if expected.sha256 is None:  # one of these is wrong, and the next call fetches it anew
                (folder / name).unlink()
        raise


def fetch(
    url: str,
    path: Path,
    expected: Expected,
    report: Callable[[Progress], None],
    patience: Patience,
) -> None:
    """Download one file; it gets its name when length and checksums are right.

    Raises DownloadError where it cannot be had.
    """
    stalls = damages = 0
    while True:
        before = _length(_partial(path))
        try:
            _try(url, path, expected, report, patience.timeout)
            return
        except (_TryError, http.client.HTTPException, OSError) as error:
            reason = str(error) or type(error).__name__
            damages += isinstance(error, _TryError) and error.damaged
        stalls = 0 if _length(_partial(path)) > before else stalls + 1
        if max(stalls, damages) >= patience.attempts:
            raise DownloadError(
                f"{url}: {reason}; gave up after {patience.attempts} attempts. Run it again to go on "
                "where it stopped"
            )
        time.sleep(min(patience.longest_pause, patience.pause * 2 ** max(0, stalls - 1)))


def _expected_files(size: str) -> Mapping[str, Expected]:
    """What is known of each file of a size."""
    known = {name: Expected(sha256=digest) for name, digest in GPT2_SHA256.items()}
    known[DATA_FILE] = Expected(4 * SIZES[size].parameters, DATA_SHA256.get(size))
    return {name: known.get(name, Expected()) for name in FILES}


def _try(
    url: str,
    path: Path,
    expected: Expected,
    report: Callable[[Progress], None],
    timeout: float,
) -> None:
    """One request: go on with the partial file, check it, give it its name."""
    partial, version_file = _partial(path), _version_file(path)
    request = urllib.request.Request(url)
    offset = _length(partial)
    if offset == expected.length and _fault(partial, expected) is None:
        partial.replace(path)  # it was whole when the last run was ended
        return
    if offset and version_file.is_file():
        request.add_header("Range", f"bytes={offset}-")
        # the server sends the whole file where it has another version by now
        request.add_header("If-Range", version_file.read_text(encoding="ascii"))
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            partial.unlink(missing_ok=True)
        message = f"the server answers {error.code} {error.reason}"
        if 400 <= error.code < 500 and error.code not in _PASSING:
            raise DownloadError(f"{url}: {message}; check the size and the address") from error
        raise _TryError(message, damaged=error.code == 416) from error
    with response:
        resumed = response.status == 206
        start, total = _extent(response.headers, resumed)
        if resumed and start != offset:
            raise _TryError(f"asked for bytes from {offset} on, the server sends them from {start}")
        if total is not None and expected.length not in (None, total):
            raise DownloadError(
                f"{url}: the server has {total} bytes, expected {expected.length}; this is not "
                "OpenAI's file"
            )
        _require_room(url, path, (total or 0) - start)
        _remember_version(version_file, response.headers)
        with partial.open("ab" if resumed else "wb") as file:
            _copy(response, file, path.name, start, total, report)
        declared = _declared_md5(response.headers, resumed)
    length = _length(partial)
    if total is not None and length < total:
        raise _TryError(f"the connection ended after {length} of {total} bytes")
    fault = _fault(partial, Expected(total or expected.length, expected.sha256), declared)
    if fault is not None:
        partial.unlink()
        raise _TryError(fault, damaged=True)
    partial.replace(path)
    version_file.unlink(missing_ok=True)


def _copy(
    response: http.client.HTTPResponse,
    file: BinaryIO,
    name: str,
    start: int,
    total: int | None,
    report: Callable[[Progress], None],
) -> None:
    """Append what the server sends, as it comes."""
    began, done = time.monotonic(), start
    while chunk := response.read1(_CHUNK):
        file.write(chunk)
        done += len(chunk)
        seconds = max(time.monotonic() - began, 1e-6)
        rate = (done - start) / seconds
        left = None if total is None else (total - done) / rate
        report(Progress(name, done, total, rate, left))


def _extent(headers: Message, resumed: bool) -> tuple[int, int | None]:
    """The first byte that is sent, and the length of the whole file where the server says it."""
    if resumed:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if match is None:
            raise _TryError(f"the server sends Content-Range {headers.get('Content-Range')!r}")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _remember_version(version_file: Path, headers: Message) -> None:
    """Keep what tells this version of the file from another, to resume it alone."""
    version = headers.get("ETag", "")
    if not version or version.startswith("W/"):  # a weak one does not mean equal bytes
        version = headers.get("Last-Modified", "")
    if version:
        version_file.write_text(version, encoding="ascii")
    else:
        version_file.unlink(missing_ok=True)


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


def _fault(path: Path, expected: Expected, md5: str | None = None) -> str | None:
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


def _require_room(url: str, path: Path, needed: int) -> None:
    """DownloadError where the disk is too full."""
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DownloadError(
            f"{url}: {needed} bytes are to come and {path.parent} has room for {free}; make room or "
            "name another folder"
        )


def _require_whole_checkpoint(folder: Path, size: str) -> None:
    """Read every tensor once, so that names, shapes and checksums are compared."""
    from trainer.weights import openai  # TensorFlow, which the download itself does not need

    config = openai.read_config(folder)
    if config != SIZES[size]:
        raise InputError(
            f"{folder / openai.HPARAMS}: {config} is not {size}, which is {SIZES[size]}; remove the "
            "folder and download again"
        )
    for _ in openai.tensors(folder, config):
        pass


def _partial(path: Path) -> Path:
    """Where a file grows before it has its name."""
    return path.with_name(f".{path.name}.partial")


def _version_file(path: Path) -> Path:
    """Where the version of a partial file is kept."""
    return path.with_name(f".{path.name}.version")


def _length(path: Path) -> int:
    """A file's length in bytes; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0
