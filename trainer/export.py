"""The exported model: a SavedModel that takes and gives text, and needs nothing of this project.

A server needs `tensorflow` and `tensorflow_text`. Beside `saved_model.pb` lie
`assets.extra/gpt2.json` with the shape and the digest of the vocabulary, and
`assets/sampling_defaults.txt` with what `serving_default` generates with.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tensorflow as tf

from preprocessing.base.errors import InputError
from preprocessing.tokens.in_graph_tokenizer import InGraphTokenizer
from preprocessing.tokens.vocabulary import Vocabulary
from preprocessing.tokens.vocabulary_files import SHIPPED
from trainer.canonical_graph import make_canonical
from trainer.data import continued
from trainer.export_layout import (
    EXACT_WEIGHTS,
    METADATA_FILE,
    SAMPLING_DEFAULTS,
    SIGNATURES,
    write_sampling_defaults,
)
from trainer.generation import CachedModel, Request, Writer, generate, named_state
from trainer.generation.decode_state import joined, kept, of_few_rows
from trainer.generation.generate import steps_of
from trainer.generation.prompts import cut_left, side_by_side
from trainer.generation.stop_strings import cut_before
from trainer.gpt2 import GPT2, block
from trainer.operations import cross_entropy
from trainer.options import GenerationOptions
from trainer.served_model import served
from trainer.variable_files import write_variables

_STRINGS = tf.TensorSpec([None], tf.string)
_ROWS = tf.TensorSpec([None, None], tf.int64)
_INTEGER = tf.TensorSpec([], tf.int32)
_NUMBER = tf.TensorSpec([], tf.float32)
_SAMPLING = {
    "prompts": _STRINGS,
    "seeds": tf.TensorSpec([None, 2], tf.int64),
    "stop": _STRINGS,
    "max_new_tokens": _INTEGER,
    "temperature": _NUMBER,
    "top_k": _INTEGER,
    "top_p": _NUMBER,
    "repetition_penalty": _NUMBER,
}
_OTHER = "other_"  # before the names of the tensors of a second state
_TYPES = {
    "serving_default": {"prompts": _STRINGS},
    "generate": {**_SAMPLING, "beams": _INTEGER, "length_penalty": _NUMBER},
    "start": _SAMPLING,
    "score": {"texts": _STRINGS},
    "score_rows": dict.fromkeys(("input_ids", "segment_ids", "positions"), _ROWS),
    "tokenize": {"texts": _STRINGS},
}


class ExportedModel:
    """A GPT-2 with its tokenizer, and a method for each signature of the SavedModel.

    sampling_defaults: the file that says what `serving_default` generates with; None where nobody
        will call it.
    kernel_first: a variable of the SavedModel, as of `trainer.few_rows.product_of_few_rows`: an export goes
        to any machine, and whoever loads it there may set it.
    Raises InputError where the vocabulary is not of the model's size.
    """

    def __init__(
        self, model: GPT2, vocabulary: Vocabulary, sampling_defaults: Path | None = None
    ) -> None:
        if vocabulary.size != model.config.vocabulary_size:
            raise InputError(
                f"tokens.vocabulary: {vocabulary.name} has {vocabulary.size} ids and the model "
                f"{model.config.vocabulary_size}; use the vocabulary that the model was made with"
            )
        self.model = model
        self.tokenizer = InGraphTokenizer(vocabulary)
        self._vocabulary = vocabulary
        self._sampling_defaults = (
            None if sampling_defaults is None else tf.saved_model.Asset(str(sampling_defaults))
        )
        self.kernel_first = tf.Variable(False, trainable=False, name="kernel_first")
        self._block = tf.function(block, autograph=False)
        self._graphs: dict[str, Any] = {}

    def call(self, name: str, **given: tf.Tensor) -> dict[str, tf.Tensor]:
        """What a signature gives; its graph is traced with its first call."""
        return self._graph(name)(**given)

    def save(self, folder: Path) -> None:
        """Write the SavedModel, whose functions are those of its signatures alone."""
        root = tf.train.Checkpoint(
            model=self.model,
            tokenizer=self.tokenizer,
            sampling_defaults=self._sampling_defaults,
            kernel_first=self.kernel_first,
        )
        signatures = {name: self._graph(name) for name in SIGNATURES}
        tf.saved_model.save(root, str(folder), signatures=signatures)

    def _graph(self, name: str) -> Any:
        if name not in self._graphs:
            self._graphs[name] = named_state.traced(getattr(self, name), self._types(name))
        return self._graphs[name]

    def _types(self, name: str) -> Mapping[str, Any]:
        """The types of a signature's arguments: what is stepped, joined and kept is what `start` gives."""
        if name in _TYPES:
            return _TYPES[name]
        state = self._graph("start").structured_outputs
        rows = {"rows": tf.TensorSpec([None], tf.int32)}
        both = {**state, **{f"{_OTHER}{name}": value for name, value in state.items()}}
        return {"step": state, "join": both, "keep": rows | state}[name]

    def metadata(self) -> dict[str, Any]:
        """What `assets.extra/gpt2.json` says: config, precision, vocabulary.

        A vocabulary that does not ship has no name here: its path would make the model's digest
        depend on the machine.
        """
        return {
            "config": asdict(self.model.config),
            "precision": self.model.precision,
            "vocabulary": self._vocabulary.name if self._vocabulary.name in SHIPPED else None,
            "vocabulary_digest": self._vocabulary.digest,
        }

    def serving_default(self, prompts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Completions string [n] of prompts string [n]: the export's defaults, seed 0.

        The defaults are read from the file of the export that is served.
        """
        assert self._sampling_defaults is not None
        rows = tf.range(tf.size(prompts, tf.int64))
        seeds = tf.stack([tf.zeros_like(rows), rows], axis=1)
        options = _read_options(tf.io.read_file(self._sampling_defaults.asset_path))
        stop = tf.constant([], tf.string)
        generated = self.call("generate", prompts=prompts, seeds=seeds, stop=stop, **options)
        return {"completions": generated["completions"]}

    def generate(
        self, prompts: tf.Tensor, seeds: tf.Tensor, stop: tf.Tensor, **settings: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Completions string [n], their tokens int32 [n], and finished bool [n].

        prompts: string [n]; seeds: int64 [n, 2], the random stream of each row; stop: string [s],
            before the first of which a text is cut; settings: as `generation.Request` has them.
        A row is finished where the end of text or a stop string was met.
        """
        ids, request = self.tokenizer.encode(prompts), Request(stop=stop, **settings)
        generated = generate(self._writer(), ids, request, seeds=seeds)
        ids = tf.RaggedTensor.from_tensor(generated.ids, lengths=generated.counts)
        texts = self.tokenizer.decode(ids)
        cut = cut_before(texts, stop)
        # where a text was cut, its tokens are those of what is left
        recounted = tf.cast(self.tokenizer.encode(cut).row_lengths(), tf.int32)
        return {
            "completions": cut,
            "tokens": tf.where(cut == texts, generated.counts, recounted),
            # U+FFFD may stand for bytes that hold no stop string
            "finished": generated.finished | (cut != texts),
        }

    def start(
        self, prompts: tf.Tensor, seeds: tf.Tensor, stop: tf.Tensor, **settings: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """A state with a row for each of at most MOST_ROWS prompts, and its first token.

        Arguments as of `generate`. A state is what `trainer.generation.DecodeState` says, its cache
        as `keys_0`, `values_0` and so on; it goes to `step`, `join` and `keep` by these names. Its
        rows have the tokens of `generate`.
        """
        request = Request(stop=stop, **settings)
        steps = steps_of(request, self.model.config)
        room = self.model.config.context - steps
        ids = self.tokenizer.encode(of_few_rows(prompts))
        ids = cut_left(ids, room, self._vocabulary.end_of_text)
        return named_state.named(
            self._writer().start(side_by_side(ids, room), seeds, steps, request)
        )

    def step(self, **state: tf.Tensor) -> dict[str, tf.Tensor]:
        """The state after one more token of each row that goes on.

        On a processor the memory of the state's cache becomes that of the new one, so that the old
        state cannot be used any more.
        """
        return named_state.named(self._writer().step(named_state.unnamed(state)))

    def join(self, **states: tf.Tensor) -> dict[str, tf.Tensor]:
        """The rows of a state and then those of another, whose tensors are called `other_...`."""
        both = (named_state.unnamed(states, prefix) for prefix in ("", _OTHER))
        return named_state.named(joined(*both))

    def keep(self, rows: tf.Tensor, **state: tf.Tensor) -> dict[str, tf.Tensor]:
        """The rows of these numbers, int32 [r], of a state."""
        return named_state.named(kept(named_state.unnamed(state), rows))

    def _writer(self) -> Writer:
        model = CachedModel(self.model, self.kernel_first)
        return Writer(model, self.tokenizer.token_bytes(), self._vocabulary.end_of_text)

    def score(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Log-probability (nats) float32 [n] of the tokens from the second on, and their number.

        Of a text longer than the context the first `context` tokens are scored; `tokens`, int32
        [n], says how many log-probabilities are in the sum.
        """
        ids = self.tokenizer.encode(texts)[:, : self.model.config.context]
        present = tf.cast(tf.ones_like(ids).to_tensor(), tf.int64)
        log_probabilities = self._score(tf.cast(ids.to_tensor(), tf.int64), present, None)
        return {
            "log_probabilities": tf.reduce_sum(log_probabilities, axis=1),
            "tokens": tf.maximum(tf.cast(ids.row_lengths(), tf.int32) - 1, 0),
        }

    def score_rows(
        self, input_ids: tf.Tensor, segment_ids: tf.Tensor, positions: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Log-probability (nats) of each next token of rows int64 [n, L]: float32 [n, L - 1].

        It is 0 where token i + 1 does not go on with the segment of token i.
        """
        return {"log_probabilities": self._score(input_ids, segment_ids, positions)}

    def tokenize(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Ids int32 [n, longest], end of text after the last of a text, and the number of each."""
        ids = self.tokenizer.encode(texts)
        return {
            "input_ids": ids.to_tensor(self._vocabulary.end_of_text),
            "tokens": tf.cast(ids.row_lengths(), tf.int32),
        }

    def _score(
        self, input_ids: tf.Tensor, segment_ids: tf.Tensor, positions: tf.Tensor | None
    ) -> tf.Tensor:
        hidden = self.model.hidden(input_ids, segment_ids, positions, run_block=self._block)
        logits = self.model.logits(hidden)
        losses = cross_entropy(logits[:, :-1], input_ids[:, 1:])
        return tf.where(continued(segment_ids), -losses, 0.0)


def _read_options(text: tf.Tensor) -> dict[str, tf.Tensor]:
    """Every option of a file of sampling defaults, a string []: a scalar by its name."""
    fields = tf.strings.split(tf.strings.split(tf.strings.strip(text), "\n"), " ").to_tensor()
    names, values = fields[:, 0], fields[:, 1]
    return {
        name: tf.strings.to_number(
            tf.gather(values, tf.where(names == name)[0, 0]),
            tf.int32 if isinstance(value, int) else tf.float32,
        )
        for name, value in asdict(GenerationOptions()).items()
    }


def export(
    model: GPT2, vocabulary: Vocabulary, generation_options: GenerationOptions, folder: Path
) -> None:
    """Write the model to a folder: a SavedModel with every signature of `SIGNATURES`, and metadata.

    generation_options: what `serving_default` generates with, until `write_sampling_defaults` says
        otherwise.
    Equal models give equal bytes, whatever the process did before. The SavedModel of a model that
    computes in half precision holds its weights as `served` makes them, which is all that it uses;
    the float32 weights, which only training and conversion read, are in `EXACT_WEIGHTS` beside it.
    """
    if model.precision != "float32":
        write_variables(folder / EXACT_WEIGHTS, model.by_name)
    with TemporaryDirectory() as staged:
        write_sampling_defaults(Path(staged), generation_options)
        exported = ExportedModel(served(model), vocabulary, Path(staged) / SAMPLING_DEFAULTS)
        exported.save(folder)
    make_canonical(folder)
    path = folder / METADATA_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(exported.metadata(), indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
