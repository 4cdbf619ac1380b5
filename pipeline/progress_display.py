"""A run on stderr: a line for each node, and beneath it how far the one that runs has come."""

import shutil
import sys
import time
from typing import Any, TextIO

from pipeline.planning import Step, reasons_text

_PLAIN_INTERVAL = 10.0


class QuietDisplay:
    """Says nothing of a run: its result and its failure are told by who started it."""

    def started(self, step: Step) -> None:
        """A node is launched."""

    def report(self, node: str, report: dict[str, Any]) -> None:
        """A node says how far it is."""

    def ended(self, node: str, state: str, seconds: float) -> None:
        """A node is done with."""

    def note(self, text: str) -> None:
        """Anything else worth a line."""


class ProgressDisplay:
    """Writes a line that renews itself on a terminal; elsewhere a plain line every ten seconds."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._began = self._written = 0.0
        self._last: dict[str, Any] = {}

    def started(self, step: Step) -> None:
        """A node is launched."""
        self._began, self._last, self._written = time.monotonic(), {}, 0.0
        self._line(f"{step.node.name:<17} running   {reasons_text(step.reasons)}")

    def report(self, node: str, report: dict[str, Any]) -> None:
        """A node says how far it is; a message becomes a line of its own."""
        if "message" in report:
            self._line(f"{node:<17} {report['message']}")
            return
        if not self._last or report.get("phase", self._last.get("phase")) != self._last.get(
            "phase"
        ):
            self._last = {"phase_began": time.monotonic()}
        self._last.update(report)
        now = time.monotonic()
        if self._terminal:
            self._renew(f"{node:<17} {self._text(now)}")
        elif self._last.get("phase") and now - self._written >= _PLAIN_INTERVAL:
            self._written = now
            self._line(f"{node:<17} {self._text(now)}")

    def ended(self, node: str, state: str, seconds: float) -> None:
        """A node is done with."""
        shown = {"run": "done", "cached": "cached"}.get(state, state)
        self._line(
            f"{node:<17} {shown:<9} {duration(seconds) if state != 'skipped' else ''}".rstrip()
        )

    def note(self, text: str) -> None:
        """Anything else worth a line."""
        self._line(text)

    def _text(self, now: float) -> str:
        values = self._last
        parts = [str(values.get("phase", "starting"))]
        if "step" in values:
            parts.append(f"step {values['step']}/{values['steps']}")
        if "loss" in values:
            parts.append(f"loss {values['loss']:.4f}")
        if "validation_loss" in values:
            parts.append(f"validation loss {values['validation_loss']:.4f}")
        if "tokens_per_s" in values:
            parts.append(f"{values['tokens_per_s']:,.0f} tokens/s")
        if "done" in values:
            parts += self._counted(values, now)
        if "seconds_left" in values:
            parts.append(f"{duration(values['seconds_left'])} left")
        parts.append(duration(now - self._began))
        return ", ".join(parts)

    @staticmethod
    def _counted(values: dict[str, Any], now: float) -> list[str]:
        done, total, unit = values["done"], values.get("total"), values.get("unit", "")
        elapsed = now - values["phase_began"]
        parts = [f"{done:,}/{total:,} {unit}" if total else f"{done:,} {unit}"]
        if elapsed > 0.5:
            rate = done / elapsed
            parts.append(f"{rate:,.0f} {unit}/s")
            if total and rate:
                parts.append(f"{duration((total - done) / rate)} left")
        return parts

    def _renew(self, text: str) -> None:
        width = shutil.get_terminal_size().columns
        self._stream.write(f"\r\x1b[K{text[: width - 1]}")
        self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}\n" if self._terminal else f"{text}\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """A duration for people.

    >>> duration(0.25), duration(75), duration(3700)
    ('0.2 s', '1 min 15 s', '1 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def byte_count(count: float) -> str:
    """A number of bytes for people, in decimal units.

    >>> byte_count(512), byte_count(5_200), byte_count(3_400_000_000)
    ('512 B', '5.2 kB', '3.4 GB')
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
