"""Processes that are forked for a job."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from preprocessing.base.file_watch import ContentChangedError
from preprocessing.base.workers import SMALL_BYTES, local_processes, workers


def pid_of(number: int) -> tuple[int, int]:
    time.sleep(0.05)
    return number, os.getpid()


def changed(name: str) -> None:
    raise ContentChangedError(Path(name), "it was read")


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_order_from_several_processes_or_from_this_one() -> None:
    with workers(2) as run:
        found = list(run(pid_of, range(8)))
    assert [number for number, _ in found] == [*range(8)]
    assert os.getpid() not in {pid for _, pid in found}
    assert len({pid for _, pid in found}) == 2
    with workers(1) as run:
        assert {pid for _, pid in run(pid_of, range(3))} == {os.getpid()}


def test_an_exception_comes_back_as_what_it_was() -> None:
    with (
        pytest.raises(ContentChangedError, match=r"a\.txt: changed while it was read"),
        workers(2) as run,
    ):
        list(run(changed, ["a.txt"]))


def test_a_process_that_dies_fails_the_job_and_leaves_nobody_waiting() -> None:
    with pytest.raises(BrokenProcessPool), workers(2) as run:
        list(run(die, [1, 2, 3]))


def test_workers_end_with_the_process_that_forked_them(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from preprocessing.base.workers import workers\n"
        "from tests.preprocessing.test_workers import write_pid\n"
        "with workers(2) as run:\n"
        "    list(run(write_pid, [sys.argv[1]] * 2))\n"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=root)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    process.kill()
    process.wait()
    wait_until(lambda: not any(alive(int(file.name)) for file in tmp_path.iterdir()))


def write_pid(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(true) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ([], 1),
        (["--direct_running_mode=multi_processing", "--direct_num_workers=3"], 3),
        (["--runner=DirectRunner"], 1),
        (["--direct_running_mode=multi_threading", "--direct_num_workers=3"], None),
        (["--runner=apache_beam.runners.dask.dask_runner.DaskRunner"], None),
    ],
)
def test_a_pipeline_for_this_machine_says_in_how_many_processes(
    flags: list[str], count: int | None
) -> None:
    pipeline = beam.Pipeline(options=PipelineOptions(flags))
    assert local_processes(pipeline, SMALL_BYTES + 1) == count
    assert local_processes(pipeline, SMALL_BYTES) == (None if count is None else 1)
