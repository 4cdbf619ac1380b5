"""GPT-2s of transformers, trained in plain PyTorch: `python train.py FOLDER REQUEST BATCHES RESULTS`.

REQUEST is a JSON object of trainings by name: the fields of TrainingOptions, and `epoch`, the steps in one. BATCHES is
an .npz file: `NAME/FEATURE` int [steps, rows, L], and `NAME/lora/VARIABLE`, what LoRA's matrices begin as. RESULTS is
an .npz file: `NAME/losses` and `NAME/norms` [steps], and `NAME/VARIABLE`, the weights at the end by our names. All is
computed in float64.
"""

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from transformers import GPT2LMHeadModel
from transformers.optimization import Adafactor


class LowRank(torch.nn.Module):
    """A layer x w + b with x a b scale beside it."""

    def __init__(self, layer: torch.nn.Module, a: np.ndarray, b: np.ndarray, scale: float) -> None:
        super().__init__()
        self.layer, self.scale = layer, scale
        self.a, self.b = (
            torch.nn.Parameter(torch.tensor(value, dtype=layer.weight.dtype)) for value in (a, b)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + self.scale * (x @ self.a @ self.b)


def our_name(name: str) -> str:
    """`model/h0/attn/c_attn/w` for `transformer.h.0.attn.c_attn.weight`."""
    *parts, kind = re.sub(r"transformer\.(h\.)?", "", name).split(".")
    if parts[0].isdecimal():
        parts[0] = f"h{parts[0]}"
    letter = "b" if kind == "bias" else "g" if parts[-1].startswith("ln") else "w"
    return "/".join(["model", *parts, *([] if parts[0] in ("wte", "wpe") else [letter])])


def rate_of(step: int, o: dict) -> float:
    """The learning rate of a step, counted from 0."""
    peak, warmup = o["learning_rate"], o["warmup_steps"]
    if step < warmup:
        return peak * (step + 1) / warmup
    if o["schedule"] == "cosine":
        part = (step - warmup) / (o["steps"] - warmup)
        low = o["min_learning_rate"]
        return low + (peak - low) * (1 + math.cos(math.pi * part)) / 2
    if o["schedule"] == "step":
        return peak * o["decay_rate"] ** (step // (o["decay_epochs"] * o["epoch"]))
    return peak


def trained_of(model: GPT2LMHeadModel, o: dict, matrices: dict[str, np.ndarray]) -> dict:
    """The parameters that are trained by name; all others are frozen."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    if o["lora_rank"]:
        scale = o["lora_alpha"] / o["lora_rank"]
        for name in sorted({key.rpartition("/")[0] for key in matrices}):
            *_, block, group, layer = name.split("/")
            parent = getattr(model.transformer.h[int(block[1:])], group)
            a, b = (matrices[f"{name}/lora_{which}"] for which in "ab")
            setattr(parent, layer, LowRank(getattr(parent, layer), a, b, scale))
        return {n: p for n, p in model.named_parameters() if n.endswith((".a", ".b"))}
    trained = {}
    for name, parameter in model.named_parameters():
        block = re.search(r"\.h\.(\d+)\.", name)
        if block and int(block[1]) < o["freeze_blocks"]:
            continue
        if o["freeze_embeddings"] and re.search(r"\.w[tp]e\.", name):
            continue
        trained[name] = parameter.requires_grad_(True)
    return trained


def optimizer_of(trained: dict, o: dict) -> torch.optim.Optimizer:
    """The optimizer; matrices decay, vectors do not."""
    groups = [
        {"params": [p for p in trained.values() if p.ndim > 1], "weight_decay": o["weight_decay"]},
        {"params": [p for p in trained.values() if p.ndim == 1], "weight_decay": 0.0},
    ]
    if o["optimizer"] == "adafactor":
        return Adafactor(groups, lr=o["learning_rate"], scale_parameter=False, relative_step=False)
    betas = (o["beta1"], o["beta2"])
    return torch.optim.AdamW(groups, lr=o["learning_rate"], betas=betas, eps=o["epsilon"])


def summed_loss(model: GPT2LMHeadModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The sum of the losses that count, who sees whom given as a matrix."""
    segments, ids = batch["segment_ids"], batch["input_ids"]
    causal = torch.ones(ids.shape[1], ids.shape[1]).tril().bool()
    seen = (segments[:, :, None] == segments[:, None, :]) & causal
    mask = torch.zeros(seen.shape, dtype=model.dtype).masked_fill(
        ~seen, torch.finfo(model.dtype).min
    )
    logits = model(ids, attention_mask=mask[:, None], position_ids=batch["positions"]).logits
    losses = cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    return (losses * counted(batch).flatten()).sum()


def counted(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Which predictions count, [B, L - 1]: within a record, of a token in the loss."""
    segments = batch["segment_ids"]
    same = (segments[:, 1:] == segments[:, :-1]) & (segments[:, 1:] > 0)
    return same & (batch["loss_mask"][:, 1:] > 0)


def train(folder: Path, o: dict, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Losses, norms and weights of one training."""
    model = GPT2LMHeadModel.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    matrices = {n.removeprefix("lora/"): v for n, v in given.items() if n.startswith("lora/")}
    trained = trained_of(model, o, matrices)
    optimizer = optimizer_of(trained, o)
    losses, norms = [], []
    for step in range(o["steps"]):
        batch = {n: torch.tensor(v[step]).long() for n, v in given.items() if "/" not in n}
        count = counted(batch).sum()
        optimizer.zero_grad()
        total = 0.0
        for part in zip(*(value.chunk(o["accumulate"]) for value in batch.values()), strict=True):
            loss = summed_loss(model, dict(zip(batch, part, strict=True))) / count
            loss.backward()
            total += float(loss.detach())
        limit = o["clip_norm"] or math.inf
        norms.append(float(clip_grad_norm_(trained.values(), limit)))
        for group in optimizer.param_groups:
            group["lr"] = rate_of(step, o)
        optimizer.step()
        losses.append(total)
    return {"losses": np.array(losses), "norms": np.array(norms), **weights_of(model)}


def weights_of(model: GPT2LMHeadModel) -> dict[str, np.ndarray]:
    """The weights by our names, LoRA's updates added."""
    found = {}
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, LowRank):
                module.layer.weight += module.scale * (module.a @ module.b)
    for name, parameter in model.named_parameters():
        if not name.endswith((".a", ".b")):
            found[our_name(name.replace(".layer.", "."))] = parameter.detach().numpy()
    return found


def main() -> None:
    """Train every model that is asked for."""
    folder, request, batches, results = map(Path, sys.argv[1:])
    # operations this small are slower in several threads
    torch.set_num_threads(1)
    asked = json.loads(request.read_text(encoding="utf-8"))
    with np.load(batches) as loaded:
        given = dict(loaded)
    found = {}
    for name, options in asked.items():
        own = {k.removeprefix(f"{name}/"): v for k, v in given.items() if k.startswith(f"{name}/")}
        found |= {f"{name}/{key}": value for key, value in train(folder, options, own).items()}
    np.savez(results, **found)


if __name__ == "__main__":
    main()
