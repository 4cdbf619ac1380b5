"""The schema that a configuration names is looked at before TFX reads it."""

from pathlib import Path

import pytest

from components.declared import Declared
from components.schema_gen import build
from preprocessing.base.errors import InputError


def declared(schema: Path) -> Declared:
    return Declared(inputs={}, parameters={}, externals={"schema": str(schema)})


def test_a_schema_is_imported(root: Path) -> None:
    component = build(declared(root / "components" / "schemas" / "text.pbtxt"))
    assert component.exec_properties["schema_file"].endswith("text.pbtxt")


@pytest.mark.parametrize("content", [b"\xff\xfe", b'feature { nmae: "text" }', None])
def test_what_is_none_is_refused_with_its_place(tmp_path: Path, content: bytes | None) -> None:
    schema = tmp_path / "schema"
    if content is None:
        schema.mkdir()
    else:
        schema.write_bytes(content)
    with pytest.raises(
        InputError, match=r"^validation\.schema: /.*/schema: not a schema of TensorFlow"
    ):
        build(declared(schema))
