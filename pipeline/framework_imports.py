"""What is arranged before TensorFlow and TFX are imported, so that they come without what nothing here uses."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec

from trainer.host_memory import let_gpu_memory_grow

# Their own __init__ imports all that they have: every stock component with KerasTuner and Kubernetes' client, every
# metric with NLTK and scikit-learn. TFX's launcher wants a constant of the one and a message of the other.
_IN_PARTS = ("tensorflow_model_analysis", "tfx.components")


def quiet_tensorflow() -> None:
    """Keep TensorFlow's start short, its C++ lines down (errors still reach the node's log), and Keras 3 out.

    And a GPU's memory free for others, where it is not needed.

    TensorFlow imports a Keras when it is imported, of which nothing here is used. The third one has IPython, Matplotlib
    and scikit-learn in tow: 2 s and 90 MB more than the second.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    let_gpu_memory_grow()


def take_tfx_in_parts() -> None:
    """Let this process import the modules of TFX's components one by one; a package that is imported whole stays so.

    `from tfx.components import Trainer` fails afterwards, `from tfx.components.trainer.component import Trainer` does
    not.
    """
    for name in _IN_PARTS:
        if name in sys.modules:
            continue
        parent = name.rpartition(".")[0]
        found = find_spec(parent) if parent else None
        spec = PathFinder.find_spec(name, found.submodule_search_locations if found else None)
        assert spec is not None, name
        sys.modules[name] = module_from_spec(spec)


@contextmanager
def tensorflow_left_out() -> Iterator[None]:
    """What is imported inside takes TensorFlow for not installed, unless this process has it already.

    TFX's compiler and launcher ask for it, for documentation and for files in the cloud, and go without it: TFX ships
    as an SDK of which it is no part. Importing it takes 2 s, and corpus, tokens and versions are made without it.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    # So Python notes a module that is not to be found.
    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["tensorflow"]
