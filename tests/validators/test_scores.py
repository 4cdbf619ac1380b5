"""What `evaluate` writes for lm-evaluation-harness, as the harness reads it."""

import json
import re
from pathlib import Path

import pytest

from tests.components.test_exported_scores import results_of
from tests.components.test_written_predictions import evaluated
from tests.validators.conftest import Validate

pytestmark = pytest.mark.long


def test_the_harness_shows_every_score(validate: Validate, tmp_path: Path) -> None:
    found = evaluated("cnn_dailymail")
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results_of(found)))
    table = validate("lm_eval_results.py", path)
    for name, value in found.metrics.items():
        if value is not None:
            assert re.search(rf"\|{name} *\|↑ *\|{value:.4f}\|± *\|", table.replace(" ", " ")), (
                table
            )


def test_what_the_harness_does_not_know_is_found(validate: Validate, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({**results_of(evaluated("coqa")), "scores": {}}))
    with pytest.raises(AssertionError, match="the harness has no scores"):
        validate("lm_eval_results.py", path)
