"""CorpusGen: corpus files -> record Examples, an index of ids and digests, and a report of what was dropped."""

import json
from collections.abc import Mapping
from pathlib import Path

import apache_beam as beam
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types.standard_artifacts import Examples

from components.artifacts import CorpusReport, RecordIndex
from components.corpus_page import write_corpus_page
from components.declared import Declared
from components.example_formats import mark_examples
from components.second_look import look_again
from preprocessing.base import progress
from preprocessing.base.job_cache import job_cache
from preprocessing.corpus.check import check_corpus
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.corpus.report import counted, describe_copies, describe_records, note_unmatched
from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus
from preprocessing.records.exclusion import with_exclude_file
from preprocessing.records.record import SPLITS


@component(use_beam=True)
def CorpusGen(  # noqa: N802 - a component is named like a class
    examples: OutputArtifact[Examples],
    index: OutputArtifact[RecordIndex],
    report: OutputArtifact[CorpusReport],
    root: Parameter[str],
    options: Parameter[str],
    seed: Parameter[int],
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Read every document of the corpus beneath `root`; every one becomes a record or a counted drop.

    options: CorpusOptions as JSON. What the cache (`job_cache`) knows as it is is not read again.
    Raises InputError for faults in the corpus, for too many drops, and,
    with `on_leak: fail`, for the same document in two splits.
    """
    corpus = with_exclude_file(root, CorpusOptions(**json.loads(options)))
    folders = CorpusFolders(examples.uri, index.uri, report.uri)
    seen = write_corpus(beam_pipeline, root, corpus, seed, folders, job_cache())
    counts = check_corpus(report.uri, corpus)
    # An empty split has no statistics to check, so the artifact does not name it.
    mark_examples(examples, [split for split in SPLITS if counts["splits"][split]])
    for name, value in (("records", counts["records"]), ("corpus_files", len(seen.files))):
        index.set_int_custom_property(name, value)
    if seen.read is not None:
        changed = counted(seen.read, "source")
        progress.report(message=f"{changed} read, the others are as they were in the last job")
    if not counts["splits"]["test"]:
        progress.report(message=_nothing_held_out(counts["splits"]))
    separator = corpus.document_separator
    if separator and counts["records"] + counts["dropped"] <= len(seen.files):
        progress.report(
            message=f"corpus.document_separator {separator!r} parts no file, each is one document: is it written as in "
            "the texts?"
        )
    if copies := describe_copies(counts):
        progress.report(message=f"{copies}; the corpus report names them")
    if unmatched := note_unmatched(report.uri, corpus.excluded):
        counts["exclude_unmatched"] = unmatched
        shown = ", ".join(unmatched[:5])
        more = f" and {len(unmatched) - 5} more" if len(unmatched) > 5 else ""
        progress.report(
            message=f"corpus.exclude names what the corpus does not have: {shown}{more}"
        )
    page = Path(report.uri, "corpus.html")
    read_with = Corpus(CorpusFiles(root).open, corpus, seed)
    seen_again = look_again(seen.files, read_with, counts["reasons"])
    write_corpus_page(page, counts, corpus, seen_again)
    progress.report(message=f"{describe_records(counts)}; report: {page}")


def _nothing_held_out(splits: Mapping[str, int]) -> str:
    """What is said of a corpus without a test split; what helps depends on who has said the splits."""
    remedies = [
        "where the names of files say splits, add a file named test or rename them so that they say none",
        "else raise corpus.test_fraction or add documents",
    ]
    if splits["validation"]:
        remedies.append("or set evaluation.split to validation")
    return f"no record is held out as test, so no model can be blessed: {'; '.join(remedies)}"


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return CorpusGen(
        root=declared.externals["corpus"],
        options=json.dumps(declared.section("corpus")),
        seed=declared.parameters["seed"],
    )
