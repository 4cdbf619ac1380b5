"""What `serving_default` of an export generates with: a small file, so that other values need no training.

A line for each of `GenerationOptions`, its name and its value with a space between (no TensorFlow
here; `trainer.export` reads the file in its graph).
"""

from dataclasses import asdict
from pathlib import Path

from trainer.export_layout import SAMPLING_DEFAULTS
from trainer.options import GenerationOptions


def as_text(options: GenerationOptions) -> str:
    """The content of the file."""
    return "".join(f"{name} {value!r}\n" for name, value in sorted(asdict(options).items()))


def write_sampling_defaults(export: Path, options: GenerationOptions) -> None:
    """Write the file of an export; one that is there is replaced, not written over.

    So a file that is linked from elsewhere stays what it is there.
    """
    path = export / SAMPLING_DEFAULTS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(as_text(options), encoding="utf-8")
