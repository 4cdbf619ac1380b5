"""The `.h5` files of gpt-tf2: read bit for bit, and every way in which one can be wrong."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from preprocessing.base.errors import InputError
from tests.trainer.random_models import SMALL, random_model
from tests.trainer.weights.keras_files import Layers, layers_of, write_keras_file
from trainer.weights import read_config, read_weights

NAME = "Encode-1-MultiHeadAtt"


def values() -> dict[str, np.ndarray]:
    return {name: v.numpy() for name, v in random_model(SMALL, seed=4).by_name.items()}


@pytest.fixture
def layers() -> Layers:
    """The small model's layers."""
    return layers_of(SMALL, values())


@pytest.fixture
def path(tmp_path: Path, layers: Layers) -> Path:
    """A file of the small model."""
    write_keras_file(tmp_path / "cnndm.h5", layers, SMALL.heads)
    return tmp_path / "cnndm.h5"


def assert_whole(path: Path) -> None:
    config, found = read_weights(path)
    assert config == SMALL
    expected = values()
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_every_weight_is_read_bit_for_bit(path: Path) -> None:
    assert_whole(path)


def test_every_wrong_name_shape_and_type_is_listed_at_once(tmp_path: Path, layers: Layers) -> None:
    attention = layers[NAME]
    del attention[f"{NAME}_bk"]
    attention[f"{NAME}_Wq"] = attention[f"{NAME}_Wq"][:, :16]
    attention[f"{NAME}_extra"] = np.zeros([3], np.float32)
    layers["Norm"]["beta"] = layers["Norm"]["beta"].astype(np.float64)
    write_keras_file(tmp_path / "x.h5", layers, SMALL.heads)
    with pytest.raises(InputError) as caught:
        read_weights(tmp_path / "x.h5")
    text = str(caught.value)
    assert "x.h5" in text
    assert f"{NAME}/{NAME}_bk: expected shape [32], found none" in text
    assert f"{NAME}/{NAME}_Wq: expected shape [32, 32], found [32, 16]" in text
    assert f"{NAME}/{NAME}_extra: not known here, found [3]" in text
    assert "Norm/beta: expected float32, found float64" in text


def test_a_missing_block_is_noticed(tmp_path: Path, layers: Layers) -> None:
    kept = {name: w for name, w in layers.items() if name != "Encode-0-FeedForward"}
    write_keras_file(tmp_path / "x.h5", kept, SMALL.heads)
    with pytest.raises(InputError, match=r"Encode-0-FeedForward_W1: expected shape .* found none"):
        read_weights(tmp_path / "x.h5")


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_noticed(path: Path, kept: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match=r"cnndm\.h5: truncated or damaged .*again"):
        read_config(path)


def test_a_file_of_weights_alone_does_not_say_its_heads(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file.attrs["model_config"]
    with pytest.raises(InputError, match=r"cnndm\.h5: model_config .*head_num"):
        read_config(path)


def test_heads_must_share_the_width(tmp_path: Path, layers: Layers) -> None:
    write_keras_file(tmp_path / "x.h5", layers, heads=5)
    with pytest.raises(InputError, match=r"x\.h5: .*not a multiple of heads 5"):
        read_config(tmp_path / "x.h5")


def test_another_model_is_refused(tmp_path: Path) -> None:
    write_keras_file(tmp_path / "x.h5", {"dense": {"kernel": np.ones([2, 3], np.float32)}}, heads=1)
    with pytest.raises(InputError, match=r"Embed-Token/embeddings: expected .* found none"):
        read_config(tmp_path / "x.h5")
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file["numbers"] = [1, 2]
    with pytest.raises(InputError, match=r"y\.h5: not a model that Keras 2 saved whole"):
        read_config(tmp_path / "y.h5")
