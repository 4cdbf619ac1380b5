"""What is arranged before TensorFlow and TFX are imported, so that they come without what nothing here uses."""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType

from trainer.host_memory import let_gpu_memory_grow

# Their own __init__ imports all that they have: every stock component with KerasTuner and Kubernetes' client, every
# metric with NLTK and scikit-learn. TFX's launcher wants a constant of the one and a message of the other.
_IN_PARTS = ("tensorflow_model_analysis", "tfx.components")


def quiet_tensorflow() -> None:
    """Keep TensorFlow's start short, its C++ lines down (errors still reach the node's log), and Keras out.

    And a GPU's memory free for others, where it is not needed.

    TensorFlow imports a Keras when it is imported, if it finds one, of which nothing here is used. The second one takes
    0.4 s and 29 MB; the third has IPython, Matplotlib and scikit-learn in tow, 2 s and 90 MB more.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    # So Python notes a module that is not to be found.
    sys.modules.setdefault("tf_keras", None)  # type: ignore[arg-type]
    # TensorFlow Text has layers of it beside the operations that are used here.
    layers = "tensorflow_text.python.keras"
    sys.modules.setdefault(layers, ModuleType(layers))
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
