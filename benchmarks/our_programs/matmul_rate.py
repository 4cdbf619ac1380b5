"""TensorFlow's own rate of bfloat16 products at the shapes of training 124M; prints FLOP/s.

`python -m benchmarks.our_programs.matmul_rate TOKENS`: for each dense layer and for the logits, the product of the
forward pass and the two of the backward pass, each alone in a graph, as often as a step has them.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import tensorflow as tf

from trainer.config import SIZES

_TURNS = 5


def main() -> None:
    """Time every product, and print {"flops_per_second": of all of them together} as JSON."""
    tokens = int(sys.argv[1])
    config = SIZES["124M"]
    width = config.width
    dense = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
    counts = dict.fromkeys(dense, config.layers) | {(width, config.vocabulary_size): 1}
    operations, seconds = 0, 0.0
    for (inputs, outputs), count in counts.items():
        x, kernel, y = (
            tf.cast(tf.random.stateless_normal(shape, [1, 2]), tf.bfloat16)
            for shape in ([tokens, inputs], [inputs, outputs], [tokens, outputs])
        )
        products = (
            lambda x, kernel, y: tf.matmul(x, kernel),
            lambda x, kernel, y: tf.matmul(y, kernel, transpose_b=True),
            lambda x, kernel, y: tf.matmul(x, y, transpose_a=True),
        )
        for product in products:
            operations += count * 2 * tokens * inputs * outputs
            seconds += count * _median_seconds(tf.function(product), x, kernel, y)
    print(json.dumps({"flops_per_second": operations / seconds}))


def _median_seconds(graph: Callable[..., tf.Tensor], *arguments: tf.Tensor) -> float:
    graph(*arguments)
    seconds = []
    for _ in range(_TURNS):
        began = time.perf_counter()
        graph(*arguments)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
