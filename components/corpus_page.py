"""The page that tells what became of the documents of a corpus."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from components.second_look import SecondLook
from preprocessing.base.pages import write_page
from preprocessing.corpus.report import counted
from preprocessing.options import CorpusOptions, TaskName

# What two documents have in common that count as the same.
_COMPARED: Mapping[TaskName, str] = MappingProxyType(
    {
        "cnn_dailymail": "the same article, whatever its highlights",
        "coqa": "the same story, whatever is asked about it",
        "text": "the same text",
    }
)


def write_corpus_page(
    path: Path, report: dict[str, Any], options: CorpusOptions, seen_again: SecondLook | None = None
) -> None:
    """Write a drop report (see `Tally.drops_report`) as a page for people."""
    look = seen_again or SecondLook()
    write_page(
        path,
        "corpus.html",
        "corpus.css",
        report=report,
        beginnings=look.beginnings,
        cleaning={step: examples for step, examples in look.cleaning.items() if examples},
        task=options.task,
        on_leak=options.on_leak,
        compared=_COMPARED[options.task],
        counted=counted,
    )
