"""Texts that several workers write, in whatever batches and after whatever kills, are the same byte for byte."""

import random
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components import spread_texts
from components.evaluation import TextWriter, text_groups, write_texts
from components.score_cache import ScoreCache
from components.spread_texts import SpreadTexts
from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.options import TokenOptions
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.job import list_shards, tokenize_shard
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.components import killable_evaluation
from tests.components.fakes import FakeModel, news_record
from tests.components.stages import record_examples
from tests.trainer.random_models import random_model
from trainer.config import GPT2Config
from trainer.export import export
from trainer.options import GenerationOptions

BYTES = load_vocabulary("bytes")
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.components.killable_evaluation"])
RECORDS = [news_record(n, f"Article {n}. " * (1 + n % 5), f"Summary {n}.") for n in range(400)]
FEW = RECORDS[:100]
WRITER = TextWriter(TASKS["cnn_dailymail"], killable_evaluation.GENERATION, 3, "latin")


def test_workers_write_everything_and_the_node_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = text_groups(FEW, BYTES, WRITER.generation, 1024, 8)
    expected = write_texts(FakeModel(), WRITER, groups, "evaluate")
    worker, own = FakeModel(), FakeModel()
    models = {(tmp_path / "model", "bytes"): worker}
    monkeypatch.setattr(spread_texts, "load_model", lambda *named: models[named])
    spread_texts._loaded.cache_clear()
    parts = ScoreCache(tmp_path, "components.scoring").parts_of({"what": "texts"})
    flags = ["--direct_running_mode=multi_threading", "--direct_num_workers=2"]
    spread = SpreadTexts(PipelineOptions(["--allow_unsafe_triggers", *flags]), "bytes")
    spread(tmp_path / "model", WRITER, groups, parts, "evaluate")
    assert parts.count() == len(groups) == len(worker.calls) == 13
    assert write_texts(own, WRITER, groups, "evaluate", parts) == expected
    assert own.calls == []


def test_more_processes_than_the_memory_holds_are_refused() -> None:
    flags = ["--direct_running_mode=multi_processing", "--direct_num_workers=1000000"]
    with pytest.raises(
        InputError, match=r"^evaluation\.workers 1000000: TensorFlow in each alone would"
    ):
        SpreadTexts(PipelineOptions(flags), "bytes")


def test_progress_is_that_of_all_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = text_groups(FEW, BYTES, WRITER.generation, 1024, 8)
    parts = ScoreCache(tmp_path, "components.scoring").parts_of({"what": "texts"})
    for number in (3, 12):
        parts(number, lambda: [])
    said: list[progress.Report] = []

    monkeypatch.setattr(spread_texts, "_PAUSE", 0.001)
    with progress.reported_to(said.append), spread_texts._progress_of(parts, groups, "evaluate"):
        while not said:
            time.sleep(0.01)
    assert said[0] == {"phase": "evaluate", "done": 16, "total": 100, "unit": "texts"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of one layer, exported as the Trainer does."""
    folder = tmp_path_factory.mktemp("exported") / "model"
    config = GPT2Config(vocabulary_size=BYTES.size, context=96, width=16, heads=2, layers=1)
    export(random_model(config, seed=1), BYTES, GenerationOptions(), folder)
    return folder


@pytest.mark.long
class TestProcesses:
    """The whole evaluation by processes of its own, as the Evaluator asks for it."""

    @pytest.fixture(scope="class")
    def folder(self, model: Path) -> Path:
        """The model with the records and rows that it is scored on."""
        examples = record_examples(model.parent / "examples", RECORDS)
        for shard in list_shards(examples.uri, str(model.parent / "tokens")):
            Path(shard.rows).parent.mkdir(parents=True)
            options = TokenOptions(
                sequence_length=96, vocabulary="bytes", over_long="truncate_prompt"
            )
            tokenize_shard(shard, options)
        return model.parent

    @pytest.fixture(scope="class")
    def expected(self, folder: Path) -> bytes:
        return evaluated(folder, "whole", 8, 1)

    @pytest.mark.parametrize("batch", [1, 8, 32])
    @pytest.mark.parametrize("workers", [1, 2, 4])
    def test_batches_and_workers(
        self, folder: Path, expected: bytes, batch: int, workers: int
    ) -> None:
        assert evaluated(folder, f"{batch}-{workers}", batch, workers) == expected

    @pytest.mark.timeout(3600)
    @pytest.mark.parametrize(("batch", "workers"), [(1, 1), (2, 2)])
    def test_ten_kills(self, folder: Path, expected: bytes, batch: int, workers: int) -> None:
        """Each kill comes at another moment of the work that is left, and loses a group a worker at most."""
        name = f"killed-{batch}-{workers}"
        scores, result = folder / name, folder / f"{name}.jsonl"
        moments, died, kept = random.Random(workers), 0, 0
        for kill in range(10):
            process = start(folder, name, batch, workers)
            wanted = kept + moments.randint(1, 5)
            while process.is_alive() and count(scores) < wanted:
                time.sleep(0.005)
            process.kill()
            process.join()
            assert not result.exists(), f"all was written before kill {kill}"
            died += process.exitcode == -9
            assert count(scores) >= wanted
            kept = count(scores)
        assert died == 10
        process = start(folder, name, batch, workers)
        process.join()
        assert process.exitcode == 0
        assert result.read_bytes() == expected


def count(scores: Path) -> int:
    """How many groups are kept."""
    return len(list(scores.glob("*.parts/*.json")))


def start(folder: Path, name: str, batch: int, workers: int) -> BaseProcess:
    arguments = (folder, folder / name, batch, workers, folder / f"{name}.jsonl")
    process = CONTEXT.Process(target=killable_evaluation.run, args=arguments)
    process.start()
    return process


def evaluated(folder: Path, name: str, batch: int, workers: int) -> bytes:
    """The predictions of an evaluation that nobody kills."""
    process = start(folder, name, batch, workers)
    process.join()
    assert process.exitcode == 0
    return (folder / f"{name}.jsonl").read_bytes()
