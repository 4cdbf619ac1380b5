"""The exported model: a SavedModel that takes and gives text, and needs nothing of this project.

A server needs `tensorflow` and `tensorflow_text`. Beside `saved_model.pb` lies
`assets.extra/gpt2.json` with the shape, the generation options and the name of the vocabulary.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tensorflow as tf

from preprocessing.errors import InputError
from preprocessing.in_graph_tokenizer import InGraphTokenizer
from preprocessing.vocabulary import Vocabulary
from trainer.canonical_graph import make_canonical
from trainer.generation import Generated, generate
from trainer.gpt2 import GPT2
from trainer.loss import continues, next_token_log_probabilities
from trainer.options import GenerationOptions

METADATA_FILE = Path("assets.extra") / "gpt2.json"

_STRINGS = tf.TensorSpec([None], tf.string)
_ROWS = tf.TensorSpec([None, None], tf.int64)


class ExportedModel(tf.Module):
    """A GPT-2 with its tokenizer, and one function for each signature of the SavedModel.

    generation_options: what `serving_default` generates with.
    Raises InputError where the vocabulary is not of the model's size.
    """

    def __init__(
        self, model: GPT2, vocabulary: Vocabulary, generation_options: GenerationOptions
    ) -> None:
        super().__init__(name="exported_model")
        if vocabulary.size != model.config.vocabulary_size:
            raise InputError(
                f"tokens.vocabulary: {vocabulary.name} has {vocabulary.size} ids and the model "
                f"{model.config.vocabulary_size}; use the vocabulary that the model was made with"
            )
        self.model = model
        self.tokenizer = InGraphTokenizer(vocabulary)
        self._vocabulary = vocabulary
        self._options = generation_options

    def metadata(self) -> dict[str, Any]:
        """What `assets.extra/gpt2.json` says: config, generation options, precision, vocabulary."""
        return {
            "config": asdict(self.model.config),
            "generation": asdict(self._options),
            "precision": self.model.precision,
            "vocabulary": self._vocabulary.name,
            "vocabulary_digest": self._vocabulary.digest,
        }

    @tf.function(input_signature=[_STRINGS])
    def serving_default(self, prompts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Completions string [n] of prompts string [n]: the export's options, seed 0."""
        rows = tf.range(tf.size(prompts, tf.int64))
        seeds = tf.stack([tf.zeros_like(rows), rows], axis=1)
        options = self._options
        generated = self._generate(
            prompts,
            options.max_new_tokens,
            options.temperature,
            options.top_k,
            options.top_p,
            seeds,
        )
        return {"completions": self._text(generated)}

    @tf.function(
        input_signature=[
            _STRINGS,
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.float32),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.float32),
            tf.TensorSpec([None, 2], tf.int64),
        ]
    )
    def generate(
        self,
        prompts: tf.Tensor,
        max_new_tokens: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        top_p: tf.Tensor,
        seeds: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Completions string [n], their tokens int32 [n], and finished bool [n] (end of text met).

        prompts: string [n]; seeds: int64 [n, 2], the random stream of each row.
        """
        generated = self._generate(prompts, max_new_tokens, temperature, top_k, top_p, seeds)
        return {
            "completions": self._text(generated),
            "tokens": generated.counts,
            "finished": generated.finished,
        }

    @tf.function(input_signature=[_STRINGS])
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

    @tf.function(input_signature=[_ROWS, _ROWS, _ROWS])
    def score_rows(
        self, input_ids: tf.Tensor, segment_ids: tf.Tensor, positions: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Log-probability (nats) of each next token of rows int64 [n, L]: float32 [n, L - 1].

        It is 0 where token i + 1 does not go on with the segment of token i.
        """
        return {"log_probabilities": self._score(input_ids, segment_ids, positions)}

    @tf.function(input_signature=[_STRINGS])
    def tokenize(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Ids int32 [n, longest], end of text after the last of a text, and the number of each."""
        ids = self.tokenizer.encode(texts)
        return {
            "input_ids": ids.to_tensor(self._vocabulary.end_of_text),
            "tokens": tf.cast(ids.row_lengths(), tf.int32),
        }

    def _generate(
        self,
        prompts: tf.Tensor,
        max_new_tokens: tf.Tensor | int,
        temperature: tf.Tensor | float,
        top_k: tf.Tensor | int,
        top_p: tf.Tensor | float,
        seeds: tf.Tensor,
    ) -> Generated:
        return generate(
            self.model,
            self.tokenizer.encode(prompts),
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seeds=seeds,
            end_of_text=self._vocabulary.end_of_text,
        )

    def _text(self, generated: Generated) -> tf.Tensor:
        ids = tf.RaggedTensor.from_tensor(generated.ids, lengths=generated.counts)
        return self.tokenizer.decode(ids)

    def _score(
        self, input_ids: tf.Tensor, segment_ids: tf.Tensor, positions: tf.Tensor | None
    ) -> tf.Tensor:
        logits = self.model(input_ids, segment_ids, positions)
        log_probabilities = next_token_log_probabilities(logits, input_ids)
        return tf.where(continues(segment_ids), log_probabilities, 0.0)


SIGNATURES = ("serving_default", "generate", "score", "score_rows", "tokenize")


def export(
    model: GPT2, vocabulary: Vocabulary, generation_options: GenerationOptions, folder: Path
) -> None:
    """Write the model to a folder: a SavedModel with every signature of `SIGNATURES`, and metadata.

    Equal models give equal bytes, whatever the process did before.
    """
    exported = ExportedModel(model, vocabulary, generation_options)
    signatures = {name: getattr(exported, name) for name in SIGNATURES}
    tf.saved_model.save(exported, str(folder), signatures=signatures)
    make_canonical(folder)
    path = folder / METADATA_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(exported.metadata(), indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
