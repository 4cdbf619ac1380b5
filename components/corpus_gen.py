"""CorpusGen: corpus files -> record Examples, an index of ids and digests, and a report of what was dropped."""

import json
from pathlib import Path

import apache_beam as beam
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Examples

from components.artifacts import CorpusReport, RecordIndex
from components.example_formats import mark_examples
from components.pages import write_page
from preprocessing import progress
from preprocessing.corpus_job import check_corpus, write_corpus
from preprocessing.options import CorpusOptions
from preprocessing.records import SPLITS
from preprocessing.sources import list_sources


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

    options: CorpusOptions as JSON. Raises InputError for faults in the corpus and for too many drops.
    """
    corpus = CorpusOptions(**json.loads(options))
    sources = list_sources(Path(root), corpus)
    with beam_pipeline as pipeline:
        write_corpus(pipeline, root, sources, corpus, seed, examples.uri, index.uri, report.uri)
    counts = check_corpus(report.uri, corpus)
    # An empty split has no statistics to check, so the artifact does not name it.
    mark_examples(examples, [split for split in SPLITS if counts["splits"][split]])
    for name, value in (("records", counts["records"]), ("corpus_files", len(sources))):
        index.set_int_custom_property(name, value)
    if counts["dropped"]:
        reasons = ", ".join(f"{name} {drop['count']}" for name, drop in counts["reasons"].items())
        progress.report(message=f"{counts['dropped']} documents were dropped: {reasons}")
    write_page(Path(report.uri, "corpus.html"), "corpus.html", report=counts, task=corpus.task)
