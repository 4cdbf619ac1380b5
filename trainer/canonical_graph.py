"""Equal models, equal bytes: a SavedModel's graph without the traces of how its process came to it.

TensorFlow numbers a function by how much the process has done before (`while_body_13673`) and
writes functions in the order of a hash table, so the same model exported after 200 steps and after
a resume gives different files. Here functions are numbered in the order in which the graph calls
them, and sorted.
"""

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

_NUMBERED = re.compile(r"(.*)_(\d+)")
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
    renamed, numbers = _numbered_anew(_in_order_of_calls(meta_graph))
    for function in library.function:
        for argument in function.signature.input_arg:
            argument.name = _UNUSED_ARGUMENT.sub(
                lambda match: f"_{numbers.get(match[1], match[1])}", argument.name
            )
        for attributes in function.arg_attr.values():
            if attributes.attr[_USER_NAME].s.isdigit() or not attributes.attr[_USER_NAME].s:
                del attributes.attr[_USER_NAME]
    _rename_strings(meta_graph, renamed)
    functions = sorted(library.function, key=lambda function: function.signature.name)
    del library.function[:]
    library.function.extend(functions)
    # the only map whose keys are functions
    of_objects = meta_graph.object_graph_def.concrete_functions
    moved = {renamed[name]: deepcopy(part) for name, part in of_objects.items()}
    of_objects.clear()
    for name, part in moved.items():
        of_objects[name].CopyFrom(part)


def _in_order_of_calls(meta_graph: Any) -> list[str]:
    """The names of all functions, each where the graph first leads to it, depth first.

    Those that only objects hold come after, in the order of the objects.
    """
    bodies = {
        function.signature.name: function for function in meta_graph.graph_def.library.function
    }
    found: dict[str, None] = {}

    def follow(names: Iterable[str]) -> None:
        for name in names:
            if name in bodies and name not in found:
                found[name] = None
                follow(_called_by(bodies[name].node_def))

    follow(_called_by(meta_graph.graph_def.node))
    for saved in meta_graph.object_graph_def.nodes:
        follow(saved.function.concrete_functions)
    assert len(found) == len(bodies), "a function that nothing leads to has no number"
    return list(found)


def _called_by(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        yield node.op
        for key in sorted(node.attr):
            yield node.attr[key].func.name
            yield from (function.name for function in node.attr[key].list.func)


def _numbered_anew(names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Each name with its number replaced by its place in the list, and each number's place.

    A name without a number stays.
    """
    renamed, numbers = {name: name for name in names}, {}
    for place, name in enumerate(names):
        if match := _NUMBERED.fullmatch(name):
            renamed[name], numbers[match[2]] = f"{match[1]}_{place}", str(place)
    return renamed, numbers


def _rename_strings(message: Any, renamed: dict[str, str]) -> None:
    """Rename every string in a message that is a key of a dictionary, but for keys of maps."""
    for field, value in message.ListFields():
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            if kind.fields_by_name["value"].message_type is not None:
                for part in value.values():
                    _rename_strings(part, renamed)
        elif kind is not None:
            for part in value if field.is_repeated else [value]:
                _rename_strings(part, renamed)
        elif field.type == field.TYPE_STRING:
            if field.is_repeated:
                value[:] = [renamed.get(name, name) for name in value]
            else:
                setattr(message, field.name, renamed.get(value, value))
