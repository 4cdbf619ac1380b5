"""Products of a few rows with a big matrix: a step of generation, which reads every weight.

All of 1 to 8 rows cost the same, and each row adds up in one order, whatever is beside it. Which operand a
kernel [out, in] should be depends on the processor: for AMX TensorFlow arranges the right one anew for every
product, which takes longer than reading it, and the left one is read as it lies; with vector
instructions for bfloat16 it is the left one that is slow.
"""

import tensorflow as tf

from trainer.device import processor_flags
from trainer.operations import product

# One row alone takes a vector's kernel, which adds up in another order. Products of 2 to 8 rows give
# each row the same bits in float32 and bfloat16, at the widths 768 to 1600, on AMX and AVX-512.
FEWEST_ROWS, MOST_ROWS = 2, 8


def product_of_few_rows(
    rows: tf.Tensor, kernel: tf.Tensor, kernel_first: tf.Tensor | bool = False
) -> tf.Tensor:
    """Rows [R, in] times a dense kernel, [1, in, out] or [out, in]: [R, out].

    kernel_first: bool, whether a kernel [out, in] is the left operand.
    A row has the same bits for any R up to MOST_ROWS, on a processor with oneDNN.
    """
    count = tf.shape(rows)[0]
    filled = tf.pad(rows, [[0, tf.maximum(FEWEST_ROWS - count, 0)], [0, 0]])
    if kernel.shape.rank == 3:
        return product(filled, kernel)[:count]
    return tf.cond(
        tf.convert_to_tensor(kernel_first),
        lambda: tf.transpose(tf.matmul(kernel, filled, transpose_b=True)),
        lambda: product(filled, kernel),
    )[:count]


def takes_kernel_first() -> bool:
    """Whether this machine's processor is faster where the kernel is the left operand."""
    return "amx_bf16" in processor_flags()
