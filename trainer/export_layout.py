"""What an export consists of: its signatures, and the files beside the SavedModel's own."""

from pathlib import Path

SIGNATURES = (
    "serving_default",
    "generate",
    "start",
    "step",
    "join",
    "keep",
    "score",
    "score_rows",
    "tokenize",
)
METADATA_FILE = Path("assets.extra") / "gpt2.json"
# an asset of the SavedModel, as `trainer.sampling_defaults` writes it
SAMPLING_DEFAULTS = Path("assets") / "sampling_defaults.txt"
# prefix of a checkpoint: variables by name, as `trainer.variable_files` writes them
EXACT_WEIGHTS = Path("assets.extra") / "float32"
