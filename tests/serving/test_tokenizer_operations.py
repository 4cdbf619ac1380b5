"""A server of an export takes one library of TensorFlow Text, and not the package."""

import json
import subprocess
import sys
from pathlib import Path

from preprocessing.tokens.vocabulary import load_vocabulary
from tests.trainer.random_models import random_model
from trainer.config import GPT2Config
from trainer.export import export
from trainer.options import GenerationOptions

READER = """
import json, sys
from pathlib import Path
from serving.model import load_model

(completion,) = load_model(Path(sys.argv[1])).generate(["it's  2 late"], max_new_tokens=4)
print(json.dumps({"tokens": completion.tokens, "packages": sorted(sys.modules)}))
"""


def test_an_export_generates_without_the_package(tmp_path: Path) -> None:
    vocabulary = load_vocabulary("bytes")
    config = GPT2Config(vocabulary.size, context=32, width=32, heads=4, layers=1)
    export(random_model(config, seed=1), vocabulary, GenerationOptions(), tmp_path / "model")
    command = [sys.executable, "-c", READER, str(tmp_path / "model")]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    assert found["tokens"] == 4
    assert "tensorflow" in found["packages"]
    assert "tensorflow_text" not in found["packages"]
