"""A bill of materials against the strict JSON schema of CycloneDX 1.7: the first argument is the file."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

error = JsonStrictValidator(SchemaVersion.V1_7).validate_str(Path(sys.argv[1]).read_text())
sys.exit(None if error is None else str(error))
