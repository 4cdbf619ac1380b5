"""What is told beside the scores of an evaluation: leaks of its corpus, curves of its training, their pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.curves import Plot, plots
from preprocessing.base.pages import seen_from
from preprocessing.corpus.report import read_drops
from trainer.history import HISTORY_FILE, TRAINING_PAGE, History

CORPUS_PAGE = "corpus.html"


@dataclass(frozen=True)
class Background:
    """What an evaluation's page shows beside the evaluation itself.

    curves: of the training. pages: what each is of -> where it lies, as seen from the evaluation's own page.
    """

    curves: Sequence[Plot] = ()
    pages: Mapping[str, str] = field(default_factory=dict)


def background(folder: Path, model_run: Path, report: Path) -> Background:
    """The background of an evaluation whose page lies in a folder.

    model_run, report: the folders of its training and of its corpus' report. What a purge has taken is left out.
    """
    pages = {
        "training": model_run / TRAINING_PAGE,
        "corpus": report / CORPUS_PAGE,
    }
    found = {name: seen_from(folder, page) for name, page in pages.items() if page.is_file()}
    return Background(_curves(model_run), found)


def leaks_of(report: Path, split: str) -> dict[str, Any]:
    """How far the rows of a split are of documents that the corpus has elsewhere too.

    documents: how many are in more than one split of the corpus. records: of the split; exposed: of these, those of
    which the training set has a copy.
    """
    found = read_drops(str(report))
    return {
        "documents": found["leaks"]["count"],
        "records": found["splits"][split],
        "exposed": found["exposed"].get(split, 0),
    }


def _curves(model_run: Path) -> list[Plot]:
    try:
        return plots(History.from_json((model_run / HISTORY_FILE).read_bytes()))
    except FileNotFoundError:
        return []
