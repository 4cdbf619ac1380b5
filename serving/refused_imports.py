"""Packages that a process need not import."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def imports_refused(*packages: str) -> Iterator[None]:
    """Have imports of these packages fail inside, except of one that is there already.

    For optional imports: TensorFlow brings Keras, which takes pandas and SciPy where it finds them,
    88 MB and 0.7 s.
    """
    refused = [package for package in packages if package not in sys.modules]
    for package in refused:
        sys.modules[package] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        yield
    finally:
        for package in refused:
            del sys.modules[package]
