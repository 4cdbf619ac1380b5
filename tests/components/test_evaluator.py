"""Evaluator run by its executor: on a small exported model, and with models that say what a test wants."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tfx.types.standard_artifacts import (
    Examples,
    Model,
    ModelBlessing,
    ModelEvaluation,
    ModelRun,
    PushedModel,
)

from components import evaluator
from components.artifacts import CorpusReport
from components.evaluator import Evaluator, read_evaluation_options
from components.options import (
    SCORES_VARIABLE,
    EvaluationOptions,
    NotWorseOptions,
    Threshold,
)
from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.base.pages import INDEX_VARIABLE
from preprocessing.base.staging import CACHE_TAG
from preprocessing.corpus.report import Tally, write_report
from preprocessing.options import TokenOptions
from preprocessing.records.firsts import Firsts
from preprocessing.records.record import Record
from preprocessing.tokens.job import list_shards, tokenize_shard
from preprocessing.tokens.vocabulary import load_vocabulary
from serving.model import LanguageModel
from tests.components.fakes import FakeModel, conversation_record, news_record
from tests.components.stages import artifact, execute, record_examples
from tests.trainer.random_models import random_model
from trainer.config import GPT2Config
from trainer.export import export
from trainer.export_layout import METADATA_FILE
from trainer.history import HISTORY_FILE, TRAINING_PAGE, History
from trainer.options import GenerationOptions

BYTES = load_vocabulary("bytes")
# The small data are of the test split alone.
ON_TEST = EvaluationOptions(gate_split="test")
BY_ROUGE = replace(ON_TEST, not_worse=NotWorseOptions(perplexity=None, rouge1=0.0))
LENGTH = 48


@dataclass
class Evaluated:
    """What an execution left."""

    evaluation: ModelEvaluation
    blessing: ModelBlessing
    messages: list[str]

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads(Path(self.evaluation.uri, "metrics.json").read_text(encoding="utf-8"))

    @property
    def predictions(self) -> list[dict[str, Any]]:
        lines = Path(self.evaluation.uri, "predictions.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Model artifact's folder with a random model of one layer, exported as the Trainer does."""
    folder = tmp_path_factory.mktemp("model")
    config = GPT2Config(vocabulary_size=BYTES.size, context=LENGTH, width=16, heads=2, layers=1)
    export(random_model(config, seed=1), BYTES, GenerationOptions(), folder / "Format-Serving")
    return folder


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    """See `two_stories`."""
    return two_stories(tmp_path)


def two_stories(folder: Path) -> dict[str, Any]:
    """Two stories in the test split, their rows, and a model's folder with nothing in it."""
    return {
        "model": model_artifact(folder / "model"),
        **background(folder),
        **data(folder, [news_record(0), news_record(1, "Another article.")]),
    }


def background(folder: Path, exposed: int = 0) -> dict[str, Any]:
    """A training that left a history, and a corpus of two records in the test split."""
    model_run = artifact(ModelRun, folder / "model_run")
    history = History(steps=[{"step": 1, "loss": 2.0, "learning_rate": 0.1, "tokens_per_s": 9.0}])
    Path(model_run.uri, HISTORY_FILE).write_text(history.to_json())
    tally = Tally(
        records=Counter(test=2), leaks=Firsts(count=exposed), exposed=Counter(test=exposed)
    )
    report = artifact(CorpusReport, folder / "report")
    write_report(tally, report.uri)
    return {"model_run": model_run, "report": report}


def model_artifact(folder: Path) -> Model:
    model = artifact(Model, folder, digest="candidate")
    model.id = 17
    return model


def data(folder: Path, records: list[Record], length: int = LENGTH) -> dict[str, Examples]:
    examples = record_examples(folder / "examples", records)
    examples.set_string_custom_property("digest", "records")
    tokens = artifact(Examples, folder / "tokens", digest="rows")
    options = TokenOptions(sequence_length=length, vocabulary="bytes", over_long="truncate_prompt")
    for task in list_shards(examples.uri, tokens.uri):
        Path(task.rows).parent.mkdir()
        tokenize_shard(task, options)
    return {"examples": examples, "tokens": tokens}


def champion(folder: Path, vocabulary_digest: str = BYTES.digest) -> PushedModel:
    """A pushed version with nothing but its metadata."""
    path = folder / "serving" / "3"
    (path / METADATA_FILE).parent.mkdir(parents=True)
    metadata = {"vocabulary": "some words", "vocabulary_digest": vocabulary_digest}
    (path / METADATA_FILE).write_text(json.dumps(metadata))
    return artifact(
        PushedModel, folder / "pushed", pushed_destination=str(path), model_digest="champion"
    )


def run(
    folder: Path,
    inputs: Mapping[str, Any],
    options: EvaluationOptions = ON_TEST,
    task: str = "cnn_dailymail",
    seed: int = 3,
) -> Evaluated:
    result = Evaluated(
        artifact(ModelEvaluation, folder / "evaluation"),
        artifact(ModelBlessing, folder / "blessing"),
        [],
    )
    progress.set_sink(
        lambda report: (
            result.messages.append(str(report["message"])) if "message" in report else None
        )
    )
    try:
        execute(
            Evaluator,
            inputs,
            {"evaluation": result.evaluation, "blessing": result.blessing},
            {
                "task": task,
                "evaluation_options": json.dumps(asdict(options)),
                "generation_options": json.dumps(asdict(GenerationOptions(max_new_tokens=4))),
                "vocabulary": "bytes",
                "seed": seed,
            },
        )
    finally:
        progress.set_sink(None)
    return result


def use_models(
    monkeypatch: pytest.MonkeyPatch, candidate: LanguageModel, rival: LanguageModel | None = None
) -> None:
    """Let the candidate's folder hold one model and a pushed version another."""

    def load(path: Path, vocabulary: str = "gpt2") -> LanguageModel:
        if path.name == "Format-Serving":
            return candidate
        if rival is None:
            raise InputError(f"{path}: no model")
        return rival

    monkeypatch.setattr(evaluator, "load_model", load)


@pytest.fixture(scope="module")
def scored(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The exported model on two stories, without a champion."""
    folder = tmp_path_factory.mktemp("scored")
    return run(folder, two_stories(folder) | {"model": model_artifact(model_folder)})


def test_an_exported_model_is_scored_and_blessed(scored: Evaluated) -> None:
    result, summary = scored, scored.summary
    assert (summary["task"], summary["split"], summary["generated"]) == ("cnn_dailymail", "test", 2)
    assert summary["tokens"] == sum(len("A summary.") + 1 for _ in range(2))
    assert math.isfinite(summary["metrics"]["perplexity"])
    assert 0 <= summary["metrics"]["rouge1"] <= 1
    assert summary["champion"] is None
    assert summary["metrics"]["non_empty"] > 0
    assert summary["baselines"]["first_words"]["rouge1"] >= 0
    assert summary["traits"]["references"]["words"] == 2
    assert result.blessing.get_int_custom_property("blessed") == 1
    assert [prediction["record"] for prediction in result.predictions] == ["id000", "id001"]
    assert Path(result.evaluation.uri, "evaluation.html").stat().st_size > 1000


def test_what_stands_behind_the_scores_is_told_beside_them(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, FakeModel())
    monkeypatch.setenv(INDEX_VARIABLE, str(tmp_path / "index.html"))
    inputs |= background(tmp_path / "leaky", exposed=2)
    for name, page in (("model_run", TRAINING_PAGE), ("report", "corpus.html")):
        Path(inputs[name].uri, page).write_text("a page")
    result = run(tmp_path, inputs)
    assert result.summary["leaks"] == {"documents": 2, "records": 2, "exposed": 2}
    page = Path(result.evaluation.uri, "evaluation.html").read_text(encoding="utf-8")
    assert "2 of the 2 records of this split are of a document that the training set has" in page
    assert 'href="../leaky/model_run/training.html"' in page
    assert 'href="../leaky/report/corpus.html"' in page
    assert 'href="../index.html"' in page
    assert page.count("<polyline") == 3


def test_without_the_pages_that_a_purge_has_taken_none_is_led_to(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, FakeModel())
    monkeypatch.delenv(INDEX_VARIABLE, raising=False)
    Path(inputs["model_run"].uri, HISTORY_FILE).unlink()
    page = Path(run(tmp_path, inputs).evaluation.uri, "evaluation.html").read_text(encoding="utf-8")
    assert "<polyline" not in page
    assert "href=" not in page
    assert "No document was found in more than one split of the corpus." in page


def test_the_blessing_carries_property_marker_and_checks(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, FakeModel())
    result = run(tmp_path, inputs)
    assert result.blessing.get_int_custom_property("blessed") == 1
    assert result.blessing.get_int_custom_property("current_model_id") == 17
    folder = Path(result.blessing.uri)
    assert sorted(path.name for path in folder.iterdir()) == ["BLESSED", "checks.json"]
    assert json.loads((folder / "checks.json").read_text()) == result.summary["checks"]
    assert (
        json.loads(result.evaluation.get_string_custom_property("metrics"))
        == (result.summary["metrics"])
    )


def test_a_refusal_is_a_result(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, FakeModel())
    result = run(tmp_path, inputs, replace(ON_TEST, thresholds={"rouge1": Threshold(min=0.99)}))
    assert result.blessing.get_int_custom_property("blessed") == 0
    assert sorted(path.name for path in Path(result.blessing.uri).iterdir()) == [
        "NOT_BLESSED",
        "checks.json",
    ]
    assert result.summary["blessed"] is False


def test_an_empty_split_gives_null_metrics_no_blessing_and_a_warning(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = FakeModel()
    use_models(monkeypatch, model)
    inputs["champion"] = champion(tmp_path)
    result = run(tmp_path, inputs, EvaluationOptions(split="validation", gate_split="validation"))
    assert set(result.summary["metrics"].values()) == {None}
    assert result.blessing.get_int_custom_property("blessed") == 0
    assert (
        "the validation split holds no token to score, so there is no blessing"
        in (result.messages[0])
    )
    assert result.predictions == []
    assert model.calls == []


def test_words_that_rouge_does_not_count_are_told(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Корабль вышел."
    inputs = {**inputs, **data(tmp_path / "russian", [news_record(0, "Статья.", text)])}
    use_models(monkeypatch, FakeModel(lambda _: text))
    latin = run(tmp_path, inputs)
    assert latin.summary["metrics"]["rouge1"] == 0
    assert "evaluation.words: unicode" in latin.messages[0]
    unicode = run(tmp_path, inputs, replace(ON_TEST, words="unicode"))
    assert (unicode.summary["metrics"]["rouge1"], unicode.messages) == (1, [])
    assert "|words:unicode|" in unicode.summary["signature"]


def test_text_is_generated_for_the_first_records_and_perplexity_is_over_all(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, FakeModel())
    result = run(tmp_path, inputs, replace(ON_TEST, max_records=1))
    assert [prediction["record"] for prediction in result.predictions] == ["id000"]
    assert result.summary["tokens"] == 22


def test_perplexity_is_over_the_first_rows_where_that_is_asked_for(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, FakeModel())
    whole, first = (
        run(tmp_path / str(most), inputs, replace(ON_TEST, max_rows=most)) for most in (None, 1)
    )
    assert 0 < first.summary["tokens"] < whole.summary["tokens"] == 22
    shown, plain = (
        Path(result.evaluation.uri, "evaluation.html").read_text(encoding="utf-8")
        for result in (first, whole)
    )
    assert "tokens of the first 1 rows of the split" in shown
    assert "rows of the split" not in plain


def test_predictions_name_conversation_and_turn(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, FakeModel(lambda _: " Zoë\n Q: more?"))
    record = conversation_record(("who?", "Zoë"), ("why?", "no"), story="S.")
    result = run(tmp_path, {**inputs, **data(tmp_path / "coqa", [record])}, task="coqa")
    found = [(p["record"], p["turn"], p["prediction"]) for p in result.predictions]
    assert found == [("c1", 1, "Zoë"), ("c1", 2, "Zoë")]
    assert result.summary["metrics"]["exact_match"] == 0.5
    assert "Zoë" in Path(result.evaluation.uri, "predictions.jsonl").read_text(encoding="utf-8")


def test_the_base_model_as_it_is_stands_beside_where_it_is_asked_for(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = FakeModel(lambda _: "A summary. Two. Three. Not this.")
    use_models(monkeypatch, FakeModel(), base)
    inputs["base_model"] = artifact(Model, tmp_path / "base", digest="base")
    summary = run(tmp_path, inputs).summary
    # Two of the four words that count are in the reference, which has two.
    assert summary["baselines"]["zero_shot"]["rouge1"] == pytest.approx(2 / 3)
    assert base.calls[0]["prompts"] == ["An article.\nTL;DR:\n", "Another article.\nTL;DR:\n"]
    assert "zero_shot" not in summary["metrics"]
    page = (tmp_path / "evaluation" / "evaluation.html").read_text(encoding="utf-8")
    assert "the base model, asked by TL;DR:" in page


def test_scores_of_conversations_are_told_by_domain(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_models(monkeypatch, FakeModel(lambda _: " Zoë"))
    records = [
        replace(conversation_record(("who?", answer), story="S."), id=domain, domain=domain)
        for domain, answer in (("cnn", "Zoë"), ("reddit", "no"))
    ]
    result = run(tmp_path, {**inputs, **data(tmp_path / "coqa", records)}, task="coqa")
    found = {name: scores["f1"] for name, scores in result.summary["domains"].items()}
    assert found == {"cnn": 1, "reddit": 0, "in_domain": 1, "out_of_domain": 0}
    assert [prediction["domain"] for prediction in result.predictions] == ["cnn", "reddit"]


@pytest.mark.parametrize(("candidate", "blessed"), [(-2.0, 1), (-1.9, 1), (-2.01, 1), (-2.1, 0)])
def test_a_worse_model_than_the_champion_is_refused(
    tmp_path: Path,
    inputs: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    candidate: float,
    blessed: int,
) -> None:
    rival = FakeModel(log_probability=-2.0)
    use_models(monkeypatch, FakeModel(log_probability=candidate), rival)
    inputs["champion"] = champion(tmp_path)
    result = run(tmp_path, inputs)
    assert result.blessing.get_int_custom_property("blessed") == blessed
    assert result.summary["champion"]["perplexity"] == pytest.approx(math.exp(2))
    # The same rows as the candidate's; for perplexity no text is needed.
    assert len(rival.batches) == 1
    assert rival.calls == []


def test_a_champion_compared_by_its_text_writes_as_the_candidate_does(
    tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rival = FakeModel()
    use_models(monkeypatch, FakeModel(), rival)
    inputs["champion"] = champion(tmp_path)
    result = run(tmp_path, inputs, BY_ROUGE)
    # The same records, rows and random streams as the candidate's.
    assert [call["seed"] for call in rival.calls] == [3]
    assert result.summary["champion"] == result.summary["metrics"]


@pytest.mark.parametrize(("choice", "blessed"), [("refuse", 0), ("bless", 1)])
def test_a_champion_that_is_gone_is_noted_and_the_user_decides(
    tmp_path: Path,
    inputs: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    choice: Any,
    blessed: int,
) -> None:
    use_models(monkeypatch, FakeModel())
    inputs["champion"] = champion(tmp_path)
    result = run(tmp_path, inputs, replace(ON_TEST, on_incomparable=choice))
    assert result.blessing.get_int_custom_property("blessed") == blessed
    assert "the champion could not be compared" in result.summary["note"]
    assert result.messages[0] == result.summary["note"]
    assert result.summary["champion"] is None


@pytest.mark.parametrize(
    ("context", "digest", "why"),
    [
        (LENGTH - 1, BYTES.digest, "its context is 47 and a row has 48 tokens"),
        (LENGTH, "other", "its vocabulary is another, of digest other"),
    ],
)
def test_a_champion_that_cannot_read_the_rows_is_not_compared(
    tmp_path: Path,
    inputs: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    context: int,
    digest: str,
    why: str,
) -> None:
    rival = FakeModel(context=context, log_probability=-0.1)
    use_models(monkeypatch, FakeModel(), rival)
    inputs["champion"] = champion(tmp_path, digest)
    result = run(tmp_path, inputs)
    assert why in result.summary["note"]
    assert rival.batches == rival.calls == []
    assert result.blessing.get_int_custom_property("blessed") == 0


def test_a_pushed_model_is_a_champion_and_its_equal_passes(
    tmp_path: Path, inputs: dict[str, Any], model_folder: Path, scored: Evaluated
) -> None:
    pushed = str(model_folder / "Format-Serving")
    inputs["model"] = model_artifact(model_folder)
    inputs["champion"] = artifact(PushedModel, tmp_path / "pushed", pushed_destination=pushed)
    result = run(tmp_path, inputs)
    assert result.summary["champion"]["perplexity"] == result.summary["metrics"]["perplexity"]
    assert result.summary["checks"][-1]["passed"] is True
    # Scored again it has the same numbers and texts.
    assert result.summary["metrics"] == scored.summary["metrics"]
    assert result.predictions == scored.predictions


class TestTwoSplits:
    """One split decides, another is reported."""

    @pytest.fixture
    def both(self, tmp_path: Path) -> dict[str, Any]:
        held_out = [replace(news_record(n), id=f"v{n}", split="validation") for n in range(3)]
        records = [news_record(0), news_record(1, "Another article."), *held_out]
        return {
            "model": model_artifact(tmp_path / "model"),
            **background(tmp_path),
            **data(tmp_path, records),
        }

    def test_the_reported_scores_are_not_those_that_decide(
        self, tmp_path: Path, both: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_models(monkeypatch, FakeModel())
        summary = run(tmp_path, both, EvaluationOptions()).summary
        assert (summary["split"], summary["tokens"], summary["generated"]) == ("test", 22, 2)
        assert (summary["gate_split"], summary["gate"]["tokens"]) == ("validation", 33)
        assert summary["blessed"] is True

    def test_texts_of_the_deciding_split_are_written_only_where_a_score_of_them_decides(
        self, tmp_path: Path, both: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for thresholds, calls in (({}, 1), ({"rouge1": Threshold(min=0.0)}, 2)):
            model = FakeModel()
            use_models(monkeypatch, model)
            run(tmp_path, both, EvaluationOptions(thresholds=thresholds))
            assert len(model.calls) == calls

    def test_a_champion_is_compared_on_the_one_and_shown_on_the_other(
        self, tmp_path: Path, both: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_models(monkeypatch, FakeModel(), FakeModel(log_probability=-2.0))
        both["champion"] = champion(tmp_path)
        summary = run(tmp_path, both, EvaluationOptions()).summary
        assert summary["champion"]["perplexity"] == pytest.approx(math.exp(2))
        assert summary["gate"]["champion"]["perplexity"] == pytest.approx(math.exp(2))
        assert summary["differences"]["perplexity"]["verdict"] == "better"
        assert summary["checks"][-1]["found"].startswith("not worse: ")

    def test_a_corpus_without_validation_is_decided_by_what_is_reported(
        self, tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = FakeModel()
        use_models(monkeypatch, model)
        summary = run(tmp_path, inputs, EvaluationOptions()).summary
        assert (summary["gate_split"], summary["blessed"]) == ("test", True)
        assert (len(model.batches), len(model.calls)) == (1, 1)

    def test_without_a_token_to_decide_by_there_is_no_blessing_and_the_remedy_is_named(
        self, tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_models(monkeypatch, FakeModel())
        result = run(tmp_path, inputs, EvaluationOptions(gate_split="validation"))
        assert result.summary["blessed"] is False
        assert "evaluation.gate_split" in result.messages[0]
        assert math.isfinite(result.summary["metrics"]["perplexity"])


@pytest.mark.parametrize(("batch", "at_once"), [(None, 1), (2, 2)])
def test_a_model_is_asked_for_as_many_texts_at_once_as_is_said_or_the_device_takes(
    tmp_path: Path,
    inputs: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    batch: int | None,
    at_once: int,
) -> None:
    monkeypatch.setattr(evaluator, "texts_at_once", lambda: 1)
    model = FakeModel()
    use_models(monkeypatch, model)
    run(tmp_path, inputs, replace(ON_TEST, batch=batch))
    assert [len(call["prompts"]) for call in model.calls] == [at_once] * (2 // at_once)


class TestScoresThatAreKept:
    """What a model came to on the same rows and records is computed once."""

    @pytest.fixture(autouse=True)
    def scores(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv(SCORES_VARIABLE, str(tmp_path / "scores"))
        return tmp_path / "scores"

    def test_a_model_is_not_even_loaded_again(
        self, tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_models(monkeypatch, FakeModel())
        first = files_of(run(tmp_path, inputs))
        monkeypatch.setattr(evaluator, "load_model", no_model)
        assert files_of(run(tmp_path, inputs)) == first

    def test_a_champion_has_the_scores_that_it_had_as_candidate(
        self, tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_models(monkeypatch, FakeModel(log_probability=-1.5))
        before = run(tmp_path, inputs, BY_ROUGE).summary["metrics"]
        inputs["champion"] = champion(tmp_path)
        inputs["champion"].set_string_custom_property("model_digest", "candidate")
        inputs["model"] = artifact(Model, tmp_path / "other", digest="other")
        use_models(monkeypatch, FakeModel(log_probability=-1.0))
        assert run(tmp_path, inputs, BY_ROUGE).summary["champion"] == before

    @pytest.mark.parametrize("calls", [1, 2, 3])
    def test_what_was_written_before_a_kill_is_not_written_again(
        self,
        tmp_path: Path,
        inputs: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
        scores: Path,
        calls: int,
    ) -> None:
        """Thirty stories are four groups; the process dies in one of them."""
        records = [news_record(number, f"Article {number}.") for number in range(30)]
        inputs = {**inputs, **data(tmp_path / "thirty", records)}
        whole = FakeModel()
        use_models(monkeypatch, whole)
        monkeypatch.delenv(SCORES_VARIABLE)
        undisturbed = run(tmp_path / "undisturbed", inputs)
        monkeypatch.setenv(SCORES_VARIABLE, str(scores))

        def die(prompt: str) -> str:
            if len(mortal.calls) > calls:
                raise KeyboardInterrupt
            return ""

        mortal, other = FakeModel(die), FakeModel()
        original = mortal.generate
        monkeypatch.setattr(
            mortal, "generate", lambda *a, **k: (original(*a, **k), other.generate(*a, **k))[1]
        )
        use_models(monkeypatch, mortal)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "killed", inputs)
        again = FakeModel()
        use_models(monkeypatch, again)
        result = run(tmp_path / "again", inputs)
        assert len(again.calls) == 4 - calls
        assert result.predictions == undisturbed.predictions
        assert list(scores.glob("*.parts")) == []

    def test_other_settings_of_the_text_ask_for_text_alone(
        self, tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_models(monkeypatch, FakeModel())
        run(tmp_path, inputs)
        again = FakeModel()
        use_models(monkeypatch, again)
        run(tmp_path, inputs, seed=4)
        assert (len(again.calls), len(again.batches)) == (1, 0)

    @pytest.mark.parametrize("name", ["model", "examples", "tokens"])
    def test_another_model_record_or_row_is_scored_anew(
        self, name: str, tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_models(monkeypatch, FakeModel())
        run(tmp_path, inputs)
        inputs[name].set_string_custom_property("digest", "other")
        again = FakeModel()
        use_models(monkeypatch, again)
        run(tmp_path, inputs)
        asked = (bool(again.calls), bool(again.batches))
        assert asked == (name in ("model", "examples"), name in ("model", "tokens"))

    def test_scores_that_somebody_changed_are_computed_anew(
        self, tmp_path: Path, inputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch, scores: Path
    ) -> None:
        use_models(monkeypatch, FakeModel(log_probability=-1.0))
        first = run(tmp_path, inputs).summary["metrics"]
        assert (scores / CACHE_TAG).is_file()
        for entry in scores.glob("*.json"):
            entry.write_text(entry.read_text().replace("2.718", "1.718"))
        assert run(tmp_path, inputs).summary["metrics"] == first


def no_model(path: Path, vocabulary: str = "gpt2") -> LanguageModel:
    raise AssertionError(f"{path} is loaded")


def files_of(evaluated: "Evaluated") -> dict[str, bytes]:
    """What an evaluation wrote."""
    return {
        path.name: path.read_bytes()
        for folder in (evaluated.evaluation.uri, evaluated.blessing.uri)
        for path in Path(folder).iterdir()
    }


def test_a_folder_without_a_model_is_an_error(tmp_path: Path, inputs: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"saved_model\.pb"):
        run(tmp_path, inputs)


@pytest.mark.parametrize(
    "options",
    [
        EvaluationOptions(),
        EvaluationOptions(
            split="validation",
            max_records=None,
            thresholds={"f1": Threshold(min=0.5), "perplexity": Threshold(max=30.0)},
            not_worse=NotWorseOptions(f1=0.2, confidence=0.9),
            on_incomparable="bless",
        ),
        EvaluationOptions(not_worse=None),
    ],
)
def test_options_survive_their_way_through_json(options: EvaluationOptions) -> None:
    assert read_evaluation_options(json.dumps(asdict(options))) == options
