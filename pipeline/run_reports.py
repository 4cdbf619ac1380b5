"""What is told about a run: while it goes on, and what it came to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from pipeline.planning import Step
from pipeline.store import ServingEvent

NodeState = Literal["run", "cached", "failed", "skipped"]
Report = dict[str, Any]


class Display(Protocol):
    """What is told about a run while it goes on."""

    def started(self, step: Step) -> None:
        """A node is launched."""

    def report(self, node: str, report: Report) -> None:
        """A node says how far it is; an empty report says that time passed."""

    def ended(self, node: str, state: NodeState, seconds: float) -> None:
        """A node is done with."""

    def note(self, text: str) -> None:
        """Anything else worth a line."""


@dataclass
class RunResult:
    """What a run came to.

    blessed: None where nothing was evaluated. pinned: the rollback that kept `latest` from naming what was pushed.
    moved_latest: whether `latest` names another version than before.
    """

    run_id: str
    nodes: dict[str, NodeState] = field(default_factory=dict)
    blessed: bool | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    evaluation: Path | None = None
    pushed: str | None = None
    pinned: ServingEvent | None = None
    moved_latest: bool = False
    seconds: float = 0.0

    @property
    def launched(self) -> int:
        return sum(state == "run" for state in self.nodes.values())

    @property
    def did_anything(self) -> bool:
        """Whether anything is as it was not before the run."""
        return self.launched > 0 or self.moved_latest
