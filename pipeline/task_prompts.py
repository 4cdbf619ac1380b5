"""Prompts as a task's examples have them, for `generate --task` and `generate --chat`."""

import argparse
import dataclasses
import sys
from collections.abc import Iterator

from components.evaluation_inputs import fitting_prompt
from pipeline import locations
from pipeline.config import LoadedConfig
from pipeline.conversation import Conversation
from pipeline.told_warnings import warnings_told
from preprocessing.base.errors import InputError
from preprocessing.records.record import Segment
from preprocessing.tasks.registry import TASKS, task_named
from preprocessing.tasks.task import Task
from preprocessing.tokens.vocabulary import load_vocabulary
from serving.model import LanguageModel
from trainer.options import GenerationOptions


def asked_task(arguments: argparse.Namespace) -> Task | None:
    """The task that `--task` names, or the one of `--chat`; None without either. Raises InputError."""
    named = None if arguments.task is None else task_named(arguments.task)
    if not arguments.chat:
        return named
    conversing = [task for task in TASKS.values() if task.next_answer is not None]
    task = named or conversing[0]
    faults = []
    if task not in conversing:
        names = ", ".join(each.name for each in conversing)
        faults.append(f"--task {task.name}: has no conversations; --chat is for {names}.")
    if arguments.stdin is not None:
        faults.append("-: --chat reads questions there; give the story with --prompt-file.")
    if arguments.json:
        faults.append("--json: --chat prints each answer at once; leave out one of them.")
    if arguments.num_samples != 1:
        faults.append(
            f"--num-samples {arguments.num_samples}: --chat has one answer to a question."
        )
    if faults:
        raise InputError(*faults)
    return task


def room_for(model: LanguageModel, new_tokens: int) -> int:
    """The most tokens of a prompt beside so many new ones."""
    return model.context - min(new_tokens, model.context - 1)


def task_prompt(loaded: LoadedConfig, segments: tuple[Segment, ...], room: int) -> str:
    """The prompt of segments, cut as the Tokenizer cuts where it has more than `room` tokens, which is said.

    A text by itself goes on from its end, which the model keeps.
    """
    whole = "".join(segment.text for segment in segments)
    if len(segments) == 1:
        return whole
    prompt = fitting_prompt(segments, load_vocabulary(locations.vocabulary(loaded)), room)
    if prompt != whole:
        _note(f"the prompt is cut to the {room} tokens that fit, as long examples are")
    return prompt


def chat(
    arguments: argparse.Namespace,
    loaded: LoadedConfig,
    task: Task,
    story: str,
    model: LanguageModel,
) -> None:
    """Answer each line of stdin, with what was said before. task: one whose records are conversations."""
    assert task.next_answer is not None
    given = {
        option.name: value
        for option in dataclasses.fields(GenerationOptions)
        if (value := getattr(arguments, option.name)) is not None
    }
    options = dataclasses.replace(loaded.config.generation, **given)
    vocabulary = load_vocabulary(locations.vocabulary(loaded))
    room = room_for(model, options.max_new_tokens)
    conversation = Conversation(task.next_answer, story, vocabulary, room)
    for number, question in enumerate(_questions()):
        known = len(conversation.turns)
        prompt = conversation.ask(question)
        if gone := known - len(conversation.turns):
            turns = "oldest turn does" if gone == 1 else f"{gone} oldest turns do"
            _note(
                f"the {turns} not fit into {room} tokens any more and {'is' if gone == 1 else 'are'} left out"
            )
        with warnings_told():
            (completion,) = model.generate(
                [prompt],
                **dataclasses.asdict(options),
                seed=loaded.config.seed if arguments.seed is None else arguments.seed,
                stop=arguments.stop or task.stop,
                sample_offset=number,
            )
        answer = " ".join(completion.text.split())
        print(answer, flush=True)
        conversation.answered(question, answer)


def _questions() -> Iterator[str]:
    """The lines of stdin that have words; who sits at a terminal is asked for them."""
    while True:
        if sys.stdin.isatty():
            print("Q: ", end="", file=sys.stderr, flush=True)
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError as error:
            raise InputError(f"stdin: a question is not UTF-8 text: {error}") from error
        if not line:
            return
        if question := " ".join(line.split()):
            yield question


def _note(text: str) -> None:
    print(f"gpt2-tfx: {text}", file=sys.stderr)
