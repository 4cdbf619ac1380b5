"""The data jobs on the stories that ship, by other runners to the same bytes as in memory."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from machines import close, end, start, start_workers, wait_for

from preprocessing.base import workers
from preprocessing.base.job_cache import JobCache
from preprocessing.corpus import portions
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.options import CorpusOptions, TokenOptions
from preprocessing.tokens.job import list_shards, write_token_rows

TOKENS = TokenOptions(sequence_length=128, over_long="truncate_prompt")
BY_BEAM = ("--direct_running_mode=multi_threading", "--direct_num_workers=2")
PARALLEL = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def make_corpus(corpus: Path, out: Path, *flags: str) -> dict[str, bytes]:
    """What CorpusGen's job writes for the stories, as shards of a few each."""
    options = CorpusOptions(on_leak="drop")
    folders = [str(out / name) for name in ("examples", "index", "report")]
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions, "PORTION_BYTES", 16 * 1024)
        write_corpus(pipeline, str(corpus), options, 1, CorpusFolders(*folders))
    close(pipeline)
    return files(out)


def make_rows(
    examples: Path, out: Path, *flags: str, memory: JobCache | None = None
) -> dict[str, bytes]:
    """What Tokenizer's job writes for the records."""
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    write_token_rows(
        pipeline,
        list_shards(str(examples), str(out / "rows")),
        TOKENS,
        str(out / "statistics"),
        memory,
    )
    close(pipeline)
    return files(out)


@dataclass(frozen=True)
class InMemory:
    """What the runner in memory writes. stories: the corpus. examples: the folder of its records."""

    stories: Path
    corpus: dict[str, bytes]
    rows: dict[str, bytes]
    examples: Path


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory: pytest.TempPathFactory) -> InMemory:
    folder = tmp_path_factory.mktemp("in_memory")
    stories = folder / "stories"
    shutil.copytree(Path(__file__).resolve().parents[2] / "data" / "cnn_dailymail", stories)
    shutil.rmtree(stories / "url_lists")
    for number, file in enumerate(sorted(stories.rglob("*.story"))[::7]):
        shutil.copyfile(file, file.with_name(f"copy-{number}.story"))
    corpus = make_corpus(stories, folder / "corpus")
    examples = folder / "corpus" / "examples"
    rows = make_rows(examples, folder / "tokens")
    assert len(list(examples.rglob("*.tfrecord"))) > 3, "one shard a split proves nothing"
    return InMemory(stories, corpus, rows, examples)


class TestBeamsDirectRunner:
    def test_writes_the_same_records(self, in_memory: InMemory, tmp_path: Path) -> None:
        assert make_corpus(in_memory.stories, tmp_path / "corpus", *BY_BEAM) == in_memory.corpus

    def test_writes_the_same_rows(self, in_memory: InMemory, tmp_path: Path) -> None:
        assert make_rows(in_memory.examples, tmp_path / "tokens", *BY_BEAM) == in_memory.rows


class TestSeveralProcesses:
    @pytest.fixture(autouse=True)
    def _large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(workers, "SMALL_BYTES", 0)

    def test_write_the_same_records(self, in_memory: InMemory, tmp_path: Path) -> None:
        assert make_corpus(in_memory.stories, tmp_path / "corpus", *PARALLEL) == in_memory.corpus

    def test_write_the_same_rows(self, in_memory: InMemory, tmp_path: Path) -> None:
        assert make_rows(in_memory.examples, tmp_path / "tokens", *PARALLEL) == in_memory.rows


@pytest.fixture(scope="module")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Beam flags for a scheduler and two workers, each a process of its own on the loopback."""
    folder = tmp_path_factory.mktemp("dask")
    address = folder / "scheduler.json"
    local = ("--host", "127.0.0.1", "--scheduler-file", str(address))
    worker = ("worker", *local, "--nthreads", "1", "--no-nanny", "--no-dashboard")
    commands = {
        "scheduler": ("scheduler", *local, "--port", "0", "--dashboard-address", "127.0.0.1:0"),
        "worker-1": (*worker, "--local-directory", str(folder)),
        "worker-2": (*worker, "--local-directory", str(folder)),
    }
    processes = []
    try:
        for name, command in commands.items():
            processes.append(start(folder / f"{name}.log", "-m", "dask", *command))
        _wait_for_workers(address, 2)
        yield (
            "--runner=apache_beam.runners.dask.dask_runner.DaskRunner",
            f"--dask_scheduler_file={address}",
            "--dask_partition_size=8",
        )
    finally:
        end(reversed(processes))


def _wait_for_workers(address: Path, count: int) -> None:
    from distributed import Client

    wait_for("the scheduler", address.exists)
    with Client(scheduler_file=str(address), timeout=60) as client:
        client.wait_for_workers(count, timeout=60)


class TestADaskCluster:
    """A scheduler and two workers in processes of their own."""

    def test_writes_the_same_records(
        self, in_memory: InMemory, tmp_path: Path, dask_cluster: tuple[str, ...]
    ) -> None:
        assert (
            make_corpus(in_memory.stories, tmp_path / "corpus", *dask_cluster) == in_memory.corpus
        )

    def test_writes_the_same_rows(
        self, in_memory: InMemory, tmp_path: Path, dask_cluster: tuple[str, ...]
    ) -> None:
        assert make_rows(in_memory.examples, tmp_path / "tokens", *dask_cluster) == in_memory.rows

    def test_takes_shards_from_the_store(
        self, in_memory: InMemory, tmp_path: Path, dask_cluster: tuple[str, ...]
    ) -> None:
        memory = JobCache(tmp_path)
        for name in ("first", "second"):
            made = make_rows(in_memory.examples, tmp_path / name, *dask_cluster, memory=memory)
            assert made == in_memory.rows
            kept = {file: path.stat().st_mtime_ns for file, path in _entries(memory.shards).items()}
            if name == "first":
                first = kept
        assert first == kept != {}


def _entries(store: Path) -> dict[str, Path]:
    return {path.parent.name: path for path in store.glob("*/entry")}


@pytest.fixture(scope="module")
def job_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Beam flags for its own portable job service, whose workers a pool starts as processes."""
    folder = tmp_path_factory.mktemp("job_service")
    port_file = folder / "port"
    service = start(
        folder / "service.log",
        *("-m", "apache_beam.runners.portability.local_job_service_main", "--port", "0"),
        *("--port_file", str(port_file), "--staging_dir", str(folder / "staging")),
    )
    processes = [service]
    try:
        wait_for("the job service", lambda: port_file.exists() and port_file.read_text())
        pool, address = start_workers(folder / "pool.log")
        processes.append(pool)
        yield (
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{port_file.read_text().strip()}",
            "--environment_type=EXTERNAL",
            f"--environment_config={address}",
        )
    finally:
        end(processes)


class TestAPortableJobService:
    """What Flink, Spark and Dataflow use: a job service, and workers that it has not started."""

    def test_writes_the_same_records(
        self, in_memory: InMemory, tmp_path: Path, job_service: tuple[str, ...]
    ) -> None:
        assert make_corpus(in_memory.stories, tmp_path / "corpus", *job_service) == in_memory.corpus

    def test_writes_the_same_rows(
        self, in_memory: InMemory, tmp_path: Path, job_service: tuple[str, ...]
    ) -> None:
        assert make_rows(in_memory.examples, tmp_path / "tokens", *job_service) == in_memory.rows
