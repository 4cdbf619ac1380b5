"""ROUGE with the stemming of the Perl script and WordNet 2.0's exceptions, which we do not ship."""

from pathlib import Path

import pytest

from components.metrics.stemming import Stemming, read_exceptions
from tests.components.test_rouge import assert_equal_to_perl
from tests.validators.conftest import Validate


@pytest.mark.long
def test_scores_equal_those_of_the_perl_script(validate: Validate, genuine: Path) -> None:
    folder = Path(validate("wordnet_exceptions.py").strip())
    assert len(read_exceptions(folder)) == 5_930
    assert_equal_to_perl(genuine, "full_m", Stemming("perl", folder))
