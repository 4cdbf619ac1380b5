"""`gpt2-tfx lineage export`: what stands behind a model, in a format of others."""

import argparse
import sys
from pathlib import Path

from pipeline import lineage
from pipeline.cli import print_json
from pipeline.lineage.workspace import LineageWorkspace
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.errors import FailureError, InputError
from preprocessing.base.staging import write_whole

_STDOUT = Path("-")


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Write the document to a file, or to stdout where none is named."""
    output = None if arguments.output == _STDOUT else arguments.output
    if arguments.json and output is None:
        raise InputError("--json: says what was written to a file; name one with -o FILE.")
    pushed = place.pushed(arguments.model)
    text = lineage.export(place.store, place.workspace, place.manifests, pushed, arguments.format)
    if output is None:
        sys.stdout.write(text)
        return 0
    content = text.encode()
    try:
        write_whole(output, content)
    except OSError as error:
        raise FailureError(f"{output}: cannot be written: {error.strerror}.") from error
    version = str(pushed.properties["pushed_version"])
    if arguments.json:
        print_json(
            {
                "model": version,
                "format": arguments.format,
                "file": str(output),
                "bytes": len(content),
                "sha256": sha256_bytes(content),
            }
        )
    else:
        print(f"{output}: {arguments.format} of version {version}, {len(content):,} bytes")
    return 0
