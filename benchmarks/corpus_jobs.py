"""CorpusGen's and Tokenizer's work on a corpus, in a process of its own whose CPU time and memory are taken.

The process is forked from one that has imported everything, as a node's process is from the warm server. Beam's workers
are its children: their imports count.
"""

import multiprocessing
import os
import resource
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from components.corpus_page import write_corpus_page
from pipeline.beam_flags import beam_flags
from pipeline.config import BeamOptions
from pipeline.node_server import collect_rarely
from preprocessing.base.job_cache import JobCache
from preprocessing.corpus.check import check_corpus
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.options import CorpusOptions, TokenOptions
from preprocessing.tokens.job import list_shards, write_token_rows


@dataclass(frozen=True)
class Usage:
    """What the jobs took.

    cpu: seconds of CPU time, user and system, of both jobs with their workers. by_job: of each.
    peak: the largest resident memory of any of their processes, in bytes.
    read: sources read; None for all. reused: tokenised shards taken from the store, of `shards`.
    """

    cpu: float
    by_job: tuple[float, float]
    peak: int
    read: int | None
    reused: int
    shards: int


def run_jobs(root: Path, workspace: Path, name: str) -> Usage:
    """Both jobs on the corpus at `root` into `workspace/name`, with the memory in `workspace`."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_jobs, args=(root, workspace, name, sender))
    process.start()
    sender.close()
    usage: Usage = receiver.recv()
    process.join()
    return usage


def _jobs(root: Path, workspace: Path, name: str, sender: Connection) -> None:
    collect_rarely()  # as a node's process does
    out = workspace / name
    options, tokens = (
        CorpusOptions(max_dropped_fraction=0.05),
        TokenOptions(over_long="truncate_prompt"),
    )
    flags = beam_flags(BeamOptions(), root, imports_tfx=False)
    folders = CorpusFolders(*(str(out / part) for part in ("examples", "index", "report")))
    began = _cpu_seconds()
    memory = JobCache(workspace)
    pipeline = beam.Pipeline(options=PipelineOptions(flags))
    read = write_corpus(pipeline, str(root), options, 1, folders, memory).read
    write_corpus_page(
        out / "report" / "corpus.html", check_corpus(folders.report_dir, options), options
    )
    records_made = _cpu_seconds()
    shards = list_shards(folders.examples_dir, str(out / "rows"))
    pipeline = beam.Pipeline(options=PipelineOptions(flags))
    reused = write_token_rows(pipeline, shards, tokens, str(out / "statistics"), memory)
    ended = _cpu_seconds()
    by_job = records_made - began, ended - records_made
    sender.send(Usage(sum(by_job), by_job, _peak(), read, reused, len(shards)))


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak() -> int:
    """Of this process and of each of its children that has ended."""
    who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return max(resource.getrusage(each).ru_maxrss for each in who) * 1024
