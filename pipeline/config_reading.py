"""Reading `pipeline.yaml` into its dataclasses; every fault of it is reported together."""

import dataclasses
import difflib
import reprlib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from pipeline.config import Config, LoadedConfig
from pipeline.config_values import impossible_values
from pipeline.key_places import KeyPlaces
from pipeline.yaml_lines import UNREADABLE, LinedDocument, read_lined_yaml
from preprocessing.base.errors import InputError
from preprocessing.base.utf8 import printable
from preprocessing.readers.file_names import split_pattern


def load_config(
    path: Path,
    overrides: Sequence[str] = (),
    missing: Callable[[LoadedConfig], Iterable[tuple[str, str]]] = lambda loaded: (),
) -> LoadedConfig:
    """Read a configuration file and apply `--set a.b=value` overrides.

    missing: gives (dotted key, message) for what the caller needs and the configuration does not give, such as paths.
    Raises InputError with that and every unknown key, wrong type and impossible value, each with its key path and line.
    """
    try:
        if path.exists() and not path.is_file():
            # A pipe is read once, and has no folder where relative paths start.
            raise InputError(f"{path}: cannot be read as a file. Name one with --config FILE.")
        document = read_lined_yaml(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such configuration file. Name one with --config FILE."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    faults = _Faults()
    document = _apply_overrides(document, overrides, faults)
    faults.places = document.places
    config = _build(Config, document.values, "", faults)
    loaded = _with_text_files(LoadedConfig(config, path.absolute().parent, tuple(overrides)))
    for key, message in (*impossible_values(loaded), *missing(loaded)):
        if key not in faults.keys:
            faults.add(key, message)
    if faults.messages:
        raise InputError(*faults.messages)
    return loaded


@dataclass
class _Faults:
    """What is wrong, in the order it was found, and which keys have it."""

    places: KeyPlaces = field(default_factory=KeyPlaces)
    messages: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def add(self, key: str, message: str) -> None:
        """A section is faulty where one of its keys is."""
        self.messages.append(f"{self.places.where(key)}: {message}")
        self.keys |= {key, key.partition(".")[0]}


def _with_text_files(loaded: LoadedConfig) -> LoadedConfig:
    """The configuration with the pattern in a text corpus' path as `corpus.text_files`."""
    corpus = loaded.config.corpus
    folder, pattern = split_pattern(loaded.path(corpus.path))
    if pattern is None or corpus.task != "text" or corpus.text_files is not None:
        return loaded
    corpus = dataclasses.replace(corpus, path=str(folder), text_files=pattern)
    return dataclasses.replace(loaded, config=dataclasses.replace(loaded.config, corpus=corpus))


def _apply_overrides(
    document: LinedDocument, overrides: Sequence[str], faults: _Faults
) -> LinedDocument:
    values = _copy(document.values)
    lines = dict(document.places.lines)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            faults.messages.append(
                f"--set {override}: expected KEY=VALUE, such as training.steps=500."
            )
            continue
        try:
            value = yaml.safe_load(text)
        except (yaml.YAMLError, *UNREADABLE, RecursionError):
            faults.messages.append(f"--set {override}: the value {text!r} is not YAML.")
            continue
        *sections, last = key.split(".")
        target = values
        for section in sections:
            inner = target.get(section)
            if not isinstance(inner, dict):
                inner = target[section] = {}
            target = inner
        target[last] = value
        for stale in [line for line in lines if line == key or line.startswith(f"{key}.")]:
            del lines[stale]
        lines[key] = 0
    return LinedDocument(values, KeyPlaces(document.places.file, lines))


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _build(kind: Any, values: Any, prefix: str, faults: _Faults) -> Any:
    """An instance of the dataclass `kind`; what has a wrong type goes into `faults` and takes its default."""
    hints = get_type_hints(kind, include_extras=True)
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        if name not in hints:
            near = difflib.get_close_matches(str(name), hints, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(hints)}."
            faults.add(key, _REPLACED.get(key) or f"unknown key; {remedy}")
            continue
        try:
            arguments[name] = _convert(hints[name], value, key, faults)
        except _WrongTypeError as error:
            faults.add(key, f"{_shown(value)} is not {error}.")
        except _ImpossibleError as error:
            faults.add(key, f"{error}.")
    return kind(**arguments)


# What became of keys of earlier versions.
_REPLACED = {
    "evaluation.champion": "replaced by evaluation.not_worse, a margin for each metric that is compared: "
    "`not_worse: {perplexity: 0.02}` in place of `champion: {metric: perplexity, tolerance: 0.02}`, and "
    "`not_worse: null` in place of `champion: null`.",
}


class _ImpossibleError(Exception):
    """A number that is not in the range of its key; the text says so."""


class _WrongTypeError(Exception):
    """A value of another type than its key takes; the text says what it takes."""


def _convert(kind: Any, value: Any, key: str, faults: _Faults) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise _WrongTypeError("a section (a mapping of keys)")
        return _build(kind, value, f"{key}.", faults)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        number = _convert(arguments[0], value, key, faults)
        if fault := arguments[1].fault(number):
            raise _ImpossibleError(f"{_shown(number)} is impossible; it {fault}")
        return number
    if origin in (Union, types.UnionType):
        if value is None and types.NoneType in arguments:
            return None
        (inner,) = [argument for argument in arguments if argument is not types.NoneType]
        return _convert(inner, value, key, faults)
    if origin is Literal:
        if isinstance(value, bool):  # as YAML 1.1 reads `on` and `off`
            value = "on" if value else "off"
        if value not in arguments:
            raise _WrongTypeError(f"one of {', '.join(map(str, arguments))}")
        return value
    if origin is dict:
        if not isinstance(value, dict):
            raise _WrongTypeError("a mapping")
        return dict(_convert_items(arguments, value, key, faults))
    if origin is list:
        if not isinstance(value, list):
            raise _WrongTypeError("a list")
        try:
            return [_convert(arguments[0], item, key, faults) for item in value]
        except _WrongTypeError as error:
            raise _WrongTypeError(f"a list in which each item is {error}") from None
    return _convert_plain(kind, value)


def _convert_items(
    kinds: Sequence[Any], values: Mapping[Any, Any], key: str, faults: _Faults
) -> Iterator[tuple[Any, Any]]:
    for name, value in values.items():
        inner = f"{key}.{name}"
        try:
            yield _convert(kinds[0], name, inner, faults), _convert(kinds[1], value, inner, faults)
        except _WrongTypeError as error:
            faults.add(inner, f"{name!r}: {_shown(value)} is not {error}.")


def _shown(value: Any) -> str:
    """A value for a message, of which a line is enough."""
    short = reprlib.Repr()
    short.maxstring = short.maxlong = short.maxother = 100
    short.maxlevel = 2
    try:
        return short.repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of so many digits"


def _convert_plain(kind: Any, value: Any) -> Any:
    if kind is float and isinstance(value, str):
        value = _float_of(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise _WrongTypeError("a number that fits a float") from None
    if isinstance(value, str) and value != printable(value):
        raise _WrongTypeError("a text of Unicode")
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    raise _WrongTypeError(names[kind])


def _float_of(text: str) -> float | str:
    """YAML 1.1 reads `1e-4` (no point) as text; a user means the number."""
    try:
        return float(text)
    except ValueError:
        return text
