"""OpenAI's checkpoints from where OpenAI published them.

What is known beforehand: the data file is four bytes for each weight; the vocabulary's two files
and the 124M data file have a known sha256. Of the other files no checksums are published: they are
compared with the length and the MD5 that the server declares (Content-MD5, x-goog-hash). At the end
the checkpoint is read whole: its names, shapes and TensorFlow's own checksums.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.downloads.file_download import Expected, FileDownload, Patience, Progress, fault_of
from preprocessing.base.errors import InputError
from preprocessing.tokens.vocabulary_files import GPT2_SHA256
from trainer.config import SIZES

BASE_URL = "https://openaipublic.blob.core.windows.net/gpt-2/models"
BASE_URL_VARIABLE = "GPT2_TFX_MODELS_URL"
DATA_FILE = "model.ckpt.data-00000-of-00001"
FILES = (
    "hparams.json",
    "encoder.json",
    "vocab.bpe",
    "checkpoint",
    "model.ckpt.index",
    "model.ckpt.meta",
    DATA_FILE,
)
DATA_SHA256 = {"124M": "2060c885360cc0cf41d7a6dbc4d24b5127aae20260c8b5ae521b5a6578407118"}


def download(
    size: str,
    folder: Path,
    report: Callable[[Progress], None],
    base_url: str = BASE_URL,
    patience: Patience | None = None,
) -> None:
    """Fill a folder with the seven files of a size, each renamed when it is whole and right.

    Files that are there already are kept; what an interrupted download left is gone on with.
    Raises InputError where the size or the URL is none, DownloadError where a file cannot be had,
    and either where the checkpoint does not load in the end.
    """
    if size not in SIZES or size == "tiny":
        known = ", ".join(name for name in SIZES if name != "tiny")
        raise InputError(f"{size}: OpenAI published no such size; choose one of {known}")
    if not re.match(r"https?://", base_url):
        raise InputError(f"{BASE_URL_VARIABLE} is {base_url!r}; it must begin with https://")
    folder.mkdir(parents=True, exist_ok=True)
    files = _expected_files(size)
    for name, expected in files.items():
        path = folder / name
        if path.is_file() and fault_of(path, expected) is None:
            continue
        url = f"{base_url.rstrip('/')}/{size}/{name}"
        FileDownload(url, path, expected, report, patience or Patience()).fetch()
    try:
        _require_whole_checkpoint(folder, size)
    except InputError:
        for name, expected in files.items():
            if expected.sha256 is None:  # one of these is wrong, and the next call fetches it anew
                (folder / name).unlink()
        raise


def _expected_files(size: str) -> Mapping[str, Expected]:
    """What is known of each file of a size."""
    known = {name: Expected(sha256=digest) for name, digest in GPT2_SHA256.items()}
    known[DATA_FILE] = Expected(4 * SIZES[size].parameters, DATA_SHA256.get(size))
    return {name: known.get(name, Expected()) for name in FILES}


def _require_whole_checkpoint(folder: Path, size: str) -> None:
    """Read every tensor once, so that names, shapes and checksums are compared."""
    # TensorFlow, which the download itself does not need
    from trainer.weights import read_config, tensors

    config = read_config(folder)
    if config != SIZES[size]:
        raise InputError(
            f"{folder / 'hparams.json'}: {config} is not {size}, which is {SIZES[size]}; remove the "
            "folder and download again"
        )
    for _ in tensors(folder, config):
        pass
