"""A model to use: it generates and scores text; from a SavedModel or from weights alone."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json
from preprocessing.base.places import plain_path
from serving.generation_settings import checked_settings, utf8_strings
from serving.gpu import ready_gpu
from serving.refused_imports import imports_refused
from serving.tokenizer_operations import load_tokenizer_operations
from trainer.export_layout import METADATA_FILE, SIGNATURES
from trainer.host_memory import return_freed_memory

if TYPE_CHECKING:
    import tensorflow as tf

    from serving.grouped_texts import GroupedTexts
    from trainer.gpt2 import Precision

    Signature = Callable[..., dict[str, tf.Tensor]]

GENERATE_ROWS = 16
# above the tensors of a pass over a prompt and of a step: fresh pages for each of them took a fifth of the time
LARGE_BYTES = 32 * 1024 * 1024
SCORE_TOKENS = 4096  # tokens scored at once: their float32 logits take 0.8 GB at 50,257 ids


@dataclass(frozen=True)
class Completion:
    """A text that was generated.

    text: cut before the first stop string.
    tokens: number of tokens in the text.
    finish_reason: `stop` where a stop string or the end of text was met, else `length`.
    """

    text: str
    tokens: int
    finish_reason: Literal["stop", "length"]


class LanguageModel:
    """A GPT-2 that takes and gives text; made by `load_model`.

    context: the most tokens that the model sees at once.
    grouped: what writes batches in place of the signature `generate`, but searches.
    """

    def __init__(
        self,
        signatures: Mapping[str, "Signature"],
        context: int,
        owner: object,
        grouped: "GroupedTexts | None" = None,
    ) -> None:
        self.context = context
        self._signatures = signatures
        self._owner = owner  # holds the variables that the signatures read
        self._grouped = grouped

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        beams: int = 1,
        length_penalty: float = 1.0,
        seed: int = 0,
        stop: Sequence[str] = (),
        sample_offset: int = 0,
    ) -> list[Completion]:
        """One completion for each prompt; row i uses the random stream (seed, sample_offset + i).

        temperature: 0 is greedy. top_k: 0 is off. top_p: 1 is off. repetition_penalty: 1 is off.
        beams: above 1 a beam search, which draws nothing; length_penalty: the power of its length
            that divides a hypothesis' log-probability.
        stop: the text is cut before the first of these strings.
        At most the context less one token is generated; a prompt that does not fit beside the new
        tokens loses its beginning, with a warning.
        Raises InputError where a value is out of its range.
        """
        settings = checked_settings(
            {
                "max_new_tokens": max_new_tokens,
                "temperature": temperature,
                "top_k": top_k,
                "top_p": top_p,
                "repetition_penalty": repetition_penalty,
                "beams": beams,
                "length_penalty": length_penalty,
            },
            seed,
            stop,
        )
        for cut in self.cuts(prompts, max_new_tokens):
            warnings.warn(cut, stacklevel=2)
        completions: list[Completion] = []
        write, at_once = self._way_for(len(prompts), beams)
        for start in range(0, len(prompts), at_once):
            chunk = prompts[start : start + at_once]
            rows = np.arange(start, start + len(chunk), dtype=np.int64) + sample_offset
            seeds = np.stack([np.full_like(rows, seed), rows], axis=1)
            result = write(
                prompts=utf8_strings(chunk), stop=utf8_strings(stop), seeds=seeds, **settings
            )
            completions += _completions(result)
        return completions

    def score(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """The summed log-probability (nats) of each text's tokens from the second on; their number.

        A text longer than the context is scored in windows that overlap by one token, so that every
        token from the second on counts once.
        """
        scores: list[tuple[float, int]] = []
        for text in texts:
            ids = self._token_ids(text)
            total = 0.0
            stride = self.context - 1
            for start in range(0, len(ids) - 1, stride):
                window = ids[np.newaxis, start : start + self.context].astype(np.int64)
                rows = {
                    "input_ids": window,
                    "segment_ids": np.ones_like(window),
                    "positions": np.arange(window.shape[1])[np.newaxis],
                }
                total += float(self.score_rows(rows).sum(dtype=np.float64))
            scores.append((total, max(len(ids) - 1, 0)))
        return scores

    def score_rows(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Log-probability (nats) of each next token: float32 [batch, L - 1].

        rows: input_ids, segment_ids and positions, int [batch, L]. It is 0 where token i + 1 does
        not go on with the segment of token i.
        """
        names = ("input_ids", "segment_ids", "positions")
        features = {name: np.asarray(rows[name], np.int64) for name in names}
        count, length = features["input_ids"].shape
        at_once = max(1, SCORE_TOKENS // max(length, 1))
        parts = [np.zeros([0, max(length - 1, 0)], np.float32)]
        for start in range(0, count, at_once):
            chunk = {name: value[start : start + at_once] for name, value in features.items()}
            parts.append(self._call("score_rows", **chunk)["log_probabilities"])
        return np.concatenate(parts)

    def signature(self, name: str) -> "Signature":
        """What takes and gives tensors by this name (`trainer.export.ExportedModel`)."""
        return self._signatures[name]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text."""
        return [int(count) for count in self._call("tokenize", texts=utf8_strings(texts))["tokens"]]

    def cuts(self, prompts: Sequence[str], max_new_tokens: int) -> Iterator[str]:
        """What the context has no room for, in words: new tokens, and the beginning of prompts."""
        new = min(max_new_tokens, self.context - 1)
        if new < max_new_tokens:
            yield (
                f"max_new_tokens {max_new_tokens} is more than the context {self.context} leaves "
                f"beside a prompt; at most {new} are generated"
            )
        room = self.context - new
        for number, prompt in enumerate(prompts):
            # a token is at least a byte, so short prompts need no counting
            if len(prompt.encode("utf-8", "replace")) <= room:
                continue
            if (tokens := self.count_tokens([prompt])[0]) > room:
                yield (
                    f"prompt {number} has {tokens} tokens and {room} fit beside {new} new ones in "
                    f"the context of {self.context}; its beginning is cut"
                )

    def _way_for(self, texts: int, beams: int) -> tuple[Callable[..., Mapping[str, Any]], int]:
        """What is called for so many texts, as the signature `generate` is, and for how many at once."""
        if self._grouped is not None and self._grouped.takes(texts, beams):
            return self._grouped, texts
        return partial(self._call, "generate"), GENERATE_ROWS

    def _token_ids(self, text: str) -> np.ndarray:
        return self._call("tokenize", texts=utf8_strings([text]))["input_ids"][0]

    def _call(self, name: str, **arguments: Any) -> dict[str, np.ndarray]:
        import tensorflow as tf

        tensors = {key: tf.constant(value) for key, value in arguments.items()}
        return {key: value.numpy() for key, value in self._signatures[name](**tensors).items()}


def load_model(
    path: Path, vocabulary: str = "gpt2", precision: "Precision | None" = None
) -> LanguageModel:
    """The model in a path: an exported SavedModel (a pushed version too), or weights alone.

    Weights are what `trainer.weights` reads: an OpenAI or Hugging Face folder, or an `.h5` file.
    vocabulary, precision: of weights; None is half precision where the hardware has it. A SavedModel
        brings its own, and writes batches on a GPU faster where it is given its vocabulary.
    Raises InputError where the path is none of them, or is damaged.
    """
    if (path / "saved_model.pb").is_file():
        return _from_saved_model(path, vocabulary)
    return _from_weights(path, vocabulary, precision)


def texts_at_once() -> int:
    """How many texts to ask of a model at once, where nobody says it."""
    if not ready_gpu():
        return 8
    from trainer.generation.together import MOST_ROWS_TOGETHER

    return MOST_ROWS_TOGETHER


def _from_saved_model(path: Path, vocabulary: str) -> LanguageModel:
    return_freed_memory(LARGE_BYTES)
    with imports_refused("pandas", "scipy"):
        import tensorflow as tf
    has_gpu = ready_gpu()
    load_tokenizer_operations()
    metadata_path = path / METADATA_FILE
    try:
        metadata = parse_json(metadata_path.read_text(encoding="utf-8"))
        context, digest = int(metadata["config"]["context"]), metadata["vocabulary_digest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{metadata_path}: missing or damaged ({error}); load a model that `gpt2-tfx` exported"
        ) from error
    try:
        with plain_path(path) as readable:
            loaded = tf.saved_model.load(str(readable))
    except (tf.errors.OpError, OSError, ValueError, LookupError, RuntimeError) as error:
        raise InputError(
            f"{path}: the SavedModel is damaged ({str(error).splitlines()[0]}); export it again"
        ) from error
    missing = [name for name in SIGNATURES if name not in loaded.signatures]
    if missing:
        raise InputError(
            f"{path}: the SavedModel lacks the signatures {', '.join(missing)}; load a model that "
            "`gpt2-tfx` exported"
        )
    grouped = None
    if has_gpu:
        from serving.grouped_texts import grouped_texts

        grouped = grouped_texts(path, loaded, digest, vocabulary)
    if hasattr(loaded, "kernel_first"):  # exports of before know one order
        _suit_processor(loaded)
    return LanguageModel(loaded.signatures, context, loaded, grouped)


def _from_weights(path: Path, vocabulary: str, precision: "Precision | None") -> LanguageModel:
    from preprocessing.tokens.vocabulary import load_vocabulary
    from serving.grouped_texts import GroupedTexts
    from trainer.export import ExportedModel
    from trainer.served_model import hardware_precision, served
    from trainer.weights.loading import load_model as load_weights

    has_gpu, words = ready_gpu(), load_vocabulary(vocabulary)
    model = served(load_weights(path, precision or hardware_precision()))
    exported = ExportedModel(model, words)
    _suit_processor(exported)
    used = ("generate", "start", "step", "join", "keep", "score_rows", "tokenize")
    signatures = {name: partial(exported.call, name) for name in used}
    grouped = GroupedTexts(model, words) if has_gpu else None
    return LanguageModel(signatures, model.config.context, exported, grouped)


def _suit_processor(exported: Any) -> None:
    """Have an exported model's products of few rows in the order that is faster on this machine."""
    from trainer.few_rows import takes_kernel_first

    exported.kernel_first.assign(takes_kernel_first())


def _completions(result: Mapping[str, np.ndarray]) -> Iterator[Completion]:
    """What the signature `generate` gave, row by row."""
    for text, tokens, finished in zip(
        result["completions"], result["tokens"], result["finished"], strict=True
    ):
        yield Completion(text.decode("utf-8"), int(tokens), "stop" if finished else "length")
