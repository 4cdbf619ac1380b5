"""What an export consists of: its signatures, and the files beside the SavedModel's own (no TensorFlow here)."""

from dataclasses import asdict
from pathlib import Path

from preprocessing.base.errors import InputError
from trainer.options import GenerationOptions

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
# prefix of a checkpoint: variables by name, as `trainer.variable_files` writes them
EXACT_WEIGHTS = Path("assets.extra") / "float32"
# an asset of the SavedModel, which `serving_default` reads in its graph: other values need no training
SAMPLING_DEFAULTS = Path("assets") / "sampling_defaults.txt"


def defaults_as_text(options: GenerationOptions) -> str:
    """The content of the file of sampling defaults: a line for each, its name, a space, its value."""
    return "".join(f"{name} {value!r}\n" for name, value in sorted(asdict(options).items()))


def write_sampling_defaults(export: Path, options: GenerationOptions) -> None:
    """Write the file of an export; one that is there is replaced, not written over.

    So a file that is linked from elsewhere stays what it is there.
    """
    path = export / SAMPLING_DEFAULTS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(defaults_as_text(options), encoding="utf-8")


def read_sampling_defaults(export: Path) -> GenerationOptions:
    """What the file of an export says. Raises InputError where it is missing or damaged."""
    path = export / SAMPLING_DEFAULTS
    kinds = {name: type(value) for name, value in asdict(GenerationOptions()).items()}
    try:
        found = dict(line.split(" ") for line in path.read_text(encoding="utf-8").splitlines())
        return GenerationOptions(**{name: kind(found[name]) for name, kind in kinds.items()})
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: missing or damaged ({error}); export the model again") from error
