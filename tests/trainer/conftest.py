"""A small GPT-2 and rows of ids for it."""

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.random_models import SMALL, random_model
from trainer.gpt2 import GPT2


@pytest.fixture
def model() -> GPT2:
    """Two layers of width 32, random weights."""
    return random_model(SMALL, seed=7)


@pytest.fixture
def ids() -> tf.Tensor:
    """Three rows of 12 random ids, int32."""
    random = np.random.default_rng(3)
    return tf.constant(random.integers(0, SMALL.vocabulary_size, [3, 12]), tf.int32)
