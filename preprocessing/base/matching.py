"""Beam's file calls that take patterns, for folders whose names may look like one: `exp [1]`, `what?`."""

import glob

from apache_beam.io.filesystems import FileSystems


def files_matching(folder: str, *patterns: str) -> list[str]:
    """The paths of the files below a folder whose parts match the patterns, one for each part, by name."""
    pattern = FileSystems.join(glob.escape(folder), *patterns)
    (match,) = FileSystems.match([pattern])
    return sorted(metadata.path for metadata in match.metadata_list)


def delete(path: str) -> None:
    """Remove a file or folder of exactly this name. Raises BeamIOError if there is none."""
    FileSystems.delete([glob.escape(path)])
