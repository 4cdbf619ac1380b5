"""OpenAI's TF1 checkpoint folders, in and out.

A folder holds `hparams.json` and a TensorFlow checkpoint, `model.ckpt.index` and
`model.ckpt.data-00000-of-00001` (OpenAI's also `model.ckpt.meta`, `checkpoint` and the vocabulary,
which are not read here). The names are those of `config.variable_shapes`.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.config import GPT2Config
from trainer.stored_tensors import (
    INDEX_SUFFIX,
    StoredTensor,
    save_checkpoint,
    tensors_of_checkpoint,
)
from trainer.weights.format import Format, config_from, read_json_object, require_variables

_PREFIX = "model.ckpt"
HPARAMS = "hparams.json"
_HPARAMS_NAMES = {
    "vocabulary_size": "n_vocab",
    "context": "n_ctx",
    "width": "n_embd",
    "heads": "n_head",
    "layers": "n_layer",
}


class OpenAI(Format):
    """An OpenAI checkpoint folder."""

    config_file = HPARAMS
    weights_file = f"{_PREFIX}{INDEX_SUFFIX}"

    def recognises(self, path: Path) -> bool:
        return (path / HPARAMS).is_file()

    def read_config(self, path: Path) -> GPT2Config:
        file = path / HPARAMS
        return config_from(file, read_json_object(file), _HPARAMS_NAMES)

    def stored(self, path: Path) -> AbstractContextManager[Mapping[str, StoredTensor]]:
        return tensors_of_checkpoint(path / _PREFIX)


def write_openai(
    folder: Path, config: GPT2Config, variables: Mapping[str, np.ndarray | tf.Variable]
) -> None:
    """Write a checkpoint folder that OpenAI's own code reads.

    variables: float32 values by the names of `config.variable_shapes`, of which arrays are copied and
        variables are not; ValueError where one is missing, unknown or of another shape.
    """
    require_variables(config, variables)
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint(folder / _PREFIX, {name: variables[name] for name in sorted(variables)})
    state = f'model_checkpoint_path: "{_PREFIX}"\nall_model_checkpoint_paths: "{_PREFIX}"\n'
    (folder / "checkpoint").write_text(state, encoding="utf-8")
    hparams = {theirs: getattr(config, ours) for ours, theirs in _HPARAMS_NAMES.items()}
    (folder / HPARAMS).write_text(json.dumps(hparams, indent=2) + "\n", encoding="utf-8")
