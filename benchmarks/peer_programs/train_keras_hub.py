"""Train GPT-2 124M with keras-hub on TensorFlow on random tokens; prints seconds a step.

    python train_keras_hub.py BATCH LENGTH STEPS PRECISION XLA

PRECISION is a Keras dtype policy (`mixed_bfloat16`, `float32`), XLA is `on` or `off`. GPT2CausalLM
with random weights, Keras' AdamW, clipping at norm 1, every token in the loss, `train_on_batch`.
"""

import json
import os
import statistics
import sys
import time

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import keras_hub
import numpy as np

VOCABULARY = 50257


def main() -> None:
    """Train, and print {"seconds": the median step} as JSON."""
    batch_size, length, steps = map(int, sys.argv[1:4])
    precision, xla = sys.argv[4:]
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=VOCABULARY,
        num_layers=12,
        num_heads=12,
        hidden_dim=768,
        intermediate_dim=3072,
        dropout=0.0,
        max_sequence_length=1024,
        dtype=precision,
    )
    model = keras_hub.models.GPT2CausalLM(backbone=backbone, preprocessor=None)
    model.compile(
        optimizer=keras.optimizers.AdamW(1e-4, weight_decay=0.01, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=None,
        jit_compile=xla == "on",
    )
    random = np.random.default_rng(0)
    seconds = []
    for _ in range(2 + steps):
        ids = random.integers(0, VOCABULARY, [batch_size, length + 1])
        inputs = {"token_ids": ids[:, :-1], "padding_mask": np.ones([batch_size, length], bool)}
        began = time.perf_counter()
        model.train_on_batch(inputs, ids[:, 1:])  # fetches the loss: the step has ended
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": statistics.median(seconds[2:])}))


if __name__ == "__main__":
    main()
