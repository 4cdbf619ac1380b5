"""GPT-2 in NumPy, straight from the formulas, one row at a time: the reference for our numerics."""

from collections.abc import Mapping

import numpy as np

Variables = Mapping[str, np.ndarray]


def norm(x: np.ndarray, variables: Variables, name: str) -> np.ndarray:
    """Layer norm: (x - mean) / sqrt(variance + 1e-5), scaled and shifted."""
    scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return scaled * variables[f"{name}/g"] + variables[f"{name}/b"]


def affine(x: np.ndarray, variables: Variables, name: str) -> np.ndarray:
    """x w + b."""
    return x @ variables[f"{name}/w"][0] + variables[f"{name}/b"]


def gelu(x: np.ndarray) -> np.ndarray:
    """x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def attend(x: np.ndarray, variables: Variables, name: str, heads: int) -> np.ndarray:
    """softmax(q k^T / sqrt(d)) v for each head, each token seeing those up to itself."""
    query, key, value = np.split(affine(x, variables, f"{name}/c_attn"), 3, axis=-1)
    size = x.shape[-1] // heads
    mixed = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = query[:, part] @ key[:, part].T / np.sqrt(size)
        scores[np.triu_indices(len(x), k=1)] = -np.inf
        exponents = np.exp(scores - scores.max(-1, keepdims=True))
        mixed.append(exponents / exponents.sum(-1, keepdims=True) @ value[:, part])
    return affine(np.concatenate(mixed, axis=-1), variables, f"{name}/c_proj")


def numpy_logits(variables: Variables, heads: int, ids: np.ndarray) -> np.ndarray:
    """Float64 logits [L, V] of one text of ids [L]."""
    exact = {name: value.astype(np.float64) for name, value in variables.items()}
    x = exact["model/wte"][ids] + exact["model/wpe"][: len(ids)]
    layers = sum(name.endswith("ln_1/g") for name in exact)
    for layer in range(layers):
        name = f"model/h{layer}"
        x = x + attend(norm(x, exact, f"{name}/ln_1"), exact, f"{name}/attn", heads)
        hidden = gelu(affine(norm(x, exact, f"{name}/ln_2"), exact, f"{name}/mlp/c_fc"))
        x = x + affine(hidden, exact, f"{name}/mlp/c_proj")
    return norm(x, exact, "model/ln_f") @ exact["model/wte"].T
