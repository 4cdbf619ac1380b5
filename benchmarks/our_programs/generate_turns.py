"""Answer the turns of a conversation about a story with a 124M model of random weights; prints seconds.

`python -m benchmarks.our_programs.generate_turns FOLDER STORY TURN TURNS NEW`: FOLDER caches the export, in bfloat16.
A prompt is a story of STORY tokens and the turns so far, TURN tokens each; all TURNS prompts are answered with NEW
tokens each, as the Evaluator asks for them. First of one story, then of as many stories as there are prompts, of the
same lengths and with nothing in common.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.our_programs.generate import TOP_P, WORDS, exported_model
from serving.model import texts_at_once

_ROUNDS = 4
_BATCH = texts_at_once()


def main() -> None:
    """Warm up once, then time both, in turns: {"one_story": [seconds of all turns], "own_stories": ...}."""
    folder = Path(sys.argv[1], "savedmodel")
    story, turn, turns, new = map(int, sys.argv[2:])
    model = exported_model(folder)
    random = np.random.default_rng(1)
    lengths = [story + turn * number for number in range(1, turns + 1)]

    def answer(prompts: list[str], seed: int) -> float:
        began = time.perf_counter()
        for start in range(0, turns, _BATCH):
            done = model.generate(
                prompts[start : start + _BATCH],
                max_new_tokens=new,
                top_p=TOP_P,
                seed=seed,
                sample_offset=start,
            )
            if any(completion.tokens < new for completion in done):
                raise RuntimeError("an answer ended early")
        return time.perf_counter() - began

    seconds: dict[str, list[float]] = {"one_story": [], "own_stories": []}
    for number in range(1 + _ROUNDS):
        words = random.choice(WORDS, [turns, lengths[-1]])
        stories = {"one_story": np.tile(words[0], [turns, 1]), "own_stories": words}
        for label, texts in stories.items():
            prompts = ["".join(text[:n]) for text, n in zip(texts, lengths, strict=True)]
            took = answer(prompts, seed=number + 1)
            if number:
                seconds[label].append(took)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
