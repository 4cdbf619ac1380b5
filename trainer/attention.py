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
from trainer.operations import Operations

_ELEMENT_TYPES = {tf.bfloat16: "BF16", tf.float16: "F16"}
# of a score that is not seen: far below any other, and finite in float16 too
_UNSEEN = -30000.0
# more than the places of a model where activations are dropped: each piece draws its own
_PLACES = 4096


def attend_recomputing(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    mask: tf.Tensor,
    operations: Operations,
    place: tf.Tensor | int,
) -> tf.Tensor:
    """As `trainer.operations.attend`, one row after the other, whose probabilities alone exist.

    The backward pass computes them again. Both passes are loops: XLA would find what is computed twice
    outside of one, and keep it.
    """
    pieces = _Pieces(query, mask)

    def attended(number: tf.Tensor, given: list[tf.Tensor]) -> tf.Tensor:
        of_query, of_key, of_value = given
        mask, own_place = pieces.mask(number), place + number * _PLACES
        return plain.attend(of_query, of_key, of_value, mask, operations, own_place)

    @tf.custom_gradient
    def attend(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) -> tuple[tf.Tensor, object]:
        def gradient(upstream: tf.Tensor) -> list[tf.Tensor]:
            def of_piece(number: tf.Tensor, given: list[tf.Tensor]) -> list[tf.Tensor]:
                *given, of_out = given
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(given)
                    out = attended(number, given)
                return tape.gradient(out, given, output_gradients=of_out)

            return pieces.map(of_piece, [query, key, value, upstream], 3)

        def forward(number: tf.Tensor, given: list[tf.Tensor]) -> list[tf.Tensor]:
            return [attended(number, given)]

        return pieces.map(forward, [query, key, value], 1)[0], gradient

    return attend(query, key, value)


class _Pieces:
    """[B, H, L, D] a row at a time, or some heads of the only row.

    mask: bool [B or 1, 1, L, L].
    """

    def __init__(self, like: tf.Tensor, mask: tf.Tensor) -> None:
        self._shape = like.shape
        rows, heads, *rest = like.shape
        share = (
            heads
            if rows > 1
            else max(n for n in range(1, heads + 1) if heads % n == 0 and n < max(heads, 2))
        )
        self._a_row = heads // share
        self._count = rows * self._a_row
        self._stacked = [self._count, 1, share, *rest]
        self._mask = mask

    def mask(self, number: tf.Tensor) -> tf.Tensor:
        """Who sees whom in a piece: bool [1, 1, L, L]."""
        if self._mask.shape[0] == 1:
            return self._mask
        return self._mask[number // self._a_row][tf.newaxis]

    def map(
        self,
        function: Callable[[tf.Tensor, list[tf.Tensor]], list[tf.Tensor]],
        given: list[tf.Tensor],
        results: int,
    ) -> list[tf.Tensor]:
        """What a function of a piece's number and its parts of what is given makes of all of them."""
        stacked = [tf.reshape(tensor, self._stacked) for tensor in given]

        def add(number: tf.Tensor, *arrays: tf.TensorArray) -> tuple[Any, ...]:
            found = function(number, [tensor[number] for tensor in stacked])
            written = [a.write(number, made) for a, made in zip(arrays, found, strict=True)]
            return number + 1, *written

        arrays = [
            tf.TensorArray(given[0].dtype, self._count, element_shape=self._stacked[1:])
            for _ in range(results)
        ]
        start = (tf.constant(0), *arrays)
        _, *arrays = tf.while_loop(
            lambda number, *_: number < self._count, add, start, parallel_iterations=1
        )
        return [tf.reshape(array.stack(), self._shape) for array in arrays]


def attend_flash(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    mask: tf.Tensor,
    operations: Operations,
    place: tf.Tensor | int,
) -> tf.Tensor:
    """As `trainer.operations.attend`, by cuDNN's flash attention (Dao et al. 2022, arXiv:2205.14135).

    For half precision inside a function that XLA compiles for a GPU, without dropout. Who sees whom is
    causal, and within that as the mask says.
    """
    del operations, place  # nothing is dropped
    return _flash(query, key, value, [tf.where(mask, tf.zeros([], query.dtype), _UNSEEN)])


def attend_flash_causal(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    mask: tf.Tensor,
    operations: Operations,
    place: tf.Tensor | int,
) -> tf.Tensor:
    """As `attend_flash`, for rows of one segment: nothing is read of the mask, which is causal."""
    del mask, operations, place
    return _flash(query, key, value, [])


def _flash(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, bias: list[tf.Tensor]) -> tf.Tensor:
    """Causal attention of [B, H, L, D]; bias: of its scores, [B, 1, L, L], or nothing."""
    kind = "ScaleBiasSoftmax" if bias else "Softmax"
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
