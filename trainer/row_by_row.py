"""Products of a few rows with a big matrix, each row by itself.

A step of generation reads every weight for a handful of rows, so it is bound by memory. TensorFlow's
bfloat16 kernel for processors first arranges the matrix anew, which takes twice the time of reading
it. XLA's product of a matrix and a vector reads bfloat16 as it lies, if the matrix is [out, in], and
a row's sum is the same whatever is computed beside it; but every row reads the matrix.
"""

import itertools

import tensorflow as tf

from trainer.operations import product

MOST_ROWS = 8
# XLA makes a matrix float32 inside the loop of its product with a vector of less than 16 KiB; for a
# longer one it does so in memory before
_LONGEST = 3584


def can_go_row_by_row(rows: tf.Tensor) -> tf.Tensor:
    """Whether `row_by_row` may compute so many rows one by one, a bool: on a processor, a few."""
    on_processor = tf.equal(tf.raw_ops.DeviceIndex(device_names=["CPU"]), 0)
    return on_processor & (rows <= MOST_ROWS)


def row_by_row(rows: tf.Tensor, kernel: tf.Tensor, one_by_one: tf.Tensor) -> tf.Tensor:
    """Rows [R, in] times a kernel [out, in], in the precision of the rows: [R, out].

    one_by_one: a bool; where it is false, all rows are multiplied at once.
    """

    def each() -> tf.Tensor:
        return tf.cast(tf.add_n(_compiled(tf.cast(rows, tf.float32), kernel)), rows.dtype)

    def at_once() -> tf.Tensor:
        return tf.cast(product(tf.cast(rows, kernel.dtype), kernel), rows.dtype)

    return tf.cond(one_by_one, each, at_once)


@tf.function(jit_compile=True, autograph=False)
def _compiled(rows: tf.Tensor, kernel: tf.Tensor) -> list[tf.Tensor]:
    """Terms float32 [R, out] of the product; XLA compiles it for each R it meets, at most MOST_ROWS.

    Each term is of a stretch of the inputs. To add them up in here would have XLA give up its loop.
    """
    wide = tf.cast(kernel, tf.float32)
    count = -(-kernel.shape[1] // _LONGEST)
    bounds = [kernel.shape[1] * number // count for number in range(count + 1)]

    def term(start: int, end: int) -> tf.Tensor:
        # of the slices beyond the last row nothing is computed: they are empty
        parts = [rows[row : row + 1, start:end] for row in range(MOST_ROWS)]
        return tf.concat(
            [tf.matmul(p, wide[:, start:end], transpose_b=True) for p in parts], axis=0
        )

    return [term(start, end) for start, end in itertools.pairwise(bounds)]
