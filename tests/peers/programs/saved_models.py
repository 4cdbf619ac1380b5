"""Folders that transformers saves: `python saved_models.py CONFIG FOLDER`.

CONFIG is a JSON object of GPT2Config's arguments. FOLDER gets `whole`, `sharded` and `bfloat16`, one random model saved
in three ways, and `results.npz`: `ids` int [B, L], `logits` and `bfloat16` float32 [B, L, V], those of the model and
of what was saved in bfloat16, and `greedy` int [B, L + N], the ids with N = L more.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

ROWS, LENGTH = 4, 12


def main() -> None:
    """Make the model, save it, and write what it computes."""
    config = GPT2Config(**json.loads(sys.argv[1]))
    folder = Path(sys.argv[2])
    torch.manual_seed(11)
    model = GPT2LMHeadModel(config).eval()
    for parameter in model.parameters():
        # wider than the initial weights, so that the most probable token is so by far
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder / "whole")
    model.save_pretrained(folder / "sharded", max_shard_size="40KB")
    ids = torch.randint(0, config.vocab_size, [ROWS, LENGTH])
    with torch.inference_mode():
        logits = model(ids).logits
        greedy = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            min_new_tokens=LENGTH,
            max_new_tokens=LENGTH,
            pad_token_id=0,
        )
        model.to(torch.bfloat16).save_pretrained(folder / "bfloat16")
        rounded = model.to(torch.float32)(ids).logits
    np.savez(
        folder / "results.npz",
        ids=ids.numpy(),
        logits=logits.numpy(),
        bfloat16=rounded.numpy(),
        greedy=greedy.numpy(),
    )


if __name__ == "__main__":
    main()
