"""The peer of `train`: GPT-2 in PyTorch in the way of nanoGPT, written for this benchmark.

bfloat16 autocast over float32 weights, fused AdamW, `scaled_dot_product_attention`, `torch.compile`,
gradients clipped at 1 (https://github.com/karpathy/nanoGPT describes the way). Packed rows of one segment.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

SIZES = {
    "124M": (12, 12, 768),
    "355M": (24, 16, 1024),
    "774M": (36, 20, 1280),
    "1558M": (48, 25, 1600),
}
VOCABULARY, CONTEXT = 50304, 1024  # the vocabulary is rounded up, as nanoGPT does for speed


class Block(nn.Module):
    """A block: attention, then the MLP."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.joined, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        parts = self.joined(self.norm_1(x)).split(width, dim=2)
        shape = (rows, length, self.heads, width // self.heads)
        query, key, value = (part.view(shape).transpose(1, 2) for part in parts)
        attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mixed(attended.transpose(1, 2).reshape(rows, length, width))
        expanded = functional.gelu(self.wide(self.norm_2(x)), approximate="tanh")
        return x + self.narrow(expanded)


class Model(nn.Module):
    """A GPT-2 with its loss; the embedding is the output layer."""

    def __init__(self, layers: int, heads: int, width: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(CONTEXT, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.tokens.weight, std=0.02)

    def forward(self, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = functional.linear(self.norm(x), self.tokens.weight)
        return functional.cross_entropy(logits.view(-1, VOCABULARY), labels.reshape(-1))


def main() -> None:
    """Train on random tokens; print tokens a second and peak memory."""
    job = json.loads(sys.argv[1])
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    model = Model(*SIZES[job["size"]]).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    compiled = torch.compile(model)
    ids = torch.randint(0, 50257, (job["steps"], job["rows"], job["length"] + 1), device="cuda")

    def step(number: int) -> torch.Tensor:
        with torch.autocast("cuda", torch.bfloat16):
            loss = compiled(ids[number, :, :-1], ids[number, :, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    began = time.perf_counter()
    for _ in range(3):
        step(0)
    torch.cuda.synchronize()
    compile_seconds = time.perf_counter() - began
    began = time.perf_counter()
    for number in range(job["steps"]):
        loss = step(number)
    torch.cuda.synchronize()
    seconds = (time.perf_counter() - began) / job["steps"]
    print(
        json.dumps(
            {
                "torch": torch.__version__,
                "device": torch.cuda.get_device_name(),
                "rows": job["rows"],
                "tokens_per_s": job["rows"] * job["length"] / seconds,
                "step_s": seconds,
                "compile_s": compile_seconds,
                "peak_gb": torch.cuda.max_memory_allocated() / 1e9,
                "last_loss": float(loss),
            }
        )
    )


if __name__ == "__main__":
    main()
