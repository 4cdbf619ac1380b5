"""`POST /v1/completions`: OpenAI's interface, the texts of `generate`, and what is refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serving.checksums import CHECKSUMS, as_checksums, stated_digest
from serving.continuous_batching import MOST_WAITING
from serving.http.completion_request import MOST_PROMPT_BYTES
from serving.http.json_fields import MOST_BODY_BYTES
from serving.model import LanguageModel
from tests.serving.running_server import NAME, RunningServer, held_back, wait_until
from tests.serving.small_model import BYTES


def texts(answer: dict[str, Any]) -> list[str]:
    return [choice["text"] for choice in answer["choices"]]


def test_an_answer_has_the_shape_of_openai(server: RunningServer, model: LanguageModel) -> None:
    answer = server.complete(model=NAME, prompt="Hello", max_tokens=8, seed=3, top_p=0.9)
    (expected,) = model.generate(["Hello"], max_new_tokens=8, seed=3, top_p=0.9)
    assert answer.pop("id").startswith("cmpl-")
    assert answer.pop("created") > 1_700_000_000
    choice = {
        "index": 0,
        "text": expected.text,
        "logprobs": None,
        "finish_reason": expected.finish_reason,
    }
    assert answer == {
        "object": "text_completion",
        "model": NAME,
        "system_fingerprint": None,
        "seed": 3,
        "choices": [choice],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": expected.tokens,
            "total_tokens": 5 + expected.tokens,
        },
    }


def test_choices_are_the_rows_of_generate(server: RunningServer, model: LanguageModel) -> None:
    answer = server.complete(
        prompt=["Hello", ""],
        n=3,
        max_tokens=9,
        temperature=1.2,
        top_k=50,
        top_p=1,
        repetition_penalty=1.1,
        seed=7,
        stop="e",
    )
    expected = model.generate(
        ["Hello"] * 3 + [""] * 3,
        max_new_tokens=9,
        temperature=1.2,
        top_k=50,
        repetition_penalty=1.1,
        seed=7,
        stop=["e"],
    )
    assert texts(answer) == [completion.text for completion in expected]
    assert [choice["index"] for choice in answer["choices"]] == [*range(6)]
    assert [choice["finish_reason"] for choice in answer["choices"]] == [
        completion.finish_reason for completion in expected
    ]
    assert answer["usage"]["completion_tokens"] == sum(each.tokens for each in expected)


@pytest.mark.filterwarnings("ignore:prompt 0 has")
def test_many_clients_get_what_each_would_get_alone(
    server: RunningServer, model: LanguageModel
) -> None:
    asked = [
        {"prompt": "ab" * number, "max_tokens": 5 + number, "seed": number, "top_p": 0.8}
        for number in range(12)
    ]

    def answered(number: int) -> list[str]:
        if number % 2:
            return texts(server.complete(**asked[number]))
        events = server.events(**asked[number])
        return ["".join(choice["text"] for event in events for choice in event["choices"])]

    with ThreadPoolExecutor(len(asked)) as pool:
        found = list(pool.map(answered, range(len(asked))))
    for request, text in zip(asked, found, strict=True):
        request["max_new_tokens"] = request.pop("max_tokens")
        expected = model.generate([request.pop("prompt")], **request)
        assert text == [completion.text for completion in expected]


@pytest.mark.filterwarnings("ignore:prompt 0 has")
def test_what_is_left_open_is_as_the_export_says_and_a_seed_is_told(
    server: RunningServer, model: LanguageModel
) -> None:
    answer = server.complete(prompt="Hello", top_p=None)
    assert answer["seed"] != server.complete(prompt="Hello")["seed"]
    with pytest.warns(UserWarning, match="at most 31 are generated"):
        (expected,) = model.generate(["Hello"], max_new_tokens=48, top_p=0.9, seed=answer["seed"])
    assert texts(answer) == [expected.text]
    assert answer["warnings"] == [
        "max_new_tokens 48 is more than the context 32 leaves beside a prompt; at most 31 are generated",
        "prompt 0 has 5 tokens and 1 fit beside 31 new ones in the context of 32; its beginning is cut",
    ]
    assert answer["usage"]["prompt_tokens"] == 1


def test_a_stream_is_the_answer_in_pieces(server: RunningServer) -> None:
    asked = {"prompt": ["Hello", "x"], "n": 2, "max_tokens": 12, "seed": 5, "stop": ["e", "!!"]}
    whole = server.complete(**asked)
    events = server.events(**asked)
    pieces: dict[int, list[str]] = {}
    reasons = {}
    for event in events:
        (choice,) = event["choices"]
        assert choice["index"] not in reasons
        pieces.setdefault(choice["index"], []).append(choice["text"])
        if choice["finish_reason"] is not None:
            reasons[choice["index"]] = choice["finish_reason"]
    assert ["".join(pieces[row]) for row in range(4)] == texts(whole)
    assert [reasons[row] for row in range(4)] == [
        choice["finish_reason"] for choice in whole["choices"]
    ]
    assert len(events) > 4
    assert {event["id"] for event in events} == {events[0]["id"]}
    assert {event["seed"] for event in events} == {5}


def test_a_stream_ends_with_its_usage_where_that_is_asked_for(server: RunningServer) -> None:
    asked = {"prompt": "Hello", "max_tokens": 4, "seed": 1}
    *_, last = server.events(**asked, stream_options={"include_usage": True})
    assert last["choices"] == []
    assert last["usage"] == server.complete(**asked)["usage"]


def test_what_was_cut_is_told_in_the_first_event(server: RunningServer) -> None:
    first, *others = server.events(prompt="x" * 40, max_tokens=8)
    assert first["warnings"][0].startswith("prompt 0 has 40 tokens and 24 fit")
    assert not any("warnings" in event for event in others)


@pytest.mark.parametrize("stream", [False, True])
def test_an_echo_has_the_prompt_before_the_text(server: RunningServer, stream: bool) -> None:
    asked = {"prompt": ["Hello", "you"], "max_tokens": 3, "seed": 2}
    plain = texts(server.complete(**asked))
    if stream:
        found = ["", ""]
        for event in server.events(**asked, echo=True):
            found[event["choices"][0]["index"]] += event["choices"][0]["text"]
    else:
        found = texts(server.complete(**asked, echo=True))
    assert found == [f"Hello{plain[0]}", f"you{plain[1]}"]


def test_token_ids_of_a_text_are_the_text(server: RunningServer) -> None:
    ids = [BYTES.encode("Hello"), BYTES.encode("é")]
    expected = texts(server.complete(prompt=["Hello", "é"], max_tokens=4, seed=1))
    assert texts(server.complete(prompt=ids, max_tokens=4, seed=1)) == expected
    assert texts(server.complete(prompt=ids[0], max_tokens=4, seed=1)) == expected[:1]


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"prompt": None}, "prompt", "prompt is missing; it must be a string, a list of"),
        ({"prompt": 5}, "prompt", "prompt is 5; it must be a string, a list of strings"),
        ({"prompt": []}, "prompt", "prompt is []; it must be a string"),
        ({"prompt": ["a", 1]}, "prompt", 'prompt is ["a", 1]; it must be a string'),
        ({"prompt": [[1, True]]}, "prompt", "it must be a string"),
        ({"prompt": ["a"] * 65}, "prompt", "at most 64 prompts"),
        ({"prompt": [257]}, "prompt", "prompt 0 has an id that is none of 0 to 256"),
        ({"prompt": [-1]}, "prompt", "prompt 0 has an id that is none of 0 to 256"),
        ({"prompt": [2**70]}, "prompt", "prompt 0 has an id that is none of 0 to 256"),
        ({"prompt": [256]}, "prompt", "its ids are not those of a text; send its text"),
        ({"prompt": [[65], [255]]}, "prompt", "prompt 1: its ids are not those of a text"),
        ({"prompt": "x" * (MOST_PROMPT_BYTES + 1)}, "prompt", "more than 65536 bytes"),
        ({"max_tokens": 0}, "max_tokens", "max_tokens is 0; it must be a whole number, at least 1"),
        ({"max_tokens": 32}, "max_tokens", "at least 1 and at most 31"),
        ({"max_tokens": 5.0}, "max_tokens", "max_tokens is 5.0; it must be a whole number"),
        ({"max_tokens": True}, "max_tokens", "max_tokens is true; it must be a whole number"),
        ({"temperature": -1}, "temperature", "temperature is -1; it must be at least 0"),
        ({"temperature": "hot"}, "temperature", 'temperature is "hot"; it must be a number'),
        ({"temperature": 1e39}, "temperature", "float32 makes it inf"),
        ({"temperature": 10**400}, "temperature", "it must be a number, at least 0"),
        ({"top_p": 0}, "top_p", "top_p is 0; it must be greater than 0 and at most 1"),
        ({"top_k": 2**31}, "top_k", "top_k is 2147483648; it must be a whole number"),
        ({"repetition_penalty": 0}, "repetition_penalty", "it must be greater than 0"),
        ({"n": 65}, "n", "n is 65; it must be a whole number, at least 1 and at most 64"),
        ({"prompt": ["a"] * 33, "n": 2}, "n", "at least 1 and at most 1"),
        ({"stop": ""}, "stop", "a string that is not empty, or a list of at most 16"),
        ({"stop": ["a", 1]}, "stop", "a string that is not empty"),
        ({"stop": ["a"] * 17}, "stop", "a list of at most 16"),
        ({"stop": "\udcff"}, "stop", "a string that is not empty"),
        ({"seed": 2**63}, "seed", "seed is 9223372036854775808; it must be a whole number"),
        ({"stream": "yes"}, "stream", 'stream is "yes"; it must be true or false'),
        ({"stream_options": {}}, "stream_options", "left out without stream"),
        (
            {"stream": True, "stream_options": {"chunks": 1}},
            "chunks",
            '"chunks": there is no such field; there are include_usage',
        ),
        ({"echo": 1}, "echo", "echo is 1; it must be true or false"),
        ({"beams": 2}, "beams", '"beams": there is no such field; there are best_of, echo,'),
        ({"logprobs": 0}, "logprobs", "logprobs: not offered here; leave it out"),
        ({"best_of": 2}, "best_of", "best_of: not offered here; leave it out"),
        ({"suffix": "x"}, "suffix", "suffix: not offered here; leave it out"),
        ({"user": 7}, "user", "user is 7; it must be a string"),
    ],
)
def test_what_is_wrong_is_named_with_its_value_and_what_is_allowed(
    server: RunningServer, fields: dict[str, Any], field: str, says: str
) -> None:
    answer = server.ask("POST", "/v1/completions", {"prompt": "a", **fields})
    assert answer.status == 400
    error = answer.body["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", field)
    assert says in error["message"]
    assert len(error["message"]) < 400


def test_another_model_is_not_found(server: RunningServer) -> None:
    answer = server.ask("POST", "/v1/completions", {"prompt": "a", "model": "gpt-4"})
    assert answer.status == 404
    assert answer.body["error"]["message"] == "model is 'gpt-4'; 'small' is served here"


def test_fields_that_ask_for_nothing_are_taken(server: RunningServer) -> None:
    neutral = {
        "best_of": 1,
        "frequency_penalty": 0.0,
        "presence_penalty": 0,
        "logit_bias": {},
        "logprobs": None,
        "suffix": None,
        "user": "somebody",
    }
    asked = {"prompt": "a", "max_tokens": 3, "seed": 1}
    assert texts(server.complete(**asked, **neutral)) == texts(server.complete(**asked))


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "the body is not JSON"),
        (b"{", 400, "the body is not JSON"),
        (b"\xff\xfe", 400, "the body is not JSON"),
        (b"[1]", 400, "the body is [1]; it must be a JSON object"),
        (b'{"prompt": "a", "temperature": NaN}', 400, "NaN is no number of JSON"),
        (b"[" * 100_000, 400, "the body is not JSON"),
        (b'{"seed": ' + b"1" * 5000 + b"}", 400, "the body is not JSON"),
        (b" " * (MOST_BODY_BYTES + 1), 413, "the body is too large"),
    ],
    ids=["empty", "cut", "no_text", "list", "nan", "deep", "long_number", "large"],
)
def test_a_body_that_is_no_request_is_refused(
    server: RunningServer, body: bytes, status: int, says: str
) -> None:
    answer = server.ask("POST", "/v1/completions", body)
    assert answer.status == status
    assert says in answer.body["error"]["message"]


def test_a_client_that_hangs_up_frees_its_rows(server: RunningServer) -> None:
    written = server.number("gpt2_tfx_completion_tokens_total")
    with held_back(server.current.version.model):
        with server.streaming(prompt=["a"] * 64, max_tokens=31) as events:
            assert json.loads(next(events))["choices"]
            assert server.number("gpt2_tfx_rows_running") == 8
            assert server.number("gpt2_tfx_rows_waiting") == 56
        wait_until(lambda: server.number("gpt2_tfx_rows_waiting") == 0)
    wait_until(lambda: server.number("gpt2_tfx_rows_running") == 0)
    assert server.number("gpt2_tfx_completion_tokens_total") - written <= 8 * 2


def test_too_many_texts_are_asked_to_come_back(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.continuous_batching.MOST_WAITING", 1)
    answer = server.ask("POST", "/v1/completions", {"prompt": ["a", "b"], "max_tokens": 1})
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "1"
    assert f"at most {MOST_WAITING} may; try again" in answer.body["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_fails_is_told(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    version = server.current.version

    def fail(name: str) -> None:
        raise RuntimeError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr(version.model, "signature", fail)
        if stream:
            with server.streaming(prompt="a", max_tokens=3) as events:
                (event,) = events
            body = json.loads(event)
        else:
            answer = server.ask("POST", "/v1/completions", {"prompt": "a", "max_tokens": 3})
            assert answer.status == 500
            body = answer.body
        assert body["error"] == {
            "message": "the model failed: RuntimeError: no memory",
            "type": "server_error",
            "param": None,
            "code": None,
        }
        assert server.ask("GET", "/readyz").status == 503
    assert server.complete(prompt="a", max_tokens=3)["choices"]
    assert server.ask("GET", "/readyz").status == 200


def test_the_fingerprint_is_the_digest_of_the_files_that_a_version_states(tmp_path: Path) -> None:
    (tmp_path / CHECKSUMS).write_text(as_checksums({"a": "0" * 64}))
    first = stated_digest(tmp_path)
    (tmp_path / CHECKSUMS).write_text(as_checksums({"a": "1" * 64}))
    assert stated_digest(tmp_path) != first
