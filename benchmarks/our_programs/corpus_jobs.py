"""CorpusGen's and Tokenizer's Beam jobs as a pipeline runs them: the subject of `corpus_to_tfrecords`.

`python -m benchmarks.our_programs.corpus_jobs STORIES OUT` prints the seconds of each job, imports of this process
not counted, those of the workers that the jobs start counted.
"""

import sys
import time
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.beam_flags import beam_flags
from pipeline.config import BeamOptions
from preprocessing.corpus.check import check_corpus
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.options import CorpusOptions, TokenOptions
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.job import list_shards, write_token_rows


def main() -> None:
    """Run both jobs."""
    root, out = map(Path, sys.argv[1:])
    examples, index, report, rows, statistics = (
        str(out / name) for name in ("examples", "index", "report", "rows", "statistics")
    )
    options = CorpusOptions(path=str(root))
    flags = PipelineOptions(beam_flags(BeamOptions(), root, imports_tfx=False))
    began = time.perf_counter()
    folders = CorpusFolders(examples, index, report)
    write_corpus(beam.Pipeline(options=flags), str(root), options, 1, folders)
    check_corpus(report, options)
    middle = time.perf_counter()
    shards = list_shards(examples, rows)
    pipeline = beam.Pipeline(options=flags)
    tokens = TASKS[options.task].token_options(TokenOptions())
    write_token_rows(pipeline, shards, tokens, statistics)
    print(middle - began, time.perf_counter() - middle)


if __name__ == "__main__":
    main()
