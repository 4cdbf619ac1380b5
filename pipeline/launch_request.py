"""One node to launch, as it is passed to the process that launches it (no TFX here)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import LoadedConfig


@dataclass(frozen=True)
class LaunchRequest:
    """One node to launch.

    inputs: input key -> artifact id. They are pinned, so that what is read is what the key was made of.
    lease: the lease under which it is launched, by key and generation. A launch of another is another execution.
    environment: variables that hand paths of this machine to the executor, which must not be in the key.
    """

    loaded: LoadedConfig
    node: str
    run_id: str
    key: str
    inputs: Mapping[str, int]
    lease: tuple[str, int]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class NodeTask:
    """A node to launch in a process of its own. log: what its process prints into; None: what the server does."""

    request: LaunchRequest
    log: Path | None
