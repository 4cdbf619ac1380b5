"""What a node runs of the project's code is what its key says that it reaches."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pipeline.code_snapshot import read_snapshot
from pipeline.nodes import ALL_NODES
from preprocessing.base.definitions import parse
from tests.end_to_end.project import ROOT, Project, copy_stories

# Python takes this into every process. Each function is written once, with the log of the node that calls it.
TRACER = """
import json, os, sys, threading

SEEN, PACKAGES = set(), ("components", "preprocessing", "serving", "trainer")

def source(frame):
    # The name of a source file of the project, empty for others.
    _, _, name = frame.f_code.co_filename.partition("/workspace/code/")
    return name.partition("/")[2] if name.endswith(".py") else ""

def launches(frame):
    # Whether what a node needs to be launched has called, as the store does that writes files.
    while frame := frame.f_back:
        name = source(frame)
        if name and not name.startswith("preprocessing/base/"):
            return name.startswith("pipeline/")
    return False

def trace(frame, event, argument):
    code = frame.f_code
    if event != "call" or code in SEEN:
        return
    name, top = source(frame), code.co_qualname.split(".")[0]
    if name.startswith("preprocessing/base/") and launches(frame):
        return
    SEEN.add(code)
    if name.startswith(PACKAGES) and top != "<module>":
        with open(os.environ["TRACED"], "a") as file:
            file.write(json.dumps([os.readlink("/proc/self/fd/1"), name, top]) + "\\n")

sys.setprofile(trace)
threading.setprofile(trace)
"""


@pytest.mark.long
def test_every_function_that_a_node_calls_is_in_its_key(
    tmp_path: Path,
) -> None:
    copy_stories(tmp_path / "stories", train=4, validation=1, test=1)
    project = Project(tmp_path, {"corpus": {"task": "cnn_dailymail", "path": "stories"}})
    (tmp_path / "tracer").mkdir()
    (tmp_path / "tracer" / "sitecustomize.py").write_text(TRACER)
    traced = tmp_path / "traced"
    done = subprocess.run(
        project.command("run"),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "tracer"), "TRACED": str(traced)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    code = read_snapshot()
    called: dict[str, set[tuple[str, str]]] = {}
    for line in traced.read_text().splitlines():
        log, name, top = json.loads(line)
        called.setdefault(Path(log).stem, set()).add((name, top))
    assert {"CorpusGen", "Tokenizer", "Trainer", "Evaluator", "Attest", "Pusher"} <= called.keys()
    # A launch builds the whole graph, and so every component.
    builders = {f"{node.component.replace('.', '/')}.py" for node in ALL_NODES}
    unknown = []
    for node in ALL_NODES:
        reached = code.definitions(node.component)
        for name, top in called.get(node.name, ()):
            if name in builders:
                continue
            in_body = top not in parse(name, code.files[name]).definitions
            if name not in reached or not (in_body or top in reached[name]):
                unknown.append((node.name, name, top))
    assert not unknown
