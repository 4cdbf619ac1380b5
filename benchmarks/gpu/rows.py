"""The rows of the table, in the order of what matters first."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measurement, made by a program of `programs/` in a process of its own.

    job: what the program is told, as JSON; small: what replaces parts of it in the small form.
    torch: whether it is a peer's, in PyTorch. least_seconds: without so many left it is not begun.
    limit_seconds: after so many it is ended.
    """

    name: str
    program: str
    job: dict[str, Any] = field(default_factory=dict)
    small: dict[str, Any] = field(default_factory=dict)
    torch: bool = False
    least_seconds: float = 25
    limit_seconds: float = 150


_TINY = {
    "layers": 2,
    "width": 64,
    "heads": 1,
    "length": 64,
    "rows": 2,
    "steps": 2,
    "vocabulary": 211,
}


def _train(name: str, size: str, rows: int, steps: int = 12, **options: Any) -> Row:
    job = {"size": size, "rows": rows, "length": 1024, "steps": steps, "options": options}
    return Row(name, "train", job, _TINY)


def _peer(name: str, size: str, rows: int, steps: int = 12) -> Row:
    job = {"size": size, "rows": rows, "length": 1024, "steps": steps}
    return Row(name, "torch_train", job, torch=True)


def _low(name: str, size: str, optimizer: str = "adamw", steps: int = 6) -> Row:
    return _train(name, size, 1, steps, low_memory=True, clip_norm=None, optimizer=optimizer)


def _generate(name: str, rows: int, prompt: int, new: int) -> Row:
    small = {
        "layers": 2,
        "width": 64,
        "heads": 1,
        "rows": 2,
        "prompt": 8,
        "new": 4,
        "vocabulary": 211,
    }
    return Row(
        name, "generate", {"size": "124M", "rows": rows, "prompt": prompt, "new": new}, small
    )


ROWS = [
    Row("device", "device", small={"side": 64}),
    Row("correctness", "correctness", small={"one_segment": [False]}),
    _train("train_124M", "124M", 32),
    _peer("torch_train_124M", "124M", 32),
    _low("memory_train_1558M", "1558M"),
    _low("memory_train_1558M_adafactor", "1558M", "adafactor"),
    _generate("generate_32x512", 32, 512, 64),
    Row(
        "torch_generate_32x512",
        "torch_generate",
        {"size": "124M", "rows": 32, "prompt": 512, "new": 64},
        torch=True,
    ),
    _low("memory_train_124M", "124M"),
    _low("memory_train_355M", "355M"),
    _low("memory_train_774M", "774M"),
    Row(
        "train_124M_without_flash",
        "train",
        {"size": "124M", "rows": 16, "length": 1024, "steps": 12, "attention": "recompute"},
        _TINY,
    ),
    _train("train_1558M", "1558M", 4, 6),
    _peer("torch_train_1558M", "1558M", 4, 6),
    _train("train_355M", "355M", 16),
    _train("train_774M", "774M", 8),
    _train("train_124M_float16", "124M", 16, 20, precision="float16"),
    _train("train_124M_summaries", "124M", 32, counting=0.08),
    _generate("generate_1x64", 1, 64, 64),
    Row("profile_124M", "profile", {"size": "124M", "rows": 32, "length": 1024}, _TINY),
    Row(
        "profile_1558M",
        "profile",
        {
            "size": "1558M",
            "rows": 1,
            "length": 1024,
            "options": {"low_memory": True, "clip_norm": None},
        },
        _TINY,
    ),
]
