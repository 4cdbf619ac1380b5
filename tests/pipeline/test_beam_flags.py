"""Which flags Beam gets for a node's job."""

import os
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from tfx.utils import dependency_utils

from pipeline import beam_flags as module
from pipeline.beam_flags import beam_flags, holds_bytes, require_known, worker_flags
from pipeline.config import BeamOptions
from preprocessing.base.errors import InputError

IN_MEMORY = ["--sdk_container_image=none", "--allow_unsafe_triggers"]
STOCK = ["--beam_plugins=tfx"]
PARALLEL = [*IN_MEMORY, "--direct_running_mode=multi_processing", "--direct_num_workers=2"]


@pytest.fixture(autouse=True)
def _small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(module, "PARALLEL_BYTES", 100)
    monkeypatch.setattr(module, "PARALLEL_BYTES_TFX", 1000)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """150 bytes in two folders."""
    (tmp_path / "corpus" / "inner").mkdir(parents=True)
    (tmp_path / "corpus" / "a.txt").write_bytes(b"a" * 50)
    (tmp_path / "corpus" / "inner" / "b.txt").write_bytes(b"b" * 100)
    return tmp_path / "corpus"


def test_a_large_corpus_takes_as_many_processes_as_cores(corpus: Path) -> None:
    assert beam_flags(BeamOptions(), corpus, imports_tfx=False) == PARALLEL


def test_a_small_corpus_stays_in_memory(corpus: Path) -> None:
    assert beam_flags(BeamOptions(), corpus / "a.txt", imports_tfx=False) == IN_MEMORY


def test_workers_that_import_tfx_are_worth_it_later(corpus: Path) -> None:
    assert beam_flags(BeamOptions(), corpus, imports_tfx=True) == [*STOCK, *IN_MEMORY]
    (corpus / "c.txt").write_bytes(b"c" * 1000)
    assert beam_flags(BeamOptions(), corpus, imports_tfx=True) == [*STOCK, *PARALLEL]


def test_one_core_stays_in_memory(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert beam_flags(BeamOptions(), corpus, imports_tfx=False) == IN_MEMORY


def test_the_choice_can_be_made_by_hand(corpus: Path) -> None:
    in_memory, parallel = BeamOptions("in_memory"), BeamOptions("multi_processing")
    assert beam_flags(in_memory, corpus, imports_tfx=False) == IN_MEMORY
    assert beam_flags(parallel, corpus / "a.txt", imports_tfx=False) == PARALLEL


def test_arguments_come_last_and_win(corpus: Path) -> None:
    options = BeamOptions(args=["--direct_num_workers=7"])
    assert beam_flags(options, corpus, imports_tfx=False) == [*PARALLEL, "--direct_num_workers=7"]


@pytest.mark.parametrize(
    "args", [["--runner=FlinkRunner"], ["--streaming", "--runner", "FlinkRunner"]]
)
def test_another_runner_is_told_nothing_about_the_direct_one(corpus: Path, args: list[str]) -> None:
    options = BeamOptions("multi_processing", args)
    assert beam_flags(options, corpus, imports_tfx=False) == args
    assert beam_flags(options, corpus, imports_tfx=True) == ["--beam_plugins=tfx", *args]


def test_stock_nodes_stay_with_the_direct_runner_when_the_others_go_to_dask(corpus: Path) -> None:
    args = ["--runner=apache_beam.runners.dask.dask_runner.DaskRunner", "--dask_partition_size=1"]
    options = BeamOptions("multi_processing", args)
    assert beam_flags(options, corpus, imports_tfx=False) == args
    stock = beam_flags(options, corpus, imports_tfx=True)
    assert stock == [*STOCK, *PARALLEL, *args, "--runner=DirectRunner"]
    assert PipelineOptions(stock).view_as(StandardOptions).runner == "DirectRunner"


class TestTheSizeOfACorpus:
    def test_counts_every_file_once(self, corpus: Path) -> None:
        assert holds_bytes(corpus, 150)
        assert not holds_bytes(corpus, 151)

    def test_does_not_follow_links_to_folders(self, corpus: Path) -> None:
        (corpus / "inner" / "again").symlink_to(corpus)
        assert not holds_bytes(corpus, 151)

    def test_takes_a_pattern(self, corpus: Path) -> None:
        assert holds_bytes(corpus / "**" / "*.txt", 150)
        assert not holds_bytes(corpus / "*.txt", 51)

    def test_is_nothing_for_what_is_not_there(self, corpus: Path) -> None:
        (corpus / "broken").symlink_to(corpus / "nowhere")
        assert not holds_bytes(corpus / "nowhere", 1)
        assert not holds_bytes(corpus, 151)

    def test_looks_at_no_more_than_it_takes(
        self, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folders: list[str] = []
        scandir = os.scandir
        monkeypatch.setattr(os, "scandir", lambda path: folders.append(path) or scandir(path))
        assert holds_bytes(corpus, 50)
        assert list(map(Path, folders)) == [corpus]


def test_the_direct_runner_downloads_nothing(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    monkeypatch.setattr(
        "apache_beam.runners.portability.prism_runner.PrismRunner.__init__",
        lambda self: tried.append(self),
    )
    flags = beam_flags(BeamOptions("in_memory"), corpus, imports_tfx=False)
    with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
        _ = pipeline | beam.Create([1]) | beam.Map(str)
    assert not tried


@pytest.mark.parametrize("runner", ["in_memory", "multi_processing"])
def test_tfx_makes_no_package_of_itself_for_workers_on_this_machine(
    corpus: Path, runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependency_utils, "build_ephemeral_package", lambda: "package")
    options = BeamOptions(runner)
    jobs = [beam_flags(options, corpus, imports_tfx) for imports_tfx in (True, False)]
    for flags in [*jobs, worker_flags(options, 1), worker_flags(options, 2)]:
        assert dependency_utils.make_beam_dependency_flags(flags) == flags


class TestWorkersThatAreCounted:
    """A job whose number of workers its own key says."""

    def test_one_is_the_process_of_the_node_whatever_the_others_do(self) -> None:
        for options in (BeamOptions("multi_processing"), BeamOptions(args=["--runner=Flink"])):
            assert worker_flags(options, 1) == IN_MEMORY

    def test_several_are_processes_here(self) -> None:
        assert worker_flags(BeamOptions("in_memory"), 2) == PARALLEL

    def test_a_runner_that_is_named_takes_them_elsewhere(self) -> None:
        assert worker_flags(BeamOptions(args=["--runner=Flink"]), 4) == ["--runner=Flink"]


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--runner=Nope", r"beam\.args: Unexpected pipeline runner: Nope"),
        ("--runner=no.such.Runner", r"beam\.args: .*no"),
        (
            "--direct_num_workers=x",
            r"beam\.args: argument --direct_num_workers: invalid int value: 'x'; see",
        ),
    ],
)
def test_options_that_beam_cannot_read_are_a_mistake(flag: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        require_known([*worker_flags(BeamOptions(), 1), flag])


def test_options_that_beam_reads_pass() -> None:
    for flags in ([], ["--runner=DirectRunner"], worker_flags(BeamOptions(), 2)):
        require_known(flags)
