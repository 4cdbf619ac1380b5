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

_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(text_format.Parse(_DESCRIPTION, descriptor_pb2.FileDescriptorProto()))
_Example: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("gpt2_tfx.Example"))

Values = Sequence[bytes] | Sequence[int] | np.ndarray


def encode_example(features: Mapping[str, Values]) -> bytes:
    """The serialised Example with these features; equal features give equal bytes.

    A value is a sequence of bytes, or a sequence or array [n] of integers (int64 on the wire). An empty sequence
    becomes a feature without a kind, an empty array keeps it. Raises TypeError for anything else.
    """
    example = _Example()
    fields = example.features.feature
    for name, values in features.items():
        feature = fields[name]
        if isinstance(values, np.ndarray):
            feature.int64_list.SetInParent()
            feature.int64_list.value.extend(values.tolist())
        elif values and isinstance(values[0], bytes):
            feature.bytes_list.value.extend(values)
        elif values:
            feature.int64_list.value.extend(values)
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
