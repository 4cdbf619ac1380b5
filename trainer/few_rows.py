"""Products of a few rows with a big matrix: a step of generation, which reads every weight.

A kernel [out, in] is the left operand, so that it is read as it lies; as the right one TensorFlow's
kernels arrange it anew for every product, which takes longer than reading it. So all of 1 to 8 rows
cost the same, and each row adds up in one order, whatever is beside it.
"""

import tensorflow as tf

from trainer.operations import Operations, product

# One row alone takes a vector's kernel, which adds up in another order. Products of 2 to 8 rows give
# each row the same bits in float32 and bfloat16, at the widths 768 to 1600, on AMX and AVX-512.
FEWEST_ROWS, MOST_ROWS = 2, 8


def product_of_few_rows(rows: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Rows [R, in] times a dense kernel, [1, in, out] or [out, in]: [R, out].

    A row has the same bits for any R up to MOST_ROWS, on a processor with oneDNN.
    """
    count = tf.shape(rows)[0]
    filled = tf.pad(rows, [[0, tf.maximum(FEWEST_ROWS - count, 0)], [0, 0]])
    if kernel.shape.rank == 3:
        return product(filled, kernel)[:count]
    return tf.transpose(tf.matmul(kernel, filled, transpose_b=True))[:count]


OF_FEW_ROWS = Operations(multiply=product_of_few_rows)
