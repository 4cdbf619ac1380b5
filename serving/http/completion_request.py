"""What `POST /v1/completions` asks for, checked."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preprocessing.base.ranges import Range
from preprocessing.tokens.vocabulary import Vocabulary
from serving.continuous_batching import MOST_WAITING
from serving.generation_settings import SEEDS, is_text, kind_and_range
from serving.http.errors import RequestError
from serving.http.json_fields import Fields
from serving.http.served_version import ServedVersion
from serving.running_rows import Sampling

MOST_PROMPT_BYTES = 64 * 1024
MOST_STOPS = 16

# Fields of OpenAI's interface that are not offered, with the values that ask for nothing beside null.
_NOT_OFFERED: dict[str, list[Any]] = {
    "best_of": [1],
    "frequency_penalty": [0],
    "logit_bias": [{}],
    "logprobs": [],
    "presence_penalty": [0],
    "suffix": [""],
}
_OFFERED = (
    *("model", "prompt", "n", "max_tokens", "stop", "seed"),
    *("temperature", "top_p", "top_k", "repetition_penalty"),
    *("stream", "stream_options", "echo", "user"),
)
# A number that every JSON parser can hold.
_DRAWN_SEEDS = 2**31


@dataclass(frozen=True)
class CompletionRequest:
    """samples: texts for each prompt. echo: whether a text begins with its prompt."""

    prompts: tuple[str, ...]
    samples: int
    sampling: Sampling
    stream: bool
    include_usage: bool
    echo: bool


def read_completion_request(
    document: Mapping[str, Any], model: str, version: ServedVersion
) -> CompletionRequest:
    """The request of a JSON object. What it leaves open is as the version's defaults say, and a seed is drawn.

    Raises RequestError where a field is unknown, of a wrong type, or out of range.
    """
    fields = Fields(document)
    fields.refuse_others((*_OFFERED, *_NOT_OFFERED))
    for name, neutral in _NOT_OFFERED.items():
        if fields.value(name) is not None and fields.value(name) not in neutral:
            message = f"{name}: not offered here; leave it out"
            raise RequestError(400, message, name)
    if (asked := fields.text("model", model)) != model:
        raise RequestError(404, f"model is {asked!r}; {model!r} is served here", "model")
    fields.text("user", "")
    prompts = _prompts(fields, version.vocabulary)
    samples = fields.whole("n", Range(least=1, most=MOST_WAITING // len(prompts)), 1)
    stream = fields.flag("stream")
    return CompletionRequest(
        prompts,
        samples,
        _sampling(fields, version),
        stream,
        _include_usage(fields, stream),
        fields.flag("echo"),
    )


def _sampling(fields: Fields, version: ServedVersion) -> Sampling:
    defaults = version.defaults
    tokens = Range(least=1, most=version.model.context - 1)

    def number(name: str, default: float) -> float:
        return fields.number(name, kind_and_range(name)[1], default)

    return Sampling(
        max_new_tokens=(
            defaults.max_new_tokens
            if fields.value("max_tokens") is None
            else fields.whole("max_tokens", tokens, 1)
        ),
        temperature=number("temperature", defaults.temperature),
        top_k=fields.whole("top_k", kind_and_range("top_k")[1], defaults.top_k),
        top_p=number("top_p", defaults.top_p),
        repetition_penalty=number("repetition_penalty", defaults.repetition_penalty),
        seed=fields.whole("seed", SEEDS, secrets.randbelow(_DRAWN_SEEDS)),
        stop=_stop(fields),
    )


def _stop(fields: Fields) -> tuple[str, ...]:
    value = fields.value("stop")
    strings = [] if value is None else [value] if isinstance(value, str) else value
    if (
        not isinstance(strings, list)
        or len(strings) > MOST_STOPS
        or not all(isinstance(string, str) and is_text(string) for string in strings)
    ):
        fields.refuse("stop", f"a string that is not empty, or a list of at most {MOST_STOPS}")
    return tuple(strings)


def _include_usage(fields: Fields, stream: bool) -> bool:
    options = fields.value("stream_options")
    if options is None:
        return False
    if not stream or not isinstance(options, dict):
        fields.refuse("stream_options", "an object, and left out without stream")
    own = Fields(options)
    own.refuse_others(["include_usage"])
    return own.flag("include_usage")


def _prompts(fields: Fields, vocabulary: Vocabulary | None) -> tuple[str, ...]:
    """A string, a list of strings, a list of ids, or a list of lists of ids, as texts."""
    allowed = "a string, a list of strings, a list of token ids, or a list of such lists"
    value = fields.value("prompt")
    if value is None:
        raise RequestError(400, f"prompt is missing; it must be {allowed}", "prompt")
    found = [value] if isinstance(value, str) or _are_ids(value) else value
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_WAITING:
        fields.refuse("prompt", f"{allowed}, at most {MOST_WAITING} prompts")
    prompts = []
    for number, prompt in enumerate(found):
        if _are_ids(prompt):
            prompt = _text_of(prompt, number, vocabulary)
        elif not isinstance(prompt, str):
            fields.refuse("prompt", allowed)
        if len(prompt.encode("utf-8", "replace")) > MOST_PROMPT_BYTES:
            message = f"prompt {number} has more than {MOST_PROMPT_BYTES} bytes, which is the most"
            raise RequestError(400, message, "prompt")
        prompts.append(prompt)
    return tuple(prompts)


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(type(each) is int for each in value)


def _text_of(ids: list[int], number: int, vocabulary: Vocabulary | None) -> str:
    """The text of token ids that are those of a text: a model is given texts alone."""
    if vocabulary is None:
        message = f"prompt {number} is token ids, and the vocabulary is not here; send its text"
        raise RequestError(400, message, "prompt")
    try:
        text = vocabulary.decode(ids)
    except (KeyError, OverflowError):
        message = f"prompt {number} has an id that is none of 0 to {vocabulary.size - 1}"
        raise RequestError(400, message, "prompt") from None
    if vocabulary.encode(text) != ids:
        message = f"prompt {number}: its ids are not those of a text; send its text"
        raise RequestError(400, message, "prompt")
    return text
