"""A result file as lm-evaluation-harness reads it: prints its own table of it. The first argument is the file."""

import json
import sys
from pathlib import Path

from lm_eval.result_schema import EvalResults
from lm_eval.utils import make_table

results = json.loads(Path(sys.argv[1]).read_text())
unknown = results.keys() - EvalResults.__annotations__.keys()
if unknown:
    sys.exit(f"the harness has no {', '.join(sorted(unknown))}")
print(make_table(results))
