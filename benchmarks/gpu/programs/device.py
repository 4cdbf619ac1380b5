"""The device, the versions, and the rate of one large product in half precision."""

import json
import platform
import time

import tensorflow as tf

from benchmarks.gpu.programs.engine import device_of, read_job


def main() -> None:
    """Print what is here."""
    job = read_job()
    device = device_of(job)
    build = tf.sysconfig.get_build_info()
    found = {
        "device": str(device),
        "kind": device.kind,
        "tensorflow": tf.__version__,
        "cuda": build.get("cuda_version"),
        "cudnn": build.get("cudnn_version"),
        "python": platform.python_version(),
        "product_flops_per_second": product_rate(job.get("side", 8192)),
    }
    print(json.dumps(found))


def product_rate(side: int, products: int = 16) -> float:
    """Operations per second of bfloat16 products [side, side] of random numbers, one after the other."""
    start = tf.cast(tf.random.stateless_normal([side, side], [1, 2]), tf.bfloat16)
    factor = tf.cast(tf.random.stateless_normal([side, side], [3, 4]) / side**0.5, tf.bfloat16)

    @tf.function(jit_compile=True, autograph=False)
    def chain(x: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
        for _ in range(products):
            x = tf.matmul(x, factor)
        return x

    seconds = []
    for _ in range(4):
        began = time.perf_counter()
        chain(start, factor)[0, 0].numpy()
        seconds.append(time.perf_counter() - began)
    return products * 2 * side**3 / min(seconds[1:])


if __name__ == "__main__":
    main()
