"""The built wheel holds the whole project and works outside a checkout."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from pipeline.code_snapshot import PACKAGES
from tests.pipeline.conftest import WriteConfig

_BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves files behind that a later one would take in."""
    root = Path(__file__).resolve().parents[2]
    source = tmp_path_factory.mktemp("source")
    for name in (*PACKAGES, "requirements", "docs/schemas"):
        shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(root / name, source)
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-c", _BUILD, str(target)], cwd=source, check=True, capture_output=True
    )
    (built,) = target.glob("*.whl")
    return built


def test_every_file_of_the_packages_and_every_lock_and_schema_is_in_the_wheel(
    root: Path, wheel: Path
) -> None:
    files = [path for package in PACKAGES for path in (root / package).rglob("*")]
    files += (root / "requirements").glob("*.lock")
    expected = {
        path.relative_to(root).as_posix()
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "trainer/weights/__init__.py" in expected
    assert "requirements/gpu.lock" in expected
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert expected - set(names) == set()
    schemas = {name.rpartition("/")[2] for name in names if "/share/gpt2-tfx/schemas/" in name}
    assert schemas == {path.name for path in (root / "docs" / "schemas").iterdir()}


@pytest.mark.long
def test_an_installed_wheel_plans_runs_and_compiles_outside_a_checkout(
    root: Path, wheel: Path, write_config: WriteConfig, tmp_path: Path
) -> None:
    config = str(write_config("corpus: {task: text, path: corpus}\n"))
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    # The locked packages. The editable project among them does not come along: only the environment's own
    # folder has its .pth files read.
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "locked.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def call(*command: str | Path) -> str:
        done = subprocess.run(
            list(map(str, command)), cwd=tmp_path, env=clean, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    program = environment / "bin" / "gpt2-tfx"
    assert "COMMAND" in call(program, "--help")
    found = call(
        python,
        "-c",
        "import pipeline.code_snapshot as c; print(c.__file__, c.read_snapshot().digests[c.CPU_LOCK])",
    )
    module, digest = found.split()
    assert Path(module).is_relative_to(environment)
    assert digest == hashlib.sha256((root / "requirements" / "cpu.lock").read_bytes()).hexdigest()
    planned = json.loads(call(program, "--config", config, "plan", "--json"))["nodes"]
    assert {node["action"] for node in planned} == {"run"}
    call(program, "--config", config, "compile", "kubeflow", "-o", "pipeline.kfp.yaml")
    assert (tmp_path / "pipeline.kfp.yaml").is_file()
    call(program, "--config", config, "run", "--to", "CorpusGen")
