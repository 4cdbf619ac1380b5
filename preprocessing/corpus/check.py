"""Whether a corpus is fit to be trained on, by what became of its documents."""

from typing import Any

from preprocessing.base.errors import InputError
from preprocessing.corpus.report import (
    CHOSEN_REASONS,
    counted,
    leaked_records,
    read_drops,
    read_faults,
    unfit_documents,
)
from preprocessing.options import CorpusOptions
from preprocessing.records.firsts import MOST

_DOCUMENTS_NAMED = 3
_LEAKS_NAMED = 5


def check_corpus(report_dir: str, options: CorpusOptions) -> dict[str, Any]:
    """The drop report in `report_dir` (see `Tally.drops_report`), if the corpus is fit to use.

    Raises InputError for a corpus with faults, with a larger share of dropped documents than
    `max_dropped_fraction` (not counting leaks and excluded ones), with leaks and `on_leak: fail`, without records,
    or without a record to train on.
    """
    if faults := read_faults(report_dir):
        raise faults_error(faults["first"], faults["count"])
    report = read_drops(report_dir)
    records, unfit = report["records"], unfit_documents(report)
    documents = records + report["dropped"]
    if unfit > options.max_dropped_fraction * documents:
        raise InputError(
            f"{unfit} of {documents} documents were dropped, more than "
            f"corpus.max_dropped_fraction {options.max_dropped_fraction:g} allows; "
            "fix or remove the files, or raise corpus.max_dropped_fraction",
            *(
                _describe(reason, entry)
                for reason, entry in report["reasons"].items()
                if reason not in CHOSEN_REASONS
            ),
        )
    if options.on_leak == "fail" and report["leaks"]["count"]:
        raise leak_error(report["leaks"])
    if not records:
        raise InputError(f"{options.path}: no record in the corpus; set corpus.path to another")
    if not report["splits"]["train"]:
        remedy = (
            "add documents (where names of files say splits, a file named train), or lower "
            "corpus.validation_fraction and corpus.test_fraction"
        )
        if leaked := leaked_records(report):
            remedy = (
                f"{counted(leaked, 'record was', 'records were')} dropped as copies of held-out "
                "documents; remove the held-out copies, or set corpus.on_leak to warn"
            )
        raise InputError(
            f"{options.path}: no record to train on, the splits have {report['splits']}; {remedy}"
        )
    return report


def _describe(reason: str, entry: dict[str, Any]) -> str:
    """A line for a reason: how often, and the first documents."""
    documents = "; ".join(
        f"{drop['source']}: {drop['id']} ({drop['detail']})"
        for drop in entry["first"][:_DOCUMENTS_NAMED]
    )
    return f"  {reason}: {entry['count']}, first {documents}"


def leak_error(leaks: dict[str, Any]) -> InputError:
    """The error that names the first leaks, and what to do about them."""
    lines = []
    for group in leaks["first"][:_LEAKS_NAMED]:
        first, *others = (
            f"{document['id']} ({document['source']}, split {document['split']})"
            for document in group["first"]
        )
        hidden = group["count"] - len(group["first"])
        more = f" and {counted(hidden, 'more document')}" if hidden else ""
        lines.append(f"  {first} is also {', '.join(others)}{more}")
    hidden = leaks["count"] - len(lines)
    return InputError(
        f"{counted(leaks['count'], 'document is', 'documents are')} in more than one split, so "
        "the scores would be of documents that the model has seen; remove the copies from all "
        "splits but one, or set corpus.on_leak to drop (test is kept before validation, "
        "validation before train) or to warn",
        *lines,
        *(
            [f"  and {hidden} more; the report of a run with on_leak warn shows them"]
            if hidden
            else []
        ),
    )


def faults_error(messages: list[str], count: int) -> InputError:
    """The error that reports the first of `count` faults."""
    shown = messages[:MOST]
    hidden = count - len(shown)
    return InputError(*shown, *([f"and {hidden} more faults of this kind"] if hidden else []))
