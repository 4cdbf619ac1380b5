"""The operations of TensorFlow Text that an exported model's tokenizer consists of."""

import importlib.util
from pathlib import Path

_LIBRARY = Path("python", "ops", "_sentencepiece_tokenizer.so")


def load_tokenizer_operations() -> None:
    """Register what a SavedModel with an `InGraphTokenizer` needs before it is loaded.

    Importing `tensorflow_text` does it too, and loads 21 other libraries, 110 MB.
    """
    import tensorflow as tf

    package = importlib.util.find_spec("tensorflow_text")
    assert package is not None
    assert package.origin is not None
    tf.load_op_library(str(Path(package.origin).parent / _LIBRARY))
