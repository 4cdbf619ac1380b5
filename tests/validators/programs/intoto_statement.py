"""A statement by the classes of in-toto, which refuse a field that they do not know: the first argument is the file."""

import json
import sys
from pathlib import Path

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

document = json.loads(Path(sys.argv[1]).read_text())
Statement.copy_from_pb(json_format.ParseDict(document, StatementMessage())).validate()
provenance = json_format.ParseDict(document["predicate"], Provenance())
for descriptor in provenance.build_definition.resolved_dependencies:
    if not (descriptor.name and descriptor.digest):
        sys.exit(f"a dependency without name or digest: {descriptor}")
