"""Which values of a well-typed configuration are impossible: values that do not fit one another."""

import math
import os
import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.config import LoadedConfig
from pipeline.locations import corpus_path
from pipeline.nodes import NODE_NAMES
from preprocessing.base.errors import InputError
from preprocessing.options import TASK_METRICS, TASK_WINDOWS
from trainer.config import GPT2_VOCABULARY_SIZE, model_config


def impossible_values(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    """(dotted key, message) for each value that no run could use with the others."""
    yield from _splits(loaded)
    yield from _separator(loaded)
    yield from _columns(loaded)
    yield from _windows(loaded)
    yield from _schedule(loaded)
    yield from _modes(loaded)
    yield from _names(loaded)
    yield from _kubeflow(loaded)
    yield from _store(loaded)
    yield from _notify(loaded)
    yield from _bounds(loaded)
    yield from _unscored_metrics(loaded)
    yield from _zero_shot(loaded)
    yield from _shapes(loaded)
    yield from _workspace(loaded)


def _workspace(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    workspace = loaded.workspace
    try:
        usable = stat.S_ISDIR(workspace.stat().st_mode)
    except FileNotFoundError:
        usable = True
    except (OSError, ValueError):
        usable = False
    if not usable:
        yield "workspace", f"{loaded.config.workspace!r}: {workspace} is no folder; name another."
    corpus, workspace = (Path(os.path.normpath(path)) for path in (corpus_path(loaded), workspace))
    # Nothing hidden is of a corpus.
    if workspace.is_relative_to(corpus) and not any(
        name.startswith(".") for name in workspace.relative_to(corpus).parts
    ):
        yield (
            "workspace",
            f"{loaded.config.workspace!r}: lies in the corpus, {corpus}, which a run would change by what it writes; "
            "name a folder elsewhere, or a hidden one such as .workspace.",
        )


def _splits(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    corpus = loaded.config.corpus
    if corpus.validation_fraction + corpus.test_fraction >= 1:
        yield (
            "corpus.test_fraction",
            f"validation_fraction {corpus.validation_fraction} and test_fraction "
            f"{corpus.test_fraction} leave nothing to train on; lower one.",
        )


def _columns(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    corpus = loaded.config.corpus
    if corpus.article_column == corpus.highlights_column:
        yield (
            "corpus.highlights_column",
            f"{corpus.highlights_column!r} is the article's column as well.",
        )


def _separator(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    if loaded.config.corpus.document_separator == "":
        yield (
            "corpus.document_separator",
            "empty, and parts nothing; name what stands between documents, or null.",
        )


def _names(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    # Kubeflow takes no more.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", loaded.config.name):
        yield "name", f"{loaded.config.name!r} is not a name of 1 to 128 letters, digits, - and _."


def _kubeflow(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    options = loaded.config.kubeflow
    for variable, source in options.secrets.items():
        if not re.fullmatch(r"[^/]+/[^/]+", source):
            yield f"kubeflow.secrets.{variable}", f"{source!r} is not `secret/key`."
    for node in options.resources:
        if node not in NODE_NAMES:
            yield (
                f"kubeflow.resources.{node}",
                f"there is no such node; there are {', '.join(NODE_NAMES)}.",
            )
    memories = {"kubeflow.memory": options.memory} | {
        f"kubeflow.resources.{node}.memory": own.memory
        for node, own in options.resources.items()
        if own.memory is not None
    }
    for key, memory in memories.items():
        if not re.fullmatch(r"[1-9][0-9]*[KMGTPE]i?", memory):
            yield key, f"{memory!r} is not a number of bytes with a unit, such as 4Gi or 500M."


def _store(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    store = loaded.config.store
    if store is None:
        return
    store, holds_password = _url(store)
    if not store.startswith(("postgresql://", "mariadb://", "mysql://", "sqlite:///")):
        yield (
            "store",
            f"{loaded.config.store!r} is not a postgresql://, mariadb://, mysql:// or sqlite:/// URL.",
        )
    if holds_password:
        yield "store", _PASSWORD


def _notify(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    command, webhook = loaded.config.notify.command, loaded.config.notify.webhook
    if command is not None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            yield "notify.command", f"{command!r} is not a command line ({error})."
        else:
            if not words:
                yield "notify.command", "empty; name a command, or null."
    if webhook is None:
        return
    webhook, holds_password = _url(webhook)
    if not webhook.startswith(("http://", "https://", "$")):
        yield "notify.webhook", "not an http:// or https:// URL, or a $NAME that stands for one."
    if holds_password:
        yield "notify.webhook", _PASSWORD


_PASSWORD = "a password stands in it; put it into an environment variable and write $NAME."


def _url(text: str) -> tuple[str, bool]:
    """A URL, empty for what is none, and whether a password stands in it."""
    try:
        return text, _holds_password(text)
    except ValueError:
        return "", False


def _holds_password(url: str) -> bool:
    """Whether a password stands in a URL itself. Raises ValueError for what is none."""
    password = urlsplit(url).password
    return bool(password) and "$" not in str(password)


def _bounds(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    for name, bounds in loaded.config.evaluation.thresholds.items():
        if bounds.min is not None and bounds.max is not None and bounds.min > bounds.max:
            yield f"evaluation.thresholds.{name}", f"min {bounds.min} is above max {bounds.max}."
        for bound in (bounds.min, bounds.max):
            if bound is not None and math.isnan(bound):
                yield f"evaluation.thresholds.{name}", f"{bound} is not a bound."


def _windows(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    """What cannot be asked of a corpus that is read as one stream."""
    tokens = loaded.config.tokens
    windows = tokens.windows or TASK_WINDOWS[loaded.config.corpus.task]
    if windows == "off":
        return
    if not tokens.packing:
        yield (
            "tokens.packing",
            f"a record cannot have a row of its own with windows {windows}; set tokens.windows to off.",
        )
    if tokens.over_long is not None:
        yield (
            "tokens.over_long",
            f"{tokens.over_long!r} has no meaning with windows {windows}, where no record is too "
            "long; set tokens.windows to off, or leave over_long out.",
        )


def _unscored_metrics(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    """Bounds on metrics that the task does not have, which no model could keep."""
    evaluation, task = loaded.config.evaluation, loaded.config.corpus.task
    scored = TASK_METRICS[task] if task == "text" else (*TASK_METRICS[task], "non_empty")
    named: dict[str, str] = {
        f"evaluation.thresholds.{name}": name for name in evaluation.thresholds
    }
    if evaluation.not_worse is not None:
        named |= {f"evaluation.not_worse.{name}": name for name in evaluation.not_worse.margins}
    for key, name in named.items():
        if name not in scored:
            yield key, f"{name} is no score of {task}; there are {', '.join(scored)}."


def _zero_shot(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    """A baseline that there is nothing to compute of."""
    if not loaded.config.evaluation.zero_shot:
        return
    if loaded.config.corpus.task != "cnn_dailymail":
        yield (
            "evaluation.zero_shot",
            f"a base model is asked for summaries alone, and corpus.task is {loaded.config.corpus.task}.",
        )
    elif loaded.config.model.base is None:
        yield "evaluation.zero_shot", "there is no base model; name one with model.base."


def _schedule(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    """What the length of a training and its learning rate cannot be together."""
    training = loaded.config.training
    if training.steps is not None and training.epochs is not None:
        yield (
            "training.epochs",
            f"{training.epochs} epochs and {training.steps} steps are two lengths of one training; leave out one "
            "of training.epochs and training.steps (--set training.steps=null does).",
        )
    if training.steps_per_epoch is not None and training.epochs is None:
        yield (
            "training.steps_per_epoch",
            f"{training.steps_per_epoch} has no meaning without training.epochs; give both, or training.steps.",
        )
    if training.min_learning_rate > training.learning_rate:
        yield (
            "training.min_learning_rate",
            f"{training.min_learning_rate} is above training.learning_rate, {training.learning_rate}; lower it.",
        )


def _modes(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    """What the ways to train with less memory exclude."""
    training = loaded.config.training
    if training.low_memory:
        for name, excluded, instead in (
            ("clip_norm", training.clip_norm is not None, "null"),
            ("accumulate", training.accumulate > 1, "1"),
            ("precision", training.precision == "float16", "bfloat16 or float32"),
        ):
            if excluded:
                yield (
                    "training.low_memory",
                    f"true: training.{name} {getattr(training, name)} needs all gradients at once, and "
                    f"low_memory uses each up as it appears; set {name} to {instead}.",
                )
    if training.lora_rank:
        for key, value in (
            ("freeze_embeddings", training.freeze_embeddings),
            ("freeze_blocks", training.freeze_blocks),
        ):
            if value:
                yield (
                    f"training.{key}",
                    f"{value}: with lora_rank {training.lora_rank} every weight is frozen already; "
                    f"leave {key} out.",
                )


def _shapes(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    try:
        shape = model_config(loaded.config.model, GPT2_VOCABULARY_SIZE)
    except InputError as error:
        yield from (("model", message.removeprefix("model: ")) for message in error.messages)
        return
    training = loaded.config.training
    if training.freeze_blocks > shape.layers:
        yield (
            "training.freeze_blocks",
            f"{training.freeze_blocks} is more than the {shape.layers} blocks of the model.",
        )
    if training.lora_rank > shape.width:
        yield (
            "training.lora_rank",
            f"{training.lora_rank} is more than the model's width, {shape.width}, which is the rank that its "
            "weights have; lower it.",
        )
    length = loaded.config.tokens.sequence_length
    if length > shape.context:
        yield (
            "tokens.sequence_length",
            f"{length} is longer than the context of the model, {shape.context} "
            f"(model.size {loaded.config.model.size}); lower it or take a larger model.context.",
        )
    new = loaded.config.generation.max_new_tokens
    if new >= shape.context:
        yield (
            "generation.max_new_tokens",
            f"{new} leaves no room for a prompt in the context of the model, {shape.context}.",
        )
