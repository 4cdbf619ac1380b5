"""A model at work in the command's own process: what its libraries print is set aside, what they warn of is told."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.node_process import output_set_aside


@contextmanager
def warnings_told() -> Iterator[None]:
    """A context whose warnings for users are told at its end, each once."""
    with warnings.catch_warnings(record=True) as caught, output_set_aside():
        warnings.simplefilter("always")
        yield
    for warning in {str(warning.message) for warning in caught if warning.category is UserWarning}:
        print(f"gpt2-tfx: {warning}", file=sys.stderr)
