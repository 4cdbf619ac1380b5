"""BaseModel: TFX's Importer, on the folder of a checkpoint that was read once.

It comes before all other nodes, so that a checkpoint that cannot be trained is refused before a corpus is read.
"""

from pathlib import Path

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.importer import Importer
from tfx.types.standard_artifacts import Model

from components.declared import Declared
from preprocessing.base import progress
from preprocessing.tokens.vocabulary import load_vocabulary
from trainer.config import model_config
from trainer.options import ModelOptions
from trainer.weights import require_usable


def build(declared: Declared) -> BaseNode:
    """The component of the node. Raises InputError for a checkpoint that the Trainer could not go on from."""
    place = declared.externals["base_model"]
    options = ModelOptions(**declared.section("model"))
    progress.report(phase="read the base model")
    vocabulary = load_vocabulary(declared.externals["vocabulary"])
    require_usable(Path(place), model_config(options, vocabulary.size))
    return Importer(
        source_uri=place,
        artifact_type=Model,
        # Importer matches URI and properties, not content; a launch always wants a new artifact.
        reimport=True,
        output_key="model",
    )
