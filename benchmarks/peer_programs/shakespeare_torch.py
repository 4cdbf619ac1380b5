"""nanoGPT's published CPU run as a plain PyTorch program; prints seconds and the validation loss.

    python shakespeare_torch.py TEXT STEPS

4 layers, 4 heads, width 128, block 64, batch 12, AdamW with beta2 0.99 and weight decay 0.1 on
matrices, 100 steps of warm-up to 1e-3, a cosine to 1e-4, clipping at norm 1, no dropout, float32,
an id for each character. The loss is the mean over the whole validation part, the last 10%, in
consecutive blocks.
"""

import json
import math
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

LAYERS, HEADS, WIDTH, BLOCK, BATCH = 4, 4, 128, 64, 12
PEAK, LOWEST, WARM_UP = 1e-3, 1e-4, 100


class Block(nn.Module):
    """Attention and MLP, each on a normed x and added to it; x is [B, L, W]."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.joined, self.mixed = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.expand, self.contract = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        for layer in (self.joined, self.mixed, self.expand, self.contract):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        for layer in (self.mixed, self.contract):
            nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * LAYERS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        parts = self.joined(self.norm_1(x)).view(batch, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mixed(seen.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.contract(functional.gelu(self.expand(self.norm_2(x)), approximate="tanh"))


class Model(nn.Module):
    """A GPT whose output is tied to its token embedding."""

    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary_size, WIDTH), nn.Embedding(BLOCK, WIDTH)
        nn.init.normal_(self.tokens.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, ids: torch.Tensor, next_ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        logits = self.norm(self.blocks(x)) @ self.tokens.weight.T
        return functional.cross_entropy(logits.flatten(0, 1), next_ids.flatten())


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine."""
    if step < WARM_UP:
        return PEAK * (step + 1) / WARM_UP
    fallen = (step - WARM_UP) / (steps - WARM_UP)
    return LOWEST + (PEAK - LOWEST) * 0.5 * (1 + math.cos(math.pi * fallen))


def main() -> None:
    """Train, and print {"seconds": of the training, "loss": nats a character} as JSON."""
    text, steps = Path(sys.argv[1]).read_text("utf-8"), int(sys.argv[2])
    characters = {character: number for number, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([characters[character] for character in text])
    cut = int(len(ids) * 0.9)
    training, validation = ids[:cut], ids[cut:]
    torch.manual_seed(1)
    model = Model(len(characters))
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.99), fused=True)
    began = time.perf_counter()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        starts = torch.randint(len(training) - BLOCK, [BATCH, 1])
        windows = training[starts + torch.arange(BLOCK + 1)]
        loss = model(windows[:, :-1], windows[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    seconds = time.perf_counter() - began
    count = (len(validation) - 1) // BLOCK
    blocks = validation[BLOCK * torch.arange(count)[:, None] + torch.arange(BLOCK + 1)]
    with torch.inference_mode():
        loss = model(blocks[:, :-1], blocks[:, 1:]).item()
    print(json.dumps({"seconds": seconds, "loss": loss}))


if __name__ == "__main__":
    main()
