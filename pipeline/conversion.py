"""From any format of weights to another, lossless; what is half-written never has the name."""

import json
import shutil
from pathlib import Path
from typing import Any, Literal, get_args

from preprocessing.base.errors import InputError
from preprocessing.base.staging import staged_beside
from preprocessing.tokens.vocabulary import END_OF_TEXT, Vocabulary, vocabulary_files
from preprocessing.tokens.vocabulary_files import ENCODER_FILE, MERGES_FILE
from trainer.config import GPT2Config
from trainer.export import export
from trainer.export_layout import METADATA_FILE
from trainer.gpt2 import Precision
from trainer.options import GenerationOptions
from trainer.served_model import hardware_precision
from trainer.stored_tensors import writing
from trainer.weights import read_config, read_weights
from trainer.weights.exported import Exported, read_metadata
from trainer.weights.huggingface import write_huggingface
from trainer.weights.loading import load_model
from trainer.weights.openai import write_openai

Target = Literal["openai", "huggingface", "savedmodel"]


def convert(
    source: Path,
    destination: Path,
    to: Target,
    vocabulary: Vocabulary,
    generation_options: GenerationOptions,
    precision: Precision | None = None,
) -> GPT2Config:
    """Write the model in a path to a new folder in another format; returns its shape.

    vocabulary: goes with the weights; its size must be the model's.
    generation_options: what a SavedModel generates with by itself.
    precision: in which a SavedModel computes; None is that of an export which is the source, and of other weights half
        precision where the hardware has it. (Its exact weights lie in it in any case.)
    Raises InputError where the destination exists, the source is no whole model, or the vocabulary
    is another model's; FailureError where the destination cannot be written.
    """
    if destination.exists() or destination.is_symlink():
        raise InputError(f"{destination}: exists already; remove it or name another folder")
    config = read_config(source)
    if vocabulary.size != config.vocabulary_size:
        raise InputError(
            f"tokens.vocabulary: {vocabulary.name} has {vocabulary.size} ids and the model in "
            f"{source} {config.vocabulary_size}; use the vocabulary that the model was made with"
        )
    if Exported().recognises(source):
        metadata = read_metadata(source)
        made_with = metadata.get("vocabulary_digest")
        if made_with != vocabulary.digest:
            raise InputError(
                f"tokens.vocabulary: {vocabulary.name} has digest {vocabulary.digest}, and the model "
                f"in {source} was made with {made_with}; use the same vocabulary"
            )
        precision = precision or _precision_in(source, metadata)
    staged = staged_beside(destination)
    try:
        with writing("the converted model", destination):
            staged.mkdir(parents=True)
            if to == "savedmodel":
                model = load_model(source, precision or hardware_precision())
                export(model, vocabulary, generation_options, staged)
            else:
                _write_weights(source, staged, to, vocabulary)
            staged.rename(destination)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return config


def _precision_in(export: Path, metadata: dict[str, Any]) -> Precision:
    """The precision in which an export computes; InputError where its metadata say none."""
    for precision in get_args(Precision):
        if metadata.get("precision") == precision:
            return precision
    raise InputError(
        f"{export / METADATA_FILE}: precision is {metadata.get('precision')!r}, which is none of "
        f"{', '.join(get_args(Precision))}; convert a model that `gpt2-tfx` exported"
    )


def _write_weights(source: Path, folder: Path, to: Target, vocabulary: Vocabulary) -> None:
    """Fill a folder with the weights in the source and the vocabulary's files."""
    encoder, merges = vocabulary_files(vocabulary)
    config, variables = read_weights(source)
    if to == "openai":
        write_openai(folder, config, variables)
        (folder / ENCODER_FILE).write_bytes(encoder)
        (folder / MERGES_FILE).write_bytes(merges)
    else:
        write_huggingface(folder, config, variables, vocabulary.end_of_text)
        (folder / "vocab.json").write_bytes(encoder)
        (folder / "merges.txt").write_bytes(merges)
        tokenizer = {
            "tokenizer_class": "GPT2Tokenizer",
            "model_max_length": config.context,
            **dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_TEXT),
        }
        text = json.dumps(tokenizer, indent=2, sort_keys=True)
        (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
