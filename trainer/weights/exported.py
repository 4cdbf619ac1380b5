"""Our own exported SavedModel: its variables, and the shape in its metadata."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preprocessing.base.errors import InputError
from trainer.config import GPT2Config
from trainer.export_layout import EXACT_WEIGHTS, METADATA_FILE
from trainer.stored_tensors import INDEX_SUFFIX, StoredTensor, tensors_of_checkpoint
from trainer.weights.format import Format, read_json_object

# where the SavedModel has the variables; TensorFlow writes a slash inside a name as `.S`
_BY_NAME, _VALUE = "model/by_name/", "/.ATTRIBUTES/VARIABLE_VALUE"


class Exported(Format):
    """An export of a model of ours."""

    config_file = str(METADATA_FILE)
    weights_file = ""

    def recognises(self, path: Path) -> bool:
        return (path / "saved_model.pb").is_file()

    def read_config(self, path: Path) -> GPT2Config:
        metadata = read_metadata(path)
        try:
            return GPT2Config(**metadata["config"])
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{path / METADATA_FILE}: config is {metadata.get('config')!r}, which is no shape of a "
                "GPT-2; load a model that `gpt2-tfx` exported"
            ) from error

    @contextmanager
    def stored(self, path: Path) -> Iterator[dict[str, StoredTensor]]:
        exact = path / EXACT_WEIGHTS
        is_exact = exact.with_name(f"{exact.name}{INDEX_SUFFIX}").is_file()
        prefix = exact if is_exact else path / "variables" / "variables"
        with tensors_of_checkpoint(prefix) as found:
            names = {key: _variable_of(key) for key in found}
            yield {name: found[key] for key, name in names.items() if name}
            for key, name in names.items():
                if not name:
                    found[key].value()  # not used, but a cut file never loads


def _variable_of(key: str) -> str | None:
    """The variable that a checkpoint of an export holds by a key; None for the tokenizer's and texts."""
    if key.startswith(_BY_NAME):
        return key.removeprefix(_BY_NAME).removesuffix(_VALUE).replace(".S", "/")
    return key if key.startswith("model/") else None


def read_metadata(path: Path) -> dict[str, Any]:
    """What the export says of itself; InputError where it was not made by this project."""
    return read_json_object(path / METADATA_FILE, "load a model that `gpt2-tfx` exported")
