"""What a server answers beside completions: models, predictions, what it is watched by, its page; and whom."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.model import LanguageModel
from tests.serving.running_server import (
    NAME,
    RunningServer,
    held_back,
    running_server,
    wait_until,
)
from trainer.options import GenerationOptions

PREDICT = f"/v1/models/{NAME}:predict"


def default_texts(model: LanguageModel, prompts: list[str]) -> list[str]:
    """What the signature itself gives."""
    import tensorflow as tf

    found = model.signature("serving_default")(prompts=tf.constant(prompts))
    return [text.decode() for text in found["completions"].numpy()]


class TestModels:
    def test_the_list_is_that_of_openai(self, server: RunningServer) -> None:
        found = server.ask("GET", "/v1/models").body
        assert found["object"] == "list"
        (model,) = found["data"]
        assert (model["id"], model["object"], model["owned_by"]) == (NAME, "model", "gpt2-tfx")
        assert isinstance(model["created"], int)

    @pytest.mark.parametrize("path", [f"/v1/models/{NAME}", f"/v1/models/{NAME}/versions/1"])
    def test_one_serves_both_interfaces(self, server: RunningServer, path: str) -> None:
        found = server.ask("GET", path).body
        assert (found["id"], found["object"]) == (NAME, "model")
        assert found["model_version_status"] == [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]

    @pytest.mark.parametrize(
        "path", ["/v1/models/other", f"/v1/models/{NAME}/versions/9", "/v1/other"]
    )
    def test_others_are_not_found(self, server: RunningServer, path: str) -> None:
        answer = server.ask("GET", path)
        assert answer.status == 404
        assert answer.body["error"]["type"] == "invalid_request_error"

    def test_metadata_names_the_signature(self, server: RunningServer) -> None:
        found = server.ask("GET", f"/v1/models/{NAME}/metadata").body
        assert found["model_spec"] == {"name": NAME, "signature_name": "", "version": "1"}
        signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert list(signature["inputs"]) == ["prompts"]
        assert list(signature["outputs"]) == ["completions"]


class TestPredict:
    PROMPTS = ("Hello", "", "a longer prompt")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"instances": [*PROMPTS]}, "predictions"),
            ({"instances": [{"prompts": prompt} for prompt in PROMPTS]}, "predictions"),
            ({"inputs": [*PROMPTS], "signature_name": "serving_default"}, "outputs"),
            ({"inputs": {"prompts": [*PROMPTS]}}, "outputs"),
        ],
        ids=["rows", "named_rows", "column", "named_column"],
    )
    def test_predictions_are_those_of_the_signature(
        self, server: RunningServer, model: LanguageModel, body: dict[str, Any], field: str
    ) -> None:
        expected = default_texts(model, [*self.PROMPTS])
        for path in (PREDICT, PREDICT.replace(":", "/versions/1:")):
            answer = server.ask("POST", path, body).body
            assert answer[field] == expected
            assert answer["warnings"] == [*model.cuts([*self.PROMPTS], 48)]
            assert set(answer) == {field, "warnings"}

    def test_a_search_is_what_the_defaults_say(
        self, server: RunningServer, model: LanguageModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options = GenerationOptions(max_new_tokens=4, beams=2)
        monkeypatch.setitem(vars(server.current.version), "defaults", options)
        (expected,) = model.generate(["Hello"], **vars(options))
        answer = server.ask("POST", PREDICT, {"instances": ["Hello"]})
        assert answer.body == {"predictions": [expected.text]}

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            ({}, "either instances or inputs must be given, and not both"),
            ({"instances": ["a"], "inputs": ["a"]}, "either instances or inputs"),
            ({"instances": []}, "instances is []; it must be a list of 1 to 64 strings"),
            ({"instances": "a"}, 'instances is "a"; it must be a list of 1 to 64 strings'),
            ({"instances": [{"text": "a"}]}, "it must be a list of 1 to 64 strings for 'prompts'"),
            ({"inputs": {"prompts": 5}}, 'inputs is {"prompts": 5}; it must be a list'),
            ({"inputs": [1]}, "inputs is [1]; it must be a list"),
            ({"inputs": ["a"], "signature_name": "score"}, "it must be serving_default"),
            ({"inputs": ["a"], "rows": 1}, '"rows": there is no such field'),
        ],
    )
    def test_an_error_is_a_string_as_tensorflow_serving_has_it(
        self, server: RunningServer, body: dict[str, Any], says: str
    ) -> None:
        answer = server.ask("POST", PREDICT, body)
        assert answer.status == 400
        assert says in answer.body["error"]

    def test_another_version_is_not_found(self, server: RunningServer) -> None:
        path = PREDICT.replace(":", "/versions/2:")
        answer = server.ask("POST", path, {"instances": ["a"]})
        assert (answer.status, answer.body) == (
            404,
            {"error": "version is '2'; '1' is served here"},
        )


class TestMonitoring:
    def test_it_lives_and_is_ready(self, server: RunningServer) -> None:
        assert server.ask("GET", "/healthz").body == {"alive": True}
        assert server.ask("GET", "/readyz").body == {
            "ready": True,
            "fault": None,
            "model": NAME,
            "version": "1",
            "digest": None,
            "verified": "off",
            "refused": None,
        }

    def test_lineage_says_what_there_is(self, server: RunningServer) -> None:
        found = server.ask("GET", "/lineage").body
        assert found == {"version": "1", "digest": None, "provenance": None}

    def test_metrics_count_requests_and_tokens(self, server: RunningServer) -> None:
        request = 'gpt2_tfx_requests_total{method="POST",route="/v1/completions",status="200"}'
        server.complete(prompt="abc", max_tokens=4, temperature=0)
        names = [
            request,
            "gpt2_tfx_prompt_tokens_total",
            "gpt2_tfx_completion_tokens_total",
            "gpt2_tfx_first_token_seconds_count",
            "gpt2_tfx_step_seconds_count",
        ]
        before = [server.number(name) for name in names]
        answer = server.complete(prompt="abc", max_tokens=4, temperature=0)
        tokens = answer["usage"]["completion_tokens"]
        # the first token takes no step
        added = [1, 3, tokens, 1, 3]
        assert [server.number(name) for name in names] == [
            old + more for old, more in zip(before, added, strict=True)
        ]

    def test_metrics_are_in_the_format_of_prometheus(self, server: RunningServer) -> None:
        answer = server.ask("GET", "/metrics")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = {each.name: each for each in text_string_to_metric_families(answer.body)}
        (named,) = families["gpt2_tfx_served_version_info"].samples
        assert (named.labels, named.value) == ({"version": "1", "digest": ""}, 1)
        assert {family.type for family in families.values()} == {"counter", "gauge", "histogram"}

    def test_a_line_is_logged_for_a_request_without_its_text(self, server: RunningServer) -> None:
        server.lines.clear()
        server.complete(prompt="a secret", max_tokens=1)
        server.ask("GET", "/no%0Asuch?q=a%20secret")
        first, second = server.lines
        assert re.fullmatch(r"127.0.0.1 POST /v1/completions 200 \d+\.\d{3} s", first)
        assert re.fullmatch(r"127.0.0.1 any none 404 \d+\.\d{3} s", second)


class TestAccess:
    def test_the_wrong_method_is_told_with_those_that_are_right(
        self, server: RunningServer
    ) -> None:
        answer = server.ask("GET", "/v1/completions")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert answer.body["error"]["message"] == "GET: not for this page; it takes POST"

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[", ""])
    def test_pages_of_other_sites_may_not_ask(self, server: RunningServer, origin: str) -> None:
        headers = {"Origin": origin}
        answer = server.ask("POST", "/v1/completions", {"prompt": "a"}, headers)
        assert answer.status == 403
        own = {"Origin": f"http://127.0.0.1:{server.port}"}
        asked = {"prompt": "a", "max_tokens": 1}
        assert server.ask("POST", "/v1/completions", asked, own).status == 200

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
    def test_a_site_whose_name_leads_here_may_not_ask(
        self, server: RunningServer, host: str
    ) -> None:
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert server.ask("GET", "/v1/models", headers=headers).status == 403
        for name in ("localhost", "[::1]:80", "127.0.0.2"):
            assert server.ask("GET", "/v1/models", headers={"Host": name}).status == 200

    def test_where_there_is_a_token_every_page_but_one_asks_for_it(self, saved_model: Path) -> None:
        with running_server(lambda: saved_model, token="open sesame") as asked:
            assert asked.ask("GET", "/healthz").status == 200
            for path in ("/", "/readyz", "/metrics", "/lineage", "/v1/models", "/none"):
                for given in ({}, {"Authorization": "Bearer open"}):
                    answer = asked.ask("GET", path, headers=given)
                    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            known = {"Authorization": "Bearer open sesame"}
            assert asked.ask("GET", "/readyz", headers=known).status == 200
            # a proxy passes the name on that others know
            assert asked.ask("GET", "/readyz", headers={**known, "Host": "a.example"}).status == 200
            assert not any("sesame" in line for line in asked.lines)

    def test_a_client_that_sends_too_slowly_is_told_and_left(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("serving.http.json_fields._SECONDS_TO_READ", 0.05)
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as slow:
            slow.sendall(
                b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
            )
            assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


class TestPage:
    def test_it_is_one_file_that_runs_nothing_else(self, server: RunningServer) -> None:
        answer = server.ask("GET", "/")
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert policy.endswith("connect-src 'self'; frame-ancestors 'none'")
        assert "unsafe" not in policy
        assert not re.search(r"""(src|href)=["'](?!/lineage["'])""", answer.body)
        assert "Version 1 answers" in answer.body

    def test_names_are_escaped(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(server.current, "name", "<b>&")
        assert "<h1>&lt;b&gt;&amp;</h1>" in server.ask("GET", "/").body


class TestEnd:
    # one of so many first tokens can be shown at once
    ASKED: ClassVar = {"prompt": "a", "n": 8, "max_tokens": 20, "seed": 1}

    @pytest.fixture
    def ending(
        self, saved_model: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[RunningServer]:
        """A server of its own. param: the seconds that are left to what is being answered."""
        monkeypatch.setattr("serving.http.server.SECONDS_TO_END", request.param)
        with running_server(lambda: saved_model) as found:
            yield found

    @pytest.mark.parametrize("ending", [120.0], indirect=True)
    def test_what_is_being_answered_may_end_and_nothing_new_is_taken(
        self, ending: RunningServer
    ) -> None:
        with ExitStack() as held:
            held.enter_context(held_back(ending.current.version.model))
            with ending.streaming(**self.ASKED) as events:
                next(events)
                ending.end()
                wait_until(lambda: is_refused(ending))
                held.close()
                *_, last = events
        assert last == "[DONE]"
        ending.thread.join(60)
        assert not ending.thread.is_alive()

    @pytest.mark.parametrize("ending", [0.1], indirect=True)
    def test_what_takes_too_long_is_cut_off(self, ending: RunningServer) -> None:
        with (
            held_back(ending.current.version.model),
            ending.streaming(**self.ASKED) as events,
        ):
            next(events)
            ending.end()
            assert "[DONE]" not in list(events)
        ending.thread.join(60)
        assert not ending.thread.is_alive()


def is_refused(server: RunningServer) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port)).close()
    except ConnectionRefusedError:
        return True
    return False
