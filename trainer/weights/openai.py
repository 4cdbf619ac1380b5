"""OpenAI's TF1 checkpoint folders, in and out.

A folder holds `hparams.json` and a TensorFlow checkpoint, `model.ckpt.index` and
`model.ckpt.data-00000-of-00001` (OpenAI's also `model.ckpt.meta`, `checkpoint` and the vocabulary,
which are not read here). The names are those of `gpt2.variable_shapes`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.config import GPT2Config, variable_shapes
from trainer.weights import tf_checkpoint
from trainer.weights.checking import config_from, read_json_object, shape_faults

PREFIX = "model.ckpt"
HPARAMS = "hparams.json"
HPARAMS_NAMES = {
    "vocabulary_size": "n_vocab",
    "context": "n_ctx",
    "width": "n_embd",
    "heads": "n_head",
    "layers": "n_layer",
}


def recognises(path: Path) -> bool:
    """Whether a path looks like an OpenAI checkpoint."""
    return (path / HPARAMS).is_file()


def read_config(path: Path) -> GPT2Config:
    """The config in a checkpoint folder's `hparams.json`; InputError where it has none."""
    file = path / HPARAMS
    holds = f"{HPARAMS}, {PREFIX}.index and {PREFIX}.data-00000-of-00001"
    content = read_json_object(file, f"an OpenAI checkpoint folder holds {holds}")
    return config_from(file, content, HPARAMS_NAMES)


def tensors(path: Path, config: GPT2Config) -> Iterator[tuple[str, np.ndarray]]:
    """Name and value of every variable, as `weights.Format` says."""
    keys = {name: name for name in variable_shapes(config)}
    return tf_checkpoint.read(path / PREFIX, config, HPARAMS, keys)


def write_openai(
    folder: Path, config: GPT2Config, variables: Mapping[str, np.ndarray | tf.Variable]
) -> None:
    """Write a checkpoint folder that OpenAI's own code reads.

    variables: float32 values by the names of `gpt2.variable_shapes`, of which arrays are copied and
        variables are not; ValueError where one is missing, unknown or of another shape.
    """
    found = {name: tuple(value.shape) for name, value in variables.items()}
    if faults := shape_faults(found, variable_shapes(config)):
        raise ValueError("\n".join(faults))
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(variables)
    tf.raw_ops.SaveV2(
        prefix=str(folder / PREFIX),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.convert_to_tensor(variables[name], tf.float32) for name in names],
    )
    state = f'model_checkpoint_path: "{PREFIX}"\nall_model_checkpoint_paths: "{PREFIX}"\n'
    (folder / "checkpoint").write_text(state, encoding="utf-8")
    hparams = {theirs: getattr(config, ours) for ours, theirs in HPARAMS_NAMES.items()}
    (folder / HPARAMS).write_text(json.dumps(hparams, indent=2) + "\n", encoding="utf-8")
