"""Events by the generated classes of openlineage-python: the first argument is a file with an event a line.

Each event is made anew from the classes and must be what the file has. Facets of the file that the classes do not know
are ours: those must name their schema. The official JSON schemas are in no package, so they are not asked.
"""

import importlib
import json
import pkgutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import attr
from openlineage.client import generated
from openlineage.client.generated import base, parent_run
from openlineage.client.generated.execution_parameters_run import ExecutionParameter
from openlineage.client.serde import Serde

# What facets are made of, by the names that their fields have there.
PARTS = {"run": parent_run.Run, "job": parent_run.Job}
OWN = "urn:gpt2-tfx:schema:"


def known_facets() -> dict[str, type]:
    """URL of the schema -> the generated class."""
    modules = [
        importlib.import_module(f"{generated.__name__}.{module.name}")
        for module in pkgutil.iter_modules(generated.__path__)
    ]
    found = [value for module in modules for value in vars(module).values()]
    classes = [value for value in found if isinstance(value, type)]
    return {each._get_schema(): each for each in classes if issubclass(each, base.BaseFacet)}


FACETS = known_facets()


def facets(values: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: facet(name, fields) for name, fields in values.items()}


def facet(name: str, fields: dict[str, Any]) -> Any:
    url = fields["_schemaURL"]
    if url.startswith(OWN):
        assert name.startswith("gpt2tfx_"), name
        assert fields["_producer"], name
        return fields
    arguments = {key: value for key, value in fields.items() if not key.startswith("_")}
    for part, kind in PARTS.items():
        if part in arguments:
            arguments[part] = kind(**arguments[part])
    if "parameters" in arguments:
        arguments["parameters"] = [ExecutionParameter(**each) for each in arguments["parameters"]]
    made = FACETS[url](**arguments, producer=fields["_producer"])
    named = {each.name for each in attr.fields(type(made))}
    assert fields.keys() <= named, (name, fields.keys() - named)
    return made


def dataset(kind: type, fields: dict[str, Any]) -> Any:
    arguments = {
        key: facets(value) if key.lower().endswith("facets") else value
        for key, value in fields.items()
    }
    return kind(**arguments)


def event(fields: dict[str, Any]) -> base.RunEvent:
    run, job = fields["run"], fields["job"]
    return base.RunEvent(
        eventType=base.EventType(fields["eventType"]),
        eventTime=fields["eventTime"],
        producer=fields["producer"],
        run=base.Run(run["runId"], facets(run["facets"])),
        job=base.Job(job["namespace"], job["name"], facets(job["facets"])),
        inputs=[dataset(base.InputDataset, each) for each in fields["inputs"]],
        outputs=[dataset(base.OutputDataset, each) for each in fields["outputs"]],
    )


def without_nothing(value: Any) -> Any:
    """A JSON value without nulls and without objects that are empty: the classes fill in such ones."""
    if isinstance(value, dict):
        kept = {name: without_nothing(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in (None, {})}
    return [without_nothing(each) for each in value] if isinstance(value, list) else value


kinds: dict[str, list[str]] = defaultdict(list)
for line in Path(sys.argv[1]).read_text().splitlines():
    written = json.loads(line)
    made = json.loads(Serde.to_json(event(written)))
    assert without_nothing(made) == without_nothing(written), (made, written)
    kinds[written["run"]["runId"]].append(written["eventType"])
assert kinds
assert all(events == ["START", "COMPLETE"] for events in kinds.values()), kinds
