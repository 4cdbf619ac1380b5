"""Packages that a process is kept from importing."""

import importlib
import sys

import pytest

from serving.refused_imports import imports_refused


def test_a_refused_package_is_missing_inside_and_there_after() -> None:
    sys.modules.pop("colorsys", None)
    with pytest.raises(ImportError), imports_refused("colorsys"):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys")


def test_a_package_that_is_there_already_stays() -> None:
    with imports_refused("sys"):
        assert importlib.import_module("sys") is sys
