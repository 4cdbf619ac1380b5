"""Models whose weights are all random, so that no bias or norm is left untested."""

import numpy as np

from trainer.gpt2 import GPT2, GPT2Config

SMALL = GPT2Config(vocabulary_size=61, context=24, width=32, heads=4, layers=2)


def random_model(config: GPT2Config, seed: int) -> GPT2:
    """A model with every variable drawn, norms around 1: every part of it moves the logits."""
    model = GPT2(config)
    random = np.random.default_rng(seed)
    for name, variable in model.by_name.items():
        centre = 1.0 if name.endswith("/g") else 0.0
        variable.assign(random.normal(centre, 0.3, variable.shape).astype(np.float32))
    return model
