"""Any JSON object is a request for completions that a model can do, or is refused in words."""

import json
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import example, given
from hypothesis import strategies as st

from serving.continuous_batching import MOST_WAITING
from serving.http.completion_request import CompletionRequest, read_completion_request
from serving.http.errors import RequestError
from serving.http.served_version import ServedVersion
from tests.serving.small_model import BYTES, CONFIG
from trainer.options import GenerationOptions

VERSION = cast(
    ServedVersion,
    SimpleNamespace(
        model=SimpleNamespace(context=CONFIG.context),
        defaults=GenerationOptions(),
        vocabulary=BYTES,
    ),
)
_NAMES = (
    *("model", "prompt", "n", "max_tokens", "stop", "seed", "temperature", "top_p", "top_k"),
    *("repetition_penalty", "stream", "stream_options", "echo", "user", "logprobs", "best_of"),
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
_OBJECTS = st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=3), _VALUES, max_size=6)


@given(document=_OBJECTS, prompt=_VALUES | st.text(max_size=5))
@example(document={"temperature": 10**400}, prompt="a")
@example(document={"seed": 2**63}, prompt=[[2**80]])
@example(document={"stop": [[]]}, prompt=[[]])
def test_it_is_one_or_is_refused(document: dict[str, Any], prompt: Any) -> None:
    document = json.loads(json.dumps({**document, "prompt": prompt}))
    asked = read(document)
    if isinstance(asked, RequestError):
        assert asked.status in (400, 404)
        assert asked.field is not None
        assert 0 < len(asked.message) < 400
        return
    assert asked.sampling.settings()
    assert 1 <= len(asked.prompts) * asked.samples <= MOST_WAITING
    assert all(isinstance(text, str) for text in (*asked.prompts, *asked.sampling.stop))


def read(document: dict[str, Any]) -> CompletionRequest | RequestError:
    """The request, or why it is none."""
    try:
        return read_completion_request(document, "small", VERSION)
    except RequestError as error:
        return error
