"""`gpt2-tfx generate`: continue a prompt with a pushed model, a SavedModel or a checkpoint."""

import argparse
from pathlib import Path
from typing import Any

from pipeline import locations
from pipeline.cli import print_json, read_stdin
from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.framework_imports import quiet_tensorflow
from pipeline.node_process import output_set_aside
from pipeline.streamed_text import check_stream, print_stream
from pipeline.task_prompts import asked_task, chat, room_for, task_prompt
from pipeline.told_warnings import warnings_told
from preprocessing.base.errors import InputError
from serving.model import LanguageModel, load_model
from serving.running_rows import Sampling
from serving.versions import Versions


def run(arguments: argparse.Namespace) -> int:
    """Print the continuations; what a flag leaves open comes from the section `generation`."""
    loaded = load_config(arguments.config, arguments.overrides)
    task = asked_task(arguments)
    if arguments.stream:
        check_stream(arguments, loaded)
    prompt = _prompt(arguments)
    if task is not None and arguments.chat:
        chat(arguments, loaded, task, prompt, open_model(loaded, arguments.model))
        return 0
    asked = None if task is None else task.prompt(prompt)
    model = open_model(loaded, arguments.model)
    options = loaded.config.generation

    def given(name: str) -> float | int:
        value = getattr(arguments, name)
        return value if value is not None else getattr(options, name)

    if task is not None and asked is not None:
        prompt = task_prompt(loaded, asked, room_for(model, int(given("max_new_tokens"))))
        arguments.stop = arguments.stop or task.stop
    sampling: dict[str, Any] = {
        "max_new_tokens": int(given("max_new_tokens")),
        "temperature": float(given("temperature")),
        "top_k": int(given("top_k")),
        "top_p": float(given("top_p")),
        "repetition_penalty": float(given("repetition_penalty")),
        "seed": arguments.seed if arguments.seed is not None else loaded.config.seed,
    }
    if arguments.stream:
        print_stream(model, prompt, Sampling(**sampling, stop=tuple(arguments.stop)))
        return 0
    with warnings_told():
        completions = model.generate(
            [prompt] * arguments.num_samples,
            **sampling,
            stop=arguments.stop,
            beams=int(given("beams")),
            length_penalty=float(given("length_penalty")),
        )
    if arguments.json:
        samples = [
            {"text": c.text, "tokens": c.tokens, "finish_reason": c.finish_reason}
            for c in completions
        ]
        print_json({"samples": samples})
    else:
        print("\n---\n".join(completion.text for completion in completions))
    return 0


def open_model(loaded: LoadedConfig, name: str) -> LanguageModel:
    """The model that a MODEL argument names."""
    quiet_tensorflow()
    path = Versions(loaded.workspace / "serving").resolve(name)
    with output_set_aside():
        return load_model(path, locations.vocabulary(loaded))


def _prompt(arguments: argparse.Namespace) -> str:
    if arguments.prompt is not None:
        return arguments.prompt
    if arguments.prompt_file is None:
        return read_stdin()
    path: Path = arguments.prompt_file
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--prompt-file {path}: cannot be read as UTF-8 text: {error}") from error
