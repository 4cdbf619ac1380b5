"""Generate with an exported 124M model of random weights; prints the seconds of each turn.

`python -m benchmarks.our_programs.generate FOLDER PROMPTS PROMPT_TOKENS NEW_TOKENS TURNS`: FOLDER caches the export, in
bfloat16. The prompts are texts of random tokens, cut to the length by decoding and encoding again; top-p 0.9.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from preprocessing.tokens.vocabulary import load_vocabulary
from serving.model import LanguageModel, load_model
from trainer.config import SIZES
from trainer.export import export
from trainer.gpt2 import GPT2
from trainer.options import GenerationOptions

TOP_P = 0.9
# each of these words is one token wherever it stands
WORDS = np.array([" the", " a", " rain", " bridge", " city", " open", " green", " house"])


def main() -> None:
    """Warm up once, then time the turns."""
    folder = Path(sys.argv[1], "savedmodel")
    count, length, new, turns = map(int, sys.argv[2:])
    loaded = exported_model(folder)
    random = np.random.default_rng(1)
    prompts = ["".join(random.choice(WORDS, length)) for _ in range(count)]

    def generate(seed: int) -> list[int]:
        done = loaded.generate(prompts, max_new_tokens=new, top_p=TOP_P, seed=seed)
        return [completion.tokens for completion in done]

    generate(0)
    seconds, tokens = [], []
    for turn in range(turns):
        began = time.perf_counter()
        tokens.append(min(generate(turn + 1)))
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "fewest_tokens": min(tokens)}))


def exported_model(folder: Path) -> LanguageModel:
    """The model of an export that is made where it is not there yet."""
    if not folder.is_dir():
        model = GPT2(SIZES["124M"], seed=1, precision="bfloat16")
        export(model, load_vocabulary(), GenerationOptions(), folder)
    return load_model(folder)


if __name__ == "__main__":
    main()
