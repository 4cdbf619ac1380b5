"""Generating for every target and scoring what comes back, with a model that says what it is told."""

import math

import pytest

from components.evaluation import Evaluation, TextWriter, evaluate, targets
from preprocessing.options import TASK_METRICS
from preprocessing.records.record import Record, Segment
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.components.fakes import FakeModel, conversation_record, news_record, row
from trainer.options import GenerationOptions

BYTES = load_vocabulary("bytes")
ROWS = [row([1, 1, 1], [0, 1, 1])]
GENERATION = GenerationOptions(max_new_tokens=7, temperature=0.5, top_k=3, top_p=0.8)
TURNS = conversation_record(("who?", "Ann"), ("why?", "no reason", "none"), ("when?", "today"))


def run(model: FakeModel, task: str, *records: Record, seed: int = 5, batch: int = 8) -> Evaluation:
    writer = TextWriter(TASKS[task], GENERATION, seed, "latin")
    return evaluate(model, writer, records, ROWS, BYTES, batch)


def test_a_story_asks_for_one_summary() -> None:
    (target,) = targets(news_record(3), BYTES, room=100)
    assert target.record == "id003"
    assert target.prompt == "An article.\nTL;DR:\n"
    assert target.references == ("A summary.",)


def test_each_turn_asks_for_an_answer_with_the_gold_history_before_it() -> None:
    found = list(targets(TURNS, BYTES, room=1000))
    assert [target.turn for target in found] == [1, 2, 3]
    assert [target.prompt for target in found] == [
        "A story.\n Q: who?\n A:",
        "A story.\n Q: who?\n A: Ann\n Q: why?\n A:",
        "A story.\n Q: who?\n A: Ann\n Q: why?\n A: no reason\n Q: when?\n A:",
    ]
    assert [target.references for target in found] == [("Ann",), ("no reason", "none"), ("today",)]


def test_plain_text_asks_for_nothing_and_is_scored_by_perplexity_alone() -> None:
    model = FakeModel(log_probability=-2.0)
    text = Record("t", "a.txt", 0, "d" * 64, "test", (Segment("Some prose.", True),))
    result = run(model, "text", text)
    assert result.metrics == {"perplexity": pytest.approx(math.exp(2))}
    assert result.predictions == ()
    assert model.calls == []


def test_prompts_leave_room_for_what_is_generated() -> None:
    model = FakeModel(context=30)
    run(model, "cnn_dailymail", news_record(article="An article that does not fit."))
    (call,) = model.calls
    # 30 less 7 new tokens less the 8 of the separator leave 15 of the article.
    assert call["prompts"] == ["An article that\nTL;DR:\n"]


def test_the_generation_options_reach_the_model() -> None:
    model = FakeModel()
    run(model, "coqa", TURNS)
    (call,) = model.calls
    del call["prompts"]
    assert call == {
        "max_new_tokens": 7,
        "temperature": 0.5,
        "top_k": 3,
        "top_p": 0.8,
        "seed": 5,
        "stop": ("\n",),
        "sample_offset": 0,
    }


def test_answers_end_at_the_newline_and_are_scored_against_every_annotator() -> None:
    replies = {"who?": " Ann\n Q: and?", "why?": " none", "when?": " \n"}
    model = FakeModel(lambda prompt: replies[prompt.split(" Q: ")[-1].split("\n")[0]])
    result = run(model, "coqa", TURNS)
    assert [prediction.text for prediction in result.predictions] == ["Ann", "none", ""]
    scores = [prediction.scores for prediction in result.predictions]
    assert scores[0] == {"non_empty": 1.0, "exact_match": 1.0, "f1": 1.0}
    assert scores[1] == {"non_empty": 1.0, "exact_match": 0.5, "f1": 0.5}
    assert scores[2] == {"non_empty": 0.0, "exact_match": 0.0, "f1": 0.0}
    assert result.metrics == {
        "non_empty": pytest.approx(2 / 3),
        "exact_match": pytest.approx(1 / 2),
        "f1": pytest.approx(1 / 2),
        "perplexity": pytest.approx(math.e),
    }
    assert result.tokens == 2


def test_summaries_keep_their_lines_and_are_scored_by_rouge() -> None:
    record = news_record(summary="One thing.\nAnother thing.")
    result = run(FakeModel(lambda _: "\nAnother thing.\nOne thing.\n"), "cnn_dailymail", record)
    (prediction,) = result.predictions
    assert prediction.text == "Another thing.\nOne thing."
    assert prediction.scores["rouge1"] == prediction.scores["rougeLsum"] == pytest.approx(1.0)
    assert prediction.scores["rougeL"] < 1.0
    assert set(result.metrics) == {*TASK_METRICS["cnn_dailymail"], "non_empty"}


def test_every_target_has_a_random_stream_of_its_own_which_a_rerun_repeats() -> None:
    records = [news_record(number) for number in range(11)]
    model = FakeModel()
    result = run(model, "cnn_dailymail", *records)
    assert [call["sample_offset"] for call in model.calls] == [0, 8]
    texts = [prediction.text for prediction in result.predictions]
    assert len(set(texts)) == len(records)
    assert run(FakeModel(), "cnn_dailymail", *records) == result
    assert run(FakeModel(), "cnn_dailymail", *records, seed=6) != result


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_no_text_depends_on_how_many_are_asked_for_at_once(batch: int) -> None:
    records = [news_record(number) for number in range(11)]
    model = FakeModel()
    assert run(model, "cnn_dailymail", *records, batch=batch) == run(
        FakeModel(), "cnn_dailymail", *records
    )
    assert len(model.calls) == -(-11 // batch)


@pytest.mark.parametrize("log_probability", [-1e6, math.nan])
def test_a_loss_that_is_not_finite_is_no_score(log_probability: float) -> None:
    result = run(FakeModel(log_probability=log_probability), "text")
    assert result.metrics == {"perplexity": None}


def test_an_empty_split_has_null_metrics() -> None:
    writer = TextWriter(TASKS["coqa"], GENERATION, 0, "latin")
    result = evaluate(FakeModel(), writer, [], [], BYTES, 8)
    assert result.metrics == {"exact_match": None, "f1": None, "perplexity": None}
    assert (result.predictions, result.tokens) == ((), 0)


def test_a_prediction_tells_what_was_asked_and_answered() -> None:
    (prediction,) = run(
        FakeModel(lambda _: "Ann"), "coqa", conversation_record(("who?", "Ann"))
    ).predictions
    assert prediction.to_dict() == {
        "record": "c1",
        "turn": 1,
        "prompt": "A story.\n Q: who?\n A:",
        "references": ["Ann"],
        "prediction": "Ann",
        "scores": {"non_empty": 1.0, "exact_match": 1.0, "f1": 1.0},
    }
