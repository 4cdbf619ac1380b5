"""`latest` moves while a server answers."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.version_check import check_version
from preprocessing.base.digests import sha256_file
from serving.checksums import CHECKSUMS, as_checksums, files_of_version, stated_digest
from serving.http.served_version import LoadOptions, ServedVersion, load_version
from serving.versions import LATEST, PROVENANCE, Versions
from tests.serving.running_server import RunningServer, held_back, running_server, wait_until


@pytest.fixture(scope="module")
def versions(saved_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """Three versions of one model, of which the last is damaged; each knows its number."""
    found = Versions(tmp_path_factory.mktemp("serving"))
    for number in ("1", "2", "3"):
        folder = found.path(number)
        shutil.copytree(saved_model, folder)
        (folder / PROVENANCE).write_text(json.dumps({"number": number}))
        digests = {name: sha256_file(path) for name, path in files_of_version(folder)}
        (folder / CHECKSUMS).write_text(as_checksums(digests))
    with (found.path("3") / PROVENANCE).open("a") as damaged:
        damaged.write(" ")
    return found


@pytest.fixture
def following(versions: Versions) -> Iterator[RunningServer]:
    """A server of `latest`, which is the first version."""

    def load(folder: Path, options: LoadOptions) -> ServedVersion:
        check_version(folder, "full")
        return load_version(folder, options)

    versions.set_latest("1")
    with running_server(lambda: versions.resolve(LATEST), load) as server:
        yield server


def look(server: RunningServer) -> None:
    """Have the server look where `latest` is, as it does by itself every other second."""
    asked = asyncio.run_coroutine_threadsafe(server.current.look(server.lines.append), server.loop)
    asked.result(60)


def test_new_requests_go_to_the_new_version_and_old_ones_end(
    versions: Versions, following: RunningServer
) -> None:
    old = following.current.version
    # one of so many first tokens can be shown at once
    asked = {"prompt": "Hello", "n": 8, "max_tokens": 20, "seed": 3}
    with ExitStack() as held:
        held.enter_context(held_back(old.model))
        with following.streaming(**asked) as stream:
            first = next(stream)
            versions.set_latest("2")
            look(following)
            answer = following.complete(**asked)
            assert answer["system_fingerprint"] == stated_digest(versions.path("2"))
            assert following.ask("GET", "/lineage").body["provenance"] == {"number": "2"}
            assert old.batching.running == 8
            held.close()
            *others, last = stream
    assert last == "[DONE]"
    texts = dict.fromkeys(range(8), "")
    for event in map(json.loads, [first, *others]):
        assert event["system_fingerprint"] == stated_digest(versions.path("1"))
        texts[event["choices"][0]["index"]] += event["choices"][0]["text"]
    assert [*texts.values()] == [choice["text"] for choice in answer["choices"]]
    wait_until(lambda: not old.batching.alive)
    assert any("version 2" in line and "answers from now on" in line for line in following.lines)


def test_a_version_that_does_not_verify_changes_nothing_and_is_told(
    versions: Versions, following: RunningServer
) -> None:
    versions.set_latest("3")
    look(following)
    look(following)
    ready = following.ask("GET", "/readyz")
    assert (ready.status, ready.body["version"]) == (200, "1")
    assert f"not what was pushed: {versions.path('3') / PROVENANCE}" in ready.body["refused"]
    assert following.number("gpt2_tfx_version_refused") == 1
    assert following.complete(prompt="a", max_tokens=2)["system_fingerprint"] == stated_digest(
        versions.path("1")
    )
    told = [line for line in following.lines if line.startswith("version 1 goes on: ")]
    assert len(told) == 1
    versions.set_latest("1")
    look(following)
    assert following.ask("GET", "/readyz").body["refused"] is None
    assert following.number("gpt2_tfx_version_refused") == 0


def test_a_pointer_that_names_nothing_changes_nothing(
    versions: Versions, following: RunningServer
) -> None:
    (versions.folder / LATEST).unlink()
    look(following)
    assert (
        "names no pushed version; there are 1, 2, 3"
        in following.ask("GET", "/readyz").body["refused"]
    )
    assert following.complete(prompt="a", max_tokens=2)["choices"]


def test_it_looks_by_itself(versions: Versions, following: RunningServer) -> None:
    task = asyncio.run_coroutine_threadsafe(
        following.current.follow(0.01, following.lines.append), following.loop
    )
    versions.set_latest("2")
    wait_until(lambda: following.current.version.version == "2")
    task.cancel()
