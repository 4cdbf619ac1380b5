"""What is asked of a generation and what it gives."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf


@dataclass(frozen=True)
class Request:
    """How every prompt of a call is continued; numbers or scalar tensors.

    max_new_tokens: at least 1; at most the context less one is generated, so that a prompt token
        fits.
    temperature, top_k, top_p: as `sampling.sample` has them.
    repetition_penalty: as `sampling.penalise_repetition` has it; 1 is off.
    beams: hypotheses of a beam search, which leaves temperature, top_k, top_p and the seeds
        unused; 1 samples.
    length_penalty: as `beam_search.search` has it.
    stop: string [s]; a text ends when its bytes hold one of these.
    """

    max_new_tokens: tf.Tensor | int
    temperature: tf.Tensor | float = 1.0
    top_k: tf.Tensor | int = 0
    top_p: tf.Tensor | float = 1.0
    repetition_penalty: tf.Tensor | float = 1.0
    beams: tf.Tensor | int = 1
    length_penalty: tf.Tensor | float = 1.0
    stop: tf.Tensor | tuple[str, ...] = ()


class Generated(NamedTuple):
    """What was generated for n prompts.

    ids: int32 [n, T]; a row's ids after its count are end of text.
    counts: int32 [n], tokens before the end of text.
    finished: bool [n], whether the end of text or a stop string was met.
    """

    ids: tf.Tensor
    counts: tf.Tensor
    finished: tf.Tensor
