"""A model's texts on a GPU: batches of prompts are written in groups, by programs that no export holds.

With them an export would take 230 MB more of memory on every processor.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import InputError
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary
from preprocessing.tokens.vocabulary_files import vocabulary_digest
from trainer.config import variable_shapes
from trainer.generation import Request
from trainer.generation.together import LEAST_ROWS_TOGETHER, GroupWriter
from trainer.gpt2 import GPT2
from trainer.weights import read_config


class GroupedTexts:
    """A model that is called as the signature `generate` of its export is, but only samples.

    Texts are the signature's, but for the rounding of numbers.
    """

    def __init__(self, model: GPT2, vocabulary: Vocabulary) -> None:
        self.writer = GroupWriter(model, vocabulary.token_bytes, vocabulary.end_of_text)
        self._vocabulary = vocabulary

    def takes(self, texts: int, beams: int) -> bool:
        """Whether a request is one to compile for.

        XLA takes half a minute for a shape that it has never met, in which the signature writes some
        such batches; a search it cannot write.
        """
        return texts >= LEAST_ROWS_TOGETHER and beams == 1

    def __call__(
        self, prompts: np.ndarray, seeds: np.ndarray, stop: np.ndarray, **settings: np.generic
    ) -> dict[str, list[Any]]:
        """As `trainer.export.ExportedModel.generate`."""
        request = Request(stop=tuple(string.decode() for string in stop), **settings)
        ids = [self._vocabulary.encode(prompt.decode()) for prompt in prompts]
        found: dict[str, list[Any]] = {"completions": [], "tokens": [], "finished": []}
        for written in self.writer.write(ids, seeds, request):
            whole = written.text.decode("utf-8", "replace")
            kept = min(
                (whole.partition(string)[0] for string in request.stop), key=len, default=whole
            )
            is_cut = kept != whole
            found["completions"].append(kept.encode())
            found["tokens"].append(len(self._vocabulary.encode(kept) if is_cut else written.ids))
            found["finished"].append(written.finished or is_cut)
        return found


def grouped_texts(path: Path, loaded: Any, digest: str, vocabulary: str) -> GroupedTexts | None:
    """Of a loaded SavedModel, with the very variables that its signatures read.

    digest: of the vocabulary that the model was made with. vocabulary: a name; None is returned where it
        is of another one, which the model does not need.
    Raises InputError where the variables have not the shape that the metadata says.
    """
    try:
        if vocabulary_digest(vocabulary, sha256_file) != digest:
            return None
    except InputError:  # of a folder that is not there
        return None
    variables = dict(loaded.model.by_name)
    config = read_config(path)
    found = {name: math.prod(variable.shape) for name, variable in variables.items()}
    if found != {name: math.prod(shape) for name, shape in variable_shapes(config).items()}:
        raise InputError(
            f"{path}: its variables are not of the shape in its metadata; export it again"
        )
    model = GPT2(config, precision=variables["model/wte"].dtype.name, variables=variables)
    return GroupedTexts(model, load_vocabulary(vocabulary))
