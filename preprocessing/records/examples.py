"""The wire format of `tf.train.Example`, without TensorFlow.

Workers that only read and write records must not pay for TensorFlow's import (5 to 9 seconds and
hundreds of MB each). The messages are described here once more, under a package name and in a
descriptor pool of our own, so that they live beside TensorFlow's in one process. The field
numbers are those of tensorflow/core/example/{example,feature}.proto; they alone make the format.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import DecodeError

# By the kind of a numpy dtype: bool, signed and unsigned integers, floats.
_KIND_OF_DTYPE = {"b": "int64_list", "i": "int64_list", "u": "int64_list", "f": "float_list"}

_DESCRIPTION = """
name: "gpt2_tfx/example.proto" package: "gpt2_tfx" syntax: "proto3"
message_type { name: "BytesList"
  field { name: "value" number: 1 type: TYPE_BYTES label: LABEL_REPEATED } }
message_type { name: "FloatList"
  field { name: "value" number: 1 type: TYPE_FLOAT label: LABEL_REPEATED options { packed: true } } }
message_type { name: "Int64List"
  field { name: "value" number: 1 type: TYPE_INT64 label: LABEL_REPEATED options { packed: true } } }
message_type { name: "Feature" oneof_decl { name: "kind" }
  field { name: "bytes_list" number: 1 type: TYPE_MESSAGE type_name: ".gpt2_tfx.BytesList" oneof_index: 0 }
  field { name: "float_list" number: 2 type: TYPE_MESSAGE type_name: ".gpt2_tfx.FloatList" oneof_index: 0 }
  field { name: "int64_list" number: 3 type: TYPE_MESSAGE type_name: ".gpt2_tfx.Int64List" oneof_index: 0 } }
message_type { name: "Features"
  nested_type { name: "FeatureEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".gpt2_tfx.Feature" } }
  field { name: "feature" number: 1 type: TYPE_MESSAGE type_name: ".gpt2_tfx.Features.FeatureEntry"
    label: LABEL_REPEATED } }
message_type { name: "Example"
  field { name: "features" number: 1 type: TYPE_MESSAGE type_name: ".gpt2_tfx.Features" } }
"""

Values = Sequence[bytes] | Sequence[int] | Sequence[float] | np.ndarray


def encode_example(features: Mapping[str, Values]) -> bytes:
    """The serialised Example with these features; equal features give equal bytes.

    A value is a sequence (or 1-D array) of bytes, of integers (int64 on the wire) or of floats
    (float32 on the wire). An empty sequence becomes a feature without a kind, an empty numpy array
    of numbers keeps its kind. Raises TypeError for other elements, ValueError for other shapes.
    """
    example = _Example()
    fields = example.features.feature
    for name, values in features.items():
        feature = fields[name]
        kind = _kind(name, values)
        if kind is not None:
            value_list = getattr(feature, kind)
            value_list.SetInParent()
            value_list.value.extend(values.tolist() if isinstance(values, np.ndarray) else values)
    return example.SerializeToString(deterministic=True)


def decode_example(data: bytes) -> dict[str, list[Any]]:
    """The features of a serialised Example by name, each a list of bytes, ints or floats.

    Raises ValueError if `data` is not an Example.
    """
    example = _Example()
    try:
        example.ParseFromString(data)
    except DecodeError as error:
        raise ValueError(f"{len(data)} bytes are not a tf.train.Example: {error}") from error
    features = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        features[name] = list(getattr(feature, kind).value) if kind else []
    return features


def _kind(name: str, values: Values) -> str | None:
    """The field of the Feature message that holds `values`, None where nothing tells."""
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ValueError(f"feature {name!r} must be 1-D, got shape {values.shape}")
        if values.dtype.kind in _KIND_OF_DTYPE:
            return _KIND_OF_DTYPE[values.dtype.kind]
    if len(values) == 0:
        return None
    sample = values[0]
    if isinstance(sample, bytes):
        return "bytes_list"
    if isinstance(sample, int | np.integer):
        return "int64_list"
    if isinstance(sample, float | np.floating):
        return "float_list"
    raise TypeError(f"feature {name!r} must hold bytes, ints or floats, got {sample!r}")


def _make_example_class() -> Any:
    """The Example message class, made in a pool that shares nothing with the default one."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(_DESCRIPTION, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("gpt2_tfx.Example"))


_Example = _make_example_class()
