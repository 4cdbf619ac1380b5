"""Where a graph of generation runs, which is known only when it runs: an export goes to any machine."""

import tensorflow as tf


def is_on_gpu() -> tf.Tensor:
    """Whether the operations of the graph run on a GPU: a bool."""
    return tf.equal(tf.raw_ops.DeviceIndex(device_names=["GPU"]), 0)
