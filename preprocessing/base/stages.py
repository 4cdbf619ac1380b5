"""Functions as stages of a Beam pipeline, and what lies between them, on any runner.

A stage takes what it needs by grouping, never as a side input: Beam's runner for Dask (2.77) makes a side input anew
for each partition, with all stages before it, and gives some elements twice. It also forgets the tags of outputs, so a
stage gives values of one type, and what others need of them is taken out in stages of their own.
"""

from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions


class Stage(beam.DoFn):
    """A function from an element to elements.

    Where it runs the file systems have the pipeline's options (which S3 server); on Dask nobody else says so.
    """

    def __init__(self, function: Callable[[Any], Iterable[Any]], pipeline: beam.Pipeline) -> None:
        self._function = function
        self._options = pipeline.options.get_all_options(drop_default=True)

    def setup(self) -> None:
        """Tell the file systems."""
        FileSystems.set_options(PipelineOptions([], **self._options))

    def process(self, element: Any) -> Iterable[Any]:
        """What the function gives."""
        return self._function(element)


class Spread(beam.PTransform):
    """The elements, shared out among the workers; of one key there is one. Beam's Reshuffle does nothing on Dask."""

    def __init__(self, key_of: Callable[[Any], int]) -> None:
        super().__init__()
        self._key_of = key_of

    def expand(self, collection: beam.PCollection) -> beam.PCollection:
        """Group them by their keys."""
        key_of = self._key_of
        return (
            collection
            | "Key" >> beam.Map(lambda element: (key_of(element), element))
            | "Group" >> beam.GroupByKey()
            | "Value" >> beam.Map(lambda group: next(iter(group[1])))
        )


class Gathered(beam.PTransform):
    """All elements of a collection as one list, in no order."""

    def expand(self, collection: beam.PCollection) -> beam.PCollection:
        """Group them under one key."""
        return (
            collection
            | "Key" >> beam.Map(lambda element: (0, element))
            | "Group" >> beam.GroupByKey()
            | "Values" >> beam.Map(lambda group: list(group[1]))
        )
