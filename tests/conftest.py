"""Fixtures shared by every test."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GENUINE = ROOT.parent / "shared" / "data"


@pytest.fixture
def genuine() -> Path:
    """The folder of small genuine samples, where a checkout has them beside it."""
    if not GENUINE.is_dir():
        pytest.skip(f"no genuine samples at {GENUINE}")
    return GENUINE


@pytest.fixture
def root() -> Path:
    """The root of the checkout."""
    return ROOT
