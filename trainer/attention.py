"""Attention that does not keep its probabilities [B, H, L, L] for the backward pass.

`trainer.operations.attend` has TensorFlow keep them: 25 MB a row of 1,024 tokens and layer of 124M in
half precision. The two functions here are for steps that XLA compiles.
"""

import json
import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from trainer import operations as plain
from trainer.operations import Dropout, keep_all

_ELEMENT_TYPES = {tf.bfloat16: "BF16", tf.float16: "F16"}
# of a score that is not seen: far below any other, and finite in float16 too
_UNSEEN = -30000.0
# more than the places of a model where activations are dropped: each piece draws its own
_PLACES = 4096


def attend_recomputing(
    query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, mask: tf.Tensor, drop: Dropout
) -> tf.Tensor:
    """As `trainer.operations.attend`, one row after the other, whose probabilities alone exist.

    The backward pass computes them again. Both passes are loops: XLA would find what is computed twice
    outside of one, and keep it.
    """
    batch, heads, *rest = query.shape
    # a row at a time, or some heads of the only row
    share = heads if batch > 1 else _half(heads)
    a_row = heads // share

    def in_pieces(function: Callable[..., Any], results: int, *given: tf.Tensor) -> list[tf.Tensor]:
        """What a function of a piece's number and of its parts makes of all pieces."""
        stacked = [tf.reshape(tensor, [batch * a_row, 1, share, *rest]) for tensor in given]
        made = tf.map_fn(
            lambda piece: function(*piece),
            (tf.range(batch * a_row), *stacked),
            fn_output_signature=[tf.TensorSpec([1, share, *rest], query.dtype)] * results,
            parallel_iterations=1,
        )
        return [tf.reshape(tensor, query.shape) for tensor in made]

    def attended(
        number: tf.Tensor, query: tf.Tensor, key: tf.Tensor, value: tf.Tensor
    ) -> list[tf.Tensor]:
        seen = mask if mask.shape[0] == 1 else mask[number // a_row][tf.newaxis]

        def drop_piece(x: tf.Tensor, place: tf.Tensor | int) -> tf.Tensor:
            return drop(x, place + number * _PLACES)

        return [plain.attend(query, key, value, seen, drop_piece)]

    def gradients(number: tf.Tensor, *given: tf.Tensor) -> list[tf.Tensor]:
        *inputs, of_out = given
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            (out,) = attended(number, *inputs)
        return tape.gradient(out, inputs, output_gradients=of_out)

    @tf.custom_gradient
    def attend(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) -> tuple[tf.Tensor, object]:
        def gradient(upstream: tf.Tensor) -> list[tf.Tensor]:
            return in_pieces(gradients, 3, query, key, value, upstream)

        return in_pieces(attended, 1, query, key, value)[0], gradient

    return attend(query, key, value)


def _half(heads: int) -> int:
    """The most of the heads that are half of them or fewer and divide them; 1 of 1."""
    return next(n for n in range(max(heads // 2, 1), 0, -1) if heads % n == 0)


def attend_flash(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    mask: tf.Tensor,
    drop: Dropout,
    *,
    one_segment: bool = False,
) -> tf.Tensor:
    """As `trainer.operations.attend`, by cuDNN's flash attention (Dao et al. 2022, arXiv:2205.14135).

    For half precision inside a function that XLA compiles for a GPU, without dropout. Who sees whom is
    causal, and within that as the mask says; with one_segment, of rows of one segment, it is not read.
    """
    assert drop is keep_all
    bias = [] if one_segment else [tf.where(mask, tf.zeros([], query.dtype), _UNSEEN)]
    kind = "Softmax" if one_segment else "ScaleBiasSoftmax"
    batch, heads, length, _ = query.shape
    statistics = (tf.float32, [batch, heads, length])
    workspace = (tf.uint8, [0])
    one = (query.dtype, list(query.shape))

    @tf.custom_gradient
    def attended(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) -> tuple[tf.Tensor, object]:
        out, sums, _ = _cudnn(
            f"__cudnn$fmha{kind}",
            [query, key, value, *bias],
            _backend_config(query, _FORWARD_PRODUCTS),
            [one, statistics, workspace],
        )

        def gradient(upstream: tf.Tensor) -> list[tf.Tensor]:
            *gradients, _ = _cudnn(
                f"__cudnn$fmha{kind}Backward",
                [query, key, value, sums, upstream, *bias, out],
                _backend_config(query, _BACKWARD_PRODUCTS),
                [one, one, one, workspace],
            )
            return gradients

        return out, gradient

    return attended(query, key, value)


def _cudnn(
    target: str,
    operands: list[tf.Tensor],
    backend_config: str,
    results: list[tuple[tf.DType, list[int]]],
) -> list[tf.Tensor]:
    """A call that XLA makes a cuDNN graph of; its operands and results lie in the order of their axes."""
    return gen_xla_ops.xla_custom_call_v2(
        operands,
        call_target_name=target,
        backend_config=backend_config,
        has_side_effect=False,
        result_dtypes=[dtype for dtype, _ in results],
        result_shapes=[shape for _, shape in results],
    )


# Products by name: the contracted axis of each side, and both sides' batch axes, which are the first two.
_FORWARD_PRODUCTS = {"bmm1": (3, 3), "bmm2": (3, 2)}
_BACKWARD_PRODUCTS = {
    "bmm1_grad_gemm1": (2, 2),
    "bmm1_grad_gemm2": (3, 2),
    "bmm2_grad_gemm1": (2, 2),
    "bmm2_grad_gemm2": (3, 3),
}


def _backend_config(query: tf.Tensor, products: dict[str, tuple[int, int]]) -> str:
    """What XLA reads of a call (`CudnnfMHABackendConfig` of its `backend_configs.proto`), as JSON."""
    batch, heads, length, width = query.shape
    config = {
        "algorithm": {
            "algo_id": "0",
            "math_type": "TENSOR_OP_MATH",
            "tuning_knobs": {"17": "1", "24": "0"},
            "is_cudnn_frontend": True,
            "workspace_size": "0",
        },
        "fmha_scale": 1 / math.sqrt(width),
        "intermediate_tensor_shape": {
            "element_type": _ELEMENT_TYPES[query.dtype],
            "dimensions": [str(n) for n in (batch, heads, length, length)],
            "layout": {"minor_to_major": ["3", "2", "1", "0"]},
            "is_dynamic_dimension": [False] * 4,
        },
        "is_flash_attention": True,
        "mask_type": "CAUSAL",
        "dropout_rate": 0.0,
        "seed": 42,
        "sliding_window_length": 0,
        "max_seg_per_batch": 1,
        "is_paged_attention": False,
    }
    for name, (left, right) in products.items():
        config[f"{name}_dot_dimension_numbers"] = {
            "lhs_contracting_dimensions": [str(left)],
            "rhs_contracting_dimensions": [str(right)],
            "lhs_batch_dimensions": ["0", "1"],
            "rhs_batch_dimensions": ["0", "1"],
        }
    return json.dumps({"operation_queue_id": "0", "cudnn_fmha_backend_config": config})
