"""`pipeline.yaml` as frozen dataclasses; every fault of it is reported together."""

import dataclasses
import difflib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from components.options import EvaluationOptions, ValidationOptions
from pipeline.config_values import impossible_values
from pipeline.yaml_lines import LinedDocument, read_lined_yaml
from preprocessing.errors import InputError
from preprocessing.options import CorpusOptions, TokenOptions
from trainer.options import GenerationOptions, ModelOptions, TrainingOptions


@dataclass(frozen=True)
class BeamOptions:
    """args: pipeline options that pass through to Apache Beam, such as `--runner=FlinkRunner`."""

    args: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class KubeflowOptions:
    """How `compile kubeflow` describes the containers.

    image: holds this project. claim: the PersistentVolumeClaim that every container mounts at `mount`.
    configuration: the configuration file on the claim; corpus and workspace lie relative to it.
    secrets: environment variable -> `secret/key` of Kubernetes, for what `store` takes from the environment.
    """

    image: str = "gpt2-tfx:latest"
    claim: str = "gpt2-tfx"
    mount: str = "/mnt/gpt2-tfx"
    configuration: str = "pipeline.yaml"
    secrets: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """The whole configuration of a pipeline.

    name: the pipeline's name in the metadata store.
    workspace: folder of all state, relative to the configuration file.
    store: ML Metadata store: None is SQLite in the workspace; else a `postgresql://` or `mysql://` URL, in which
        `$NAME` stands for an environment variable (so that a password never stands in a file).
    seed: the one seed that every random choice is derived from.
    """

    name: str = "gpt2"
    workspace: str = "workspace"
    store: str | None = None
    seed: int = 1
    corpus: CorpusOptions = field(default_factory=CorpusOptions)
    validation: ValidationOptions = field(default_factory=ValidationOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    generation: GenerationOptions = field(default_factory=GenerationOptions)
    evaluation: EvaluationOptions = field(default_factory=EvaluationOptions)
    beam: BeamOptions = field(default_factory=BeamOptions)
    kubeflow: KubeflowOptions = field(default_factory=KubeflowOptions)


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration, the folder that its relative paths start from, and the --set flags that are in it."""

    config: Config
    folder: Path
    overrides: tuple[str, ...] = ()

    def path(self, value: str) -> Path:
        """A path of the configuration, made absolute from the configuration file's folder."""
        return (self.folder / Path(value).expanduser()).absolute()

    @property
    def workspace(self) -> Path:
        return self.path(self.config.workspace)

    def resolved(self) -> dict[str, Any]:
        """Every value in force as plain data. It holds no secret: `store` is the text of the file."""
        return dataclasses.asdict(self.config)

    def flat(self) -> dict[str, Any]:
        """Every value in force by its dotted key (a section of free names, such as thresholds, is one value)."""
        values: dict[str, Any] = {}
        for name, value in self.resolved().items():
            if dataclasses.is_dataclass(getattr(self.config, name)):
                values |= {f"{name}.{key}": inner for key, inner in value.items()}
            else:
                values[name] = value
        return values

    def values(self, keys: Sequence[str]) -> dict[str, Any]:
        """The values of dotted keys; a key may name a whole section."""
        resolved = self.resolved()
        return {key: _lookup(resolved, key) for key in keys}


def load_config(path: Path, overrides: Sequence[str] = ()) -> LoadedConfig:
    """Read a configuration file and apply `--set a.b=value` overrides.

    Raises InputError with every unknown key, wrong type, impossible value and missing path, each with its key
    path and line.
    """
    try:
        document = read_lined_yaml(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such configuration file. Name one with --config FILE."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    faults: list[str] = []
    document = _apply_overrides(document, overrides, faults)
    config = _build(Config, document.values, "", document, faults)
    loaded = LoadedConfig(config, path.absolute().parent, tuple(overrides))
    faulty = tuple(fault.split(": ", 2)[1].rstrip(":") for fault in faults)
    faults += [
        f"{document.where(key)}: {message}"
        for key, message in impossible_values(loaded)
        if key not in faulty
    ]
    if faults:
        raise InputError(*faults)
    return loaded


def _apply_overrides(
    document: LinedDocument, overrides: Sequence[str], faults: list[str]
) -> LinedDocument:
    values = _copy(document.values)
    lines = dict(document.lines)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            faults.append(f"--set {override}: expected KEY=VALUE, such as training.steps=500.")
            continue
        try:
            value = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            faults.append(f"--set {override}: the value {text!r} is not YAML.")
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
    return LinedDocument(document.name, values, lines)


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _build(kind: Any, values: Any, prefix: str, document: LinedDocument, faults: list[str]) -> Any:
    """An instance of the dataclass `kind`; what is wrong goes into `faults` and takes its default."""
    hints = get_type_hints(kind)
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        if name not in hints:
            near = difflib.get_close_matches(str(name), hints, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(hints)}."
            faults.append(f"{document.where(key)}: unknown key; {remedy}")
            continue
        try:
            arguments[name] = _convert(hints[name], value, key, document, faults)
        except _WrongTypeError as error:
            faults.append(f"{document.where(key)}: {value!r} is not {error}.")
    return kind(**arguments)


class _WrongTypeError(Exception):
    """A value of another type than its key takes; the text says what it takes."""


def _convert(kind: Any, value: Any, key: str, document: LinedDocument, faults: list[str]) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise _WrongTypeError("a section (a mapping of keys)")
        return _build(kind, value, f"{key}.", document, faults)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and types.NoneType in arguments:
            return None
        (inner,) = [argument for argument in arguments if argument is not types.NoneType]
        return _convert(inner, value, key, document, faults)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            raise _WrongTypeError(f"one of {', '.join(map(str, arguments))}")
        return value
    if origin is dict:
        if not isinstance(value, dict):
            raise _WrongTypeError("a mapping")
        return dict(_convert_items(arguments, value, key, document, faults))
    if origin is list:
        if not isinstance(value, list):
            raise _WrongTypeError("a list")
        try:
            return [_convert(arguments[0], item, key, document, faults) for item in value]
        except _WrongTypeError as error:
            raise _WrongTypeError(f"a list in which each item is {error}") from None
    return _convert_plain(kind, value)


def _convert_items(
    kinds: Sequence[Any],
    values: Mapping[Any, Any],
    key: str,
    document: LinedDocument,
    faults: list[str],
) -> Iterator[tuple[Any, Any]]:
    for name, value in values.items():
        inner = f"{key}.{name}"
        try:
            yield (
                _convert(kinds[0], name, inner, document, faults),
                _convert(kinds[1], value, inner, document, faults),
            )
        except _WrongTypeError as error:
            faults.append(f"{document.where(inner)}: {name!r}: {value!r} is not {error}.")


def _convert_plain(kind: Any, value: Any) -> Any:
    if kind is float and isinstance(value, str):
        value = _float_of(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise _WrongTypeError("a number that fits a float") from None
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


def _lookup(values: Mapping[str, Any], key: str) -> Any:
    found: Any = values
    for part in key.split("."):
        found = found[part]
    return found
