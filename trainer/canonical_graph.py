"""Equal models, equal bytes: a SavedModel's graph without the traces of how its process came to it.

TensorFlow numbers a function by how much the process has done before (`while_body_13673`) and
writes functions in the order of a hash table, so the same model exported after 200 steps and after
a resume gives different files. Here functions are numbered in the order in which the graph calls
them, and sorted.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

_NUMBERED = re.compile(r"(.*)_(\d+)")
# attributes that only say how the graph was traced: a gradient's registry key, and the name of
# its counterpart
_TRACES = ("_gradient_op_type", "forward_function_name", "backward_function_name")
_USER_NAME = "_user_specified_name"  # of an argument; that of a captured variable is a number
# an argument that a loop's condition does not use is named after the function:
# while_cond_13673___re...
_UNUSED_ARGUMENT = re.compile(r"_(\d+)(?=___redundant_placeholder)")


def make_canonical(folder: Path) -> None:
    """Rewrite the `saved_model.pb` of a folder in its canonical form.

    `fingerprint.pb` goes: it holds a random number, and describes the file as it was.
    """
    path = folder / "saved_model.pb"
    saved_model = SavedModel()
    saved_model.ParseFromString(path.read_bytes())
    for meta_graph in saved_model.meta_graphs:
        _rename_functions(meta_graph)
    path.write_bytes(saved_model.SerializeToString(deterministic=True))
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def _rename_functions(meta_graph: Any) -> None:
    """Number the functions of a MetaGraphDef in the order of calls, wherever their names stand."""
    library = meta_graph.graph_def.library
    renamed = _numbered_anew(_in_order_of_calls(meta_graph))

    numbers = {_number(old): _number(new) for old, new in renamed.items()}

    for function in library.function:
        function.signature.name = renamed[function.signature.name]
        for argument in function.signature.input_arg:
            argument.name = _UNUSED_ARGUMENT.sub(
                lambda match: f"_{numbers.get(match[1], match[1])}", argument.name
            )
        for attributes in function.arg_attr.values():
            if attributes.attr[_USER_NAME].s.isdigit() or not attributes.attr[_USER_NAME].s:
                del attributes.attr[_USER_NAME]
        _rename_in_attributes(function.attr, renamed)
        for node in function.node_def:
            _rename_in_node(node, renamed)
    for node in meta_graph.graph_def.node:
        _rename_in_node(node, renamed)
    for gradient in library.gradient:
        gradient.function_name = renamed[gradient.function_name]
        gradient.gradient_func = renamed[gradient.gradient_func]
    functions = sorted(library.function, key=lambda function: function.signature.name)
    del library.function[:]
    library.function.extend(functions)

    _rename_keys(meta_graph.meta_info_def.function_aliases, renamed)
    objects = meta_graph.object_graph_def
    _rename_message_keys(objects.concrete_functions, renamed)
    for saved in objects.nodes:
        if saved.HasField("function"):
            names = [renamed[name] for name in saved.function.concrete_functions]
            saved.function.concrete_functions[:] = names
        elif saved.HasField("bare_concrete_function"):
            bare = saved.bare_concrete_function
            bare.concrete_function_name = renamed[bare.concrete_function_name]


def _in_order_of_calls(meta_graph: Any) -> list[str]:
    """The names of all functions, each where the graph first leads to it, depth first.

    Those that only objects hold come after, in the order of the objects, and at last those that
    nothing names.
    """
    bodies = {
        function.signature.name: function for function in meta_graph.graph_def.library.function
    }
    found: dict[str, None] = {}

    def follow(names: Iterable[str]) -> None:
        for name in names:
            if name in bodies and name not in found:
                found[name] = None
                function = bodies[name]
                follow(_called_in_attributes(function.attr))
                follow(_called_by(function.node_def))

    follow(_called_by(meta_graph.graph_def.node))
    for saved in meta_graph.object_graph_def.nodes:
        follow(saved.function.concrete_functions)
        follow([saved.bare_concrete_function.concrete_function_name])
    follow(sorted(bodies, key=lambda name: (len(name), name)))
    return list(found)


def _called_by(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        yield node.op
        yield from _called_in_attributes(node.attr)


def _called_in_attributes(attributes: Any) -> Iterator[str]:
    """The functions that attributes name, but for the traces."""
    for key in sorted(attributes):
        if key not in _TRACES:
            value = attributes[key]
            yield value.func.name
            yield from (function.name for function in value.list.func)


def _numbered_anew(names: list[str]) -> dict[str, str]:
    """Each name with its number replaced by its place in the list; a name without one stays."""
    numbered = ((place, name, _NUMBERED.fullmatch(name)) for place, name in enumerate(names))
    return {name: f"{match[1]}_{place}" if match else name for place, name, match in numbered}


def _number(name: str) -> str:
    """The number at the end of a function's name; the name itself where it has none."""
    match = _NUMBERED.fullmatch(name)
    return match[2] if match else name


def _rename_in_node(node: Any, renamed: dict[str, str]) -> None:
    """Rename what a NodeDef calls."""
    node.op = renamed.get(node.op, node.op)
    _rename_in_attributes(node.attr, renamed)


def _rename_in_attributes(attributes: Any, renamed: dict[str, str]) -> None:
    """Rename the functions among the attributes of a node or function, and drop the traces."""
    for name in _TRACES:
        if name in attributes:
            del attributes[name]
    for value in attributes.values():
        if value.HasField("func"):
            value.func.name = renamed.get(value.func.name, value.func.name)
        elif value.HasField("list"):
            for function in value.list.func:
                function.name = renamed.get(function.name, function.name)


def _rename_keys(mapping: Any, renamed: dict[str, str]) -> None:
    """Rename the keys of a protobuf map with plain values."""
    for name in list(mapping):
        value = mapping[name]
        del mapping[name]
        mapping[renamed.get(name, name)] = value


def _rename_message_keys(mapping: Any, renamed: dict[str, str]) -> None:
    """Rename the keys of a protobuf map with messages, which cannot be assigned but copied."""
    messages = {
        name: type(message).FromString(message.SerializeToString())
        for name, message in mapping.items()
    }
    mapping.clear()
    for name, message in messages.items():
        mapping[renamed.get(name, name)].CopyFrom(message)
