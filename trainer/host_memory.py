"""Memory that a process need not hold."""

import ctypes
import os

# For the environment that a process is started with: the C library asks for pages of 2 MiB, where the
# system lets it. A step in low memory touches 8 GB of fresh pages, at 4 KiB 3 s of 2 million faults.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # of glibc's mallopt
_LARGE_BYTES = 1024 * 1024
_ARENAS = 1  # what one has freed another does not use


def return_freed_memory(large_bytes: int = _LARGE_BYTES) -> None:
    """Have tensors of so many bytes and more go back to the system as soon as they are freed.

    By default TensorFlow's kernels take them from a pool that doubles when it is full and never
    shrinks, and the C library keeps blocks for the next caller: a tenth to a fifth more than is ever
    in use. The price is that the system hands out fresh pages for every large tensor, less of it with
    `HUGE_PAGES`. To be called before TensorFlow computes anything: it looks at the variable once.
    """
    os.environ["TF_ONEDNN_USE_SYSTEM_ALLOCATOR"] = "1"
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, large_bytes)
        libc.mallopt(_ARENA_MAX, _ARENAS)


def let_gpu_memory_grow() -> None:
    """Have TensorFlow take a GPU's memory as it needs it, not all of it; before it computes anything.

    For processes that load a model. A training says the same to TensorFlow itself, which then refuses
    where it is too late (`trainer.device`).
    """
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
