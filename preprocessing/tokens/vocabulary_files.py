"""The two files of a vocabulary, and the digest of its content (no NumPy, no tiktoken here)."""

from collections.abc import Callable
from pathlib import Path

from preprocessing.base.digests import combine, sha256_text
from preprocessing.base.errors import InputError

ENCODER_FILE = "encoder.json"
MERGES_FILE = "vocab.bpe"

# Vocabularies that need no folder.
SHIPPED = ("gpt2", "bytes")

# The environment variable that says which digest a vocabulary's content must have where one is loaded.
VOCABULARY_DIGEST_VARIABLE = "GPT2_TFX_VOCABULARY_DIGEST"

# sha256 of OpenAI's own files
GPT2_SHA256 = {
    ENCODER_FILE: "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    MERGES_FILE: "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
}


def vocabulary_digest(name: str, file_digest: Callable[[Path], str]) -> str:
    """The digest of what a vocabulary is made from; its name and path play no part.

    name: `gpt2`, `bytes` or a folder. file_digest: gives the sha256 of a file.
    Raises InputError where a file of a folder cannot be read.
    """
    if name == "bytes":
        return sha256_text(name)
    if name == "gpt2":
        return combine(GPT2_SHA256)
    found = {}
    for file in (ENCODER_FILE, MERGES_FILE):
        path = Path(name) / file
        try:
            found[file] = file_digest(path)
        except OSError as error:
            raise unreadable(path, error) from error
    return combine(found)


def unreadable(path: Path, error: OSError) -> InputError:
    """What is said of a vocabulary's file that cannot be read."""
    return InputError(
        f"{path}: cannot be read ({error.strerror}); a vocabulary is gpt2, bytes, or a folder "
        f"that holds {ENCODER_FILE} and {MERGES_FILE}"
    )
