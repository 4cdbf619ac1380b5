"""The data jobs on machines without a common disk, corpus and outputs in a real S3 server: the bytes of one machine.

Each machine is a process with a file system of its own (`machines`), and all of them are on the loopback.
"""

import gzip
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow
import pyarrow.parquet
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from corpora import write_release
from distributed import Client
from machines import close, end, free_port, run_in_background, start, start_workers, wait_for

from preprocessing.base import workers
from preprocessing.corpus import portions
from preprocessing.corpus.check import check_corpus
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.options import CorpusOptions, TokenOptions
from preprocessing.tokens.job import list_shards, write_token_rows

pytestmark = pytest.mark.long

BUCKET = "corpora"

WEED = str(Path(sys.executable).with_name("weed"))
LISTENING = tuple(
    f"{name}{kind}"
    for name in ("master", "volume", "filer", "s3")
    for kind in (".port", ".port.grpc")
)


@dataclass(frozen=True)
class Store:
    """A bucket of an S3 server. flags: what Beam must know of it."""

    client: Any
    flags: tuple[str, ...]

    def put(self, place: str, folder: Path) -> None:
        """Copy a folder into the bucket."""
        for name, data in files_in(folder).items():
            self.client.put_object(Bucket=BUCKET, Key=f"{place}/{name}", Body=data)

    def get(self, place: str) -> dict[str, bytes]:
        """The objects beneath a place by their names there."""
        found = {}
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"{place}/"
        )
        for key in (each["Key"] for page in pages for each in page.get("Contents", ())):
            body = self.client.get_object(Bucket=BUCKET, Key=key)["Body"]
            found[key.removeprefix(f"{place}/")] = body.read()
        return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """SeaweedFS, which is what Kubeflow ships, with an empty bucket."""
    import boto3  # of an extra: who collects tests without it misses this one alone

    folder = tmp_path_factory.mktemp("seaweedfs")
    ports = {name: free_port() for name in LISTENING}
    server = run_in_background(
        folder / "weed.log",
        [
            *(WEED, "server", "-s3", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-{name}={port}" for name, port in ports.items()),
            *("-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        ],
    )
    url = f"http://127.0.0.1:{ports['s3.port']}"
    keys = {"access_key_id": "any", "secret_access_key": "any"}
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        **{f"aws_{name}": value for name, value in keys.items()},
    )
    flags = [f"--s3_{name}={value}" for name, value in keys.items()]
    try:
        wait_for("SeaweedFS", lambda: _makes_bucket(client))
        yield Store(client, (f"--s3_endpoint_url={url}", "--s3_region_name=us-east-1", *flags))
    finally:
        server.kill()  # it takes its time otherwise, and what it holds is not asked for again
        server.wait()


def _makes_bucket(client: Any) -> bool:
    try:
        client.create_bucket(Bucket=BUCKET)
    except Exception:
        return False
    return True


@dataclass(frozen=True)
class OnOneMachine:
    """The corpora and what the jobs write of them on one machine, by task."""

    corpora: dict[str, Path]
    written: dict[str, dict[str, bytes]]


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> OnOneMachine:
    folder = tmp_path_factory.mktemp("one_machine")
    stories, texts = folder / "stories", folder / "texts"
    write_release(stories, 24)
    files = sorted(stories.rglob("*.story"))
    (held_out,) = (file for file in files if "Article 1." in file.read_text())
    for file in files[:3]:
        file.write_bytes(held_out.read_bytes())
    texts.mkdir()
    rows = (json.dumps({"text": f"Row {n} {'of a table ' * 30}"}) for n in range(9000))
    (texts / "rows.jsonl").write_text("\n".join(rows))
    table = pyarrow.table({"text": [f"A row of Parquet, {n}." for n in range(500)]})
    pyarrow.parquet.write_table(table, texts / "rows.parquet", row_group_size=100)
    for name in ("a.txt", "b.txt.gz", "c.txt"):
        data = "".join(f"Line {n} of {name}.\n" for n in range(2000)).encode()
        packed = gzip.compress(data, mtime=0) if name.endswith(".gz") else data
        (texts / name).write_bytes(packed)
    corpora = {"cnn_dailymail": stories, "text": texts}
    written = {}
    for task, corpus in corpora.items():
        run_jobs(task, str(corpus), str(folder / task), ())
        written[task] = files_in(folder / task)
    return OnOneMachine(corpora, written)


def run_jobs(task: str, corpus: str, out: str, flags: tuple[str, ...]) -> None:
    """Run both jobs."""
    options = CorpusOptions(task=task, max_dropped_fraction=1, on_leak="drop")
    folders = CorpusFolders(*(f"{out}/{name}" for name in ("examples", "index", "report")))
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions, "PORTION_BYTES", 1500)
        write_corpus(pipeline, corpus, options, 1, folders)
    close(pipeline)
    check_corpus(folders.report_dir, options)
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    shards = list_shards(folders.examples_dir, f"{out}/rows")
    tokens = TokenOptions(sequence_length=128, over_long="truncate_prompt")
    write_token_rows(pipeline, shards, tokens, f"{out}/statistics")
    close(pipeline)


def files_in(folder: Path) -> dict[str, bytes]:
    """The files beneath a folder by their names there."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder beneath which all tests write, and which each machine has for itself."""
    return tmp_path_factory.getbasetemp()


@dataclass(frozen=True)
class Cluster:
    """A cluster of Dask. address: of its scheduler."""

    address: str

    @property
    def flags(self) -> tuple[str, ...]:
        """What Beam must know of it."""
        return (
            "--runner=apache_beam.runners.dask.dask_runner.DaskRunner",
            f"--dask_client_address={self.address}",
            "--dask_partition_size=2",
        )


@pytest.fixture(scope="module")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory, hidden: Path) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("dask")
    described = folder / "scheduler.json"
    local = ("--host", "127.0.0.1", "--no-dashboard")
    processes = [
        start(
            folder / "scheduler.log",
            *("-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(described)),
        )
    ]
    try:
        wait_for("the scheduler", described.exists)
        address = json.loads(described.read_text())["address"]
        for number in (1, 2):
            command = ("-m", "dask", "worker", address, *local, "--nthreads", "1", "--no-nanny")
            processes.append(start(folder / f"worker-{number}.log", *command, alone_in=hidden))
        with Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=120)
        yield Cluster(address)
    finally:
        end(reversed(processes))


class TestADaskClusterWithoutACommonDisk:
    def test_no_worker_sees_what_others_write(
        self, dask_cluster: Cluster, hidden: Path, tmp_path: Path
    ) -> None:
        def write(folder: str) -> str:
            place = tempfile.mkdtemp(dir=folder)
            return place

        def writes(folder: str) -> bool:
            return os.access(folder, os.W_OK)

        (tmp_path / "file").write_text("")
        root = str(Path(__file__).resolve().parents[2])
        with Client(dask_cluster.address) as client:
            sees = client.run(os.path.exists, str(tmp_path / "file"))
            assert list(sees.values()) == [False, False]
            assert list(client.run(writes, root).values()) == [False, False]
            made = client.run(write, str(hidden))
            assert not any(map(os.path.exists, made.values()))
            first, second = made
            assert not client.run(os.path.exists, made[first], workers=[second])[second]

    @pytest.mark.parametrize("task", ["cnn_dailymail", "text"])
    def test_writes_the_bytes_of_one_machine(
        self, task: str, one_machine: OnOneMachine, store: Store, dask_cluster: Cluster
    ) -> None:
        store.put(f"dask/{task}/corpus", one_machine.corpora[task])
        place = f"s3://{BUCKET}/dask/{task}"
        run_jobs(task, f"{place}/corpus", f"{place}/out", (*store.flags, *dask_cluster.flags))
        assert store.get(f"dask/{task}/out") == one_machine.written[task]


@pytest.fixture(scope="module")
def job_service(
    tmp_path_factory: pytest.TempPathFactory, hidden: Path
) -> Iterator[tuple[str, ...]]:
    """Beam flags for its own job service, and a pool of workers on a machine of its own."""
    folder = tmp_path_factory.mktemp("job_service")
    port = folder / "port"
    processes = [
        start(
            folder / "service.log",
            *("-m", "apache_beam.runners.portability.local_job_service_main", "--port", "0"),
            *("--port_file", str(port), "--staging_dir", str(folder / "staging")),
        ),
    ]
    try:
        wait_for("the job service", lambda: port.exists() and port.read_text())
        pool, address = start_workers(folder / "pool.log", alone_in=hidden)
        processes.append(pool)
        yield (
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{port.read_text().strip()}",
            "--environment_type=EXTERNAL",
            f"--environment_config={address}",
        )
    finally:
        end(processes)


@pytest.mark.parametrize("task", ["cnn_dailymail", "text"])
def test_external_workers_of_a_job_service_write_the_bytes_of_one_machine(
    task: str, one_machine: OnOneMachine, store: Store, job_service: tuple[str, ...]
) -> None:
    store.put(f"service/{task}/corpus", one_machine.corpora[task])
    place = f"s3://{BUCKET}/service/{task}"
    run_jobs(task, f"{place}/corpus", f"{place}/out", (*store.flags, *job_service))
    assert store.get(f"service/{task}/out") == one_machine.written[task]


def test_processes_forked_on_one_machine_write_the_same_into_a_bucket(
    one_machine: OnOneMachine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "SMALL_BYTES", 0)
    store.put("forked/corpus", one_machine.corpora["text"])
    place = f"s3://{BUCKET}/forked"
    parallel = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    run_jobs("text", f"{place}/corpus", f"{place}/out", (*store.flags, *parallel))
    assert store.get("forked/out") == one_machine.written["text"]
