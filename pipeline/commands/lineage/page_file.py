"""Writing a page where `-o` says."""

from pathlib import Path

from preprocessing.base.errors import InputError
from preprocessing.base.staging import write_whole


def write_page(path: Path, html: str) -> None:
    """Write a page whole where `-o` says. Raises InputError where that cannot be."""
    if not path.absolute().parent.is_dir():
        raise InputError(f"-o {path}: its folder does not exist; make it first.")
    if path.suffix not in (".html", ".htm"):
        raise InputError(f"-o {path}: it is a page for a browser; name an .html file.")
    try:
        write_whole(path, html.encode())
    except OSError as error:
        raise InputError(
            f"-o {path}: cannot be written: {error.strerror}. Name another file."
        ) from error
