"""Train GPT-2 with Hugging Face transformers (PyTorch) on random tokens; prints seconds a step.

Reads a JSON job from the command line: batches (a list of lists of row lengths, padded to the
longest of each), steps, weights (`autocast`: float32 weights and a bfloat16 autocast; `bfloat16`:
weights, gradients and optimizer state in bfloat16), target (the last share of a row that is in the loss; 1.0
is all of it). Attention is PyTorch's scaled_dot_product_attention,
the optimizer its fused AdamW.
"""

import json
import statistics
import sys
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

IGNORED = -100  # a label that is not counted


def main() -> None:
    """Train, and print {"seconds": the median step} as JSON."""
    job = json.loads(sys.argv[1])
    torch.manual_seed(0)
    config = GPT2Config(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False)
    model = GPT2LMHeadModel._from_config(config, attn_implementation="sdpa")
    pure = job["weights"] == "bfloat16"
    if pure:
        model = model.to(torch.bfloat16)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)

    def step(lengths: list[int]) -> None:
        longest = max(lengths)
        ids = torch.randint(0, config.vocab_size, [len(lengths), longest])
        mask = (torch.arange(longest) < torch.tensor(lengths)[:, None]).long()
        places, ends = torch.arange(longest), torch.tensor(lengths)[:, None]
        from_here = ends - torch.round(ends * job.get("target", 1.0))
        labels = torch.where((places >= from_here) & (mask > 0), ids, IGNORED)
        attention_mask = None if min(lengths) == longest else mask
        with torch.autocast("cpu", torch.bfloat16, enabled=not pure):
            loss = model(ids, attention_mask=attention_mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    for lengths in job["batches"][:2]:
        step(lengths)
    seconds = []
    for number in range(job["steps"]):
        began = time.perf_counter()
        step(job["batches"][number % len(job["batches"])])
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": statistics.median(seconds), "total": sum(seconds)}))


if __name__ == "__main__":
    main()
