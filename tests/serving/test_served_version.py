"""What a folder is served with: the defaults of an export, and what stands in their place."""

from pathlib import Path

import pytest

from preprocessing.base.errors import InputError
from serving.http.served_version import LoadOptions, _defaults, load_version
from serving.metrics import BatchingMetrics
from trainer.export_layout import SAMPLING_DEFAULTS, read_sampling_defaults, write_sampling_defaults
from trainer.options import GenerationOptions

OTHERS = GenerationOptions(max_new_tokens=3, temperature=0.25, top_k=7, top_p=0.5, beams=2)


def test_sampling_defaults_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_sampling_defaults(tmp_path, OTHERS)
    assert read_sampling_defaults(tmp_path) == OTHERS
    assert _defaults(tmp_path, GenerationOptions()) == OTHERS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"missing or damaged \('max_new_tokens'\); export the model again"),
        ("top_p\n", "missing or damaged"),
        (None, "top_p is 5.0; it must be greater than 0 and at most 1"),
    ],
    ids=["empty", "cut", "out_of_range"],
)
def test_damaged_defaults_are_named(tmp_path: Path, text: str | None, says: str) -> None:
    write_sampling_defaults(tmp_path, GenerationOptions(top_p=5.0))
    path = tmp_path / SAMPLING_DEFAULTS
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=f"^{path}: {says}"):
        _defaults(tmp_path, GenerationOptions())


def test_weights_have_the_defaults_and_the_vocabulary_that_they_are_loaded_with(
    checkpoint: Path,
) -> None:
    version = load_version(checkpoint, LoadOptions("bytes", OTHERS, BatchingMetrics()))
    try:
        assert version.defaults == OTHERS
        assert version.vocabulary is not None
        assert version.vocabulary.name == "bytes"
        assert (version.digest, version.provenance) == (None, None)
    finally:
        version.batching.stop()
