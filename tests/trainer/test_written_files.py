"""What is said where a file cannot be written, by whatever library."""

import errno
from pathlib import Path

import pytest
import tensorflow as tf
from safetensors import SafetensorError

from preprocessing.base.errors import FailureError
from trainer.stored_tensors import writing

PLACE = Path("folder/ckpt-3")


@pytest.mark.parametrize(
    ("error", "where", "cause"),
    [
        (OSError(errno.EROFS, "Read-only file system", "a/b"), "a/b", "Read-only file system"),
        (OSError("the disk is full"), PLACE, "the disk is full"),
        (
            tf.errors.ResourceExhaustedError(
                None,
                None,
                "{{function_node f}} x/y.data; No space left on device [Op:SaveV2] name: ",
            ),
            PLACE,
            "No space left on device",
        ),
        (
            tf.errors.PermissionDeniedError(None, None, "x/y; Permission denied"),
            PLACE,
            "Permission denied",
        ),
        (
            SafetensorError("Error while serializing: I/O error: File too large (os error 27)"),
            PLACE,
            "File too large",
        ),
    ],
    ids=["read-only", "no number", "TensorFlow, full", "TensorFlow, rights", "safetensors"],
)
def test_it_is_a_line_with_path_cause_and_remedy(
    error: Exception, where: str | Path, cause: str
) -> None:
    with pytest.raises(FailureError) as told, writing("the checkpoint", PLACE):
        raise error
    assert str(told.value) == (
        f"{where}: the checkpoint cannot be written: {cause}. Make room for it, or let its folder be written to, and "
        "do the same again: what is complete is kept."
    )


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]"),
        SafetensorError("a tensor of another type"),
        ValueError("a; b"),
    ],
    ids=["memory", "safetensors", "other"],
)
def test_any_other_error_stays_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), writing("the checkpoint", PLACE):
        raise error
