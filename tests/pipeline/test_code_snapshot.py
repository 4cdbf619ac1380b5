"""The code as it was at one moment: what a node reaches of it, and the folder that processes import from."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import code_snapshot
from pipeline.code_snapshot import COMMIT_VARIABLE, CPU_LOCK, GPU_LOCK, PACKAGES, read_snapshot
from pipeline.nodes import node_table
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.errors import InputError
from preprocessing.base.import_walk import reached_files
from tests.pipeline.tables import with_base


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of a few modules."""
    sources = {
        "preprocessing/__init__.py": "",
        "preprocessing/text.py": "import re\n",
        "preprocessing/lazy.py": "",
        "preprocessing/unused.py": "",
        "trainer/__init__.py": "",
        "trainer/run.py": (
            "import numpy\nfrom preprocessing import text\n\n"
            "def run_fn():\n    if True:\n        from preprocessing.lazy import late\n"
        ),
        "trainer/a.py": "from trainer import b\n",
        "trainer/b.py": "import trainer.a\n",
        "components/__init__.py": "",
        "components/metrics/__init__.py": "from .rouge import score\n",
        "components/metrics/rouge.py": "from ..pages import page\n",
        "components/pages.py": "",
        "components/page.html": "<p>",
        "serving/__init__.py": "",
        "pipeline/__init__.py": "",
        CPU_LOCK: "tensorflow==2",
        GPU_LOCK: "cuda==12",
    }
    root = tmp_path / "project"
    for name, source in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


def reached(project: Path, module: str) -> dict[str, str]:
    return read_snapshot(project).reached(module)


class TestTheClosure:
    def test_holds_what_a_module_reaches_and_nothing_else(self, project: Path) -> None:
        assert set(reached(project, "trainer.run")) == {
            "preprocessing/__init__.py",
            "preprocessing/lazy.py",
            "preprocessing/text.py",
            "trainer/__init__.py",
            "trainer/run.py",
        }

    def test_follows_relative_imports_and_the_packages_on_the_way(self, project: Path) -> None:
        assert set(reached(project, "components.metrics.rouge")) == {
            "components/__init__.py",
            "components/metrics/__init__.py",
            "components/metrics/rouge.py",
            "components/pages.py",
        }

    def test_ends_where_modules_import_each_other(self, project: Path) -> None:
        assert set(reached(project, "trainer.a")) == {
            "trainer/__init__.py",
            "trainer/a.py",
            "trainer/b.py",
        }

    def test_takes_named_files_as_they_are(self, project: Path) -> None:
        found = read_snapshot(project).reached("trainer.a", ["components/page.html"])
        assert found["components/page.html"] == sha256_bytes(b"<p>")

    def test_a_comment_or_a_docstring_changes_no_digest(self, project: Path) -> None:
        before = reached(project, "trainer.run")
        edited = project / "preprocessing" / "text.py"
        edited.write_text('"""Text."""\n\n# what re is for\nimport re\n')
        assert reached(project, "trainer.run") == before

    def test_an_edit_of_a_reached_file_changes_only_that_digest(self, project: Path) -> None:
        before = reached(project, "trainer.run")
        edited = project / "preprocessing" / "lazy.py"
        edited.write_text("late = 2\n")
        after = reached(project, "trainer.run")
        assert {name for name in before if before[name] != after[name]} == {"preprocessing/lazy.py"}

    def test_an_edit_of_another_file_changes_nothing(self, project: Path) -> None:
        before = reached(project, "trainer.run")
        (project / "preprocessing" / "unused.py").write_text("x = 1\n")
        assert reached(project, "trainer.run") == before

    def test_an_import_added_to_a_reached_file_is_followed(self, project: Path) -> None:
        reached(project, "trainer.run")
        edited = project / "preprocessing" / "text.py"
        edited.write_text("from preprocessing import unused\n")
        assert "preprocessing/unused.py" in reached(project, "trainer.run")

    def test_a_file_that_is_not_python_is_refused_with_its_line(self, project: Path) -> None:
        (project / "trainer" / "b.py").write_text("x = 1\ndef (\n")
        with pytest.raises(InputError, match=r"trainer/b\.py:2: not Python"):
            reached(project, "trainer.a")


class TestTheNodesOfThisProject:
    @pytest.mark.parametrize(
        ("node", "reached", "not_reached"),
        [
            ("CorpusGen", "preprocessing/tasks/cnn_dailymail.py", "trainer/gpt2.py"),
            ("Tokenizer", "preprocessing/tokens/packing.py", "preprocessing/corpus/job.py"),
            ("Trainer", "trainer/gpt2.py", "components/evaluation.py"),
            ("Evaluator", "components/metrics/rouge.py", "trainer/optimizer.py"),
            ("Pusher", "serving/versions.py", "trainer/gpt2.py"),
        ],
    )
    def test_reach_their_own_code(self, node: str, reached: str, not_reached: str) -> None:
        (found,) = (n for n in node_table(with_base()) if n.name == node)
        closure = read_snapshot().reached(found.component, found.files)
        assert reached in closure
        assert not_reached not in closure

    def test_never_reach_the_pipeline_package(self) -> None:
        for node in node_table(with_base()):
            closure = read_snapshot().reached(node.component)
            assert not [name for name in closure if name.startswith("pipeline/")]

    def test_reach_no_file_that_makes_all_code_count(self) -> None:
        """One that looks names up as it runs makes an edit anywhere run the node."""
        code = read_snapshot()
        for node in node_table(with_base()):
            files = reached_files(PACKAGES, [node.component], code.files.get)
            assert [name for name, file in files.items() if file.is_dynamic] == []

    def test_hold_what_builds_them_and_what_builds_no_other(self) -> None:
        code = read_snapshot()
        closures = {
            node.name: set(code.reached(node.component)) for node in node_table(with_base())
        }
        builders = {
            node.name: f"{node.component.replace('.', '/')}.py" for node in node_table(with_base())
        }
        for name, closure in closures.items():
            assert builders[name] in closure
            assert "components/declared.py" in closure
        assert builders["StatisticsGen"] not in closures["Trainer"]
        assert builders["Trainer"] not in closures["Evaluator"]


class TestTheEnvironment:
    def test_is_the_interpreter_and_the_lock(self, project: Path) -> None:
        assert read_snapshot(project).environment(gpu=False) == {
            "python": sys.version.split()[0],
            CPU_LOCK: sha256_bytes(b"tensorflow==2"),
        }

    def test_has_the_lock_of_the_gpu_where_one_is_used(self, project: Path) -> None:
        code = read_snapshot(project)
        with_gpu = code.environment(gpu=True)
        assert with_gpu == code.environment(gpu=False) | {GPU_LOCK: sha256_bytes(b"cuda==12")}


class TestASnapshot:
    def test_keeps_what_was_read_whatever_is_edited_later(self, project: Path) -> None:
        code = read_snapshot(project)
        before = code.reached("trainer.run")
        (project / "trainer" / "run.py").write_text("def (\n")
        assert code.reached("trainer.run") == before
        assert read_snapshot(project).digest != code.digest

    def test_is_written_once_and_holds_every_file(self, project: Path, tmp_path: Path) -> None:
        code = read_snapshot(project)
        (project / "trainer" / "run.py").write_text("edited = True\n")
        place = code.write(tmp_path / "code")
        assert place == tmp_path / "code" / code.digest
        assert (place / "trainer" / "run.py").read_bytes() == code.files["trainer/run.py"]
        assert (place / CPU_LOCK).is_file()
        assert read_snapshot(place).digest == code.digest
        first = place.stat().st_ino
        assert code.write(tmp_path / "code") == place
        assert place.stat().st_ino == first
        assert [path.name for path in (tmp_path / "code").iterdir()] == [code.digest]

    @pytest.mark.parametrize("name", ["trainer/run.py", "trainer/foreign.py"])
    def test_that_somebody_changed_is_written_anew(
        self, project: Path, tmp_path: Path, name: str
    ) -> None:
        code = read_snapshot(project)
        place = code.write(tmp_path / "code")
        (place / name).write_text("changed = True\n")
        assert read_snapshot(code.write(tmp_path / "code")).digest == code.digest

    def test_with_bytecode_in_it_is_written_anew(self, project: Path, tmp_path: Path) -> None:
        """Nobody compares it with the sources, and one that a full disk cut short breaks every import."""
        place = read_snapshot(project).write(tmp_path / "code")
        cut = place / "trainer" / "__pycache__" / "run.cpython-311.pyc"
        cut.parent.mkdir()
        cut.write_bytes(b"cut short")
        assert read_snapshot(project).write(tmp_path / "code") == place
        assert not cut.exists()

    def test_does_not_hold_what_is_compiled_or_hidden(self, project: Path) -> None:
        before = read_snapshot(project).digest
        (project / "trainer" / "__pycache__").mkdir()
        (project / "trainer" / "__pycache__" / "run.cpython-311.pyc").write_bytes(b"code")
        (project / "trainer" / ".run.py.swp").write_bytes(b"editor")
        assert read_snapshot(project).digest == before

    def test_of_this_project_holds_the_data_files_that_nodes_read(self) -> None:
        assert {file for node in node_table(with_base()) for file in node.files} <= set(
            read_snapshot().files
        )
        assert "components/schemas/coqa.pbtxt" in read_snapshot().files


class TestTheCommit:
    @pytest.fixture
    def checkout(self, project: Path) -> Path:
        git(project, "init", "--quiet")
        git(project, "add", ".")
        git(project, "commit", "--quiet", "--message", "one")
        return project

    def test_is_that_of_the_checkout_and_says_whether_files_differ(self, checkout: Path) -> None:
        commit = git(checkout, "rev-parse", "HEAD")
        assert read_snapshot(checkout).commit == commit
        (checkout / "trainer" / "run.py").write_text("edited = True\n")
        assert read_snapshot(checkout).commit == f"{commit}+changes"

    def test_is_empty_outside_of_one(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
        assert read_snapshot(project).commit == ""

    def test_outside_git_it_is_the_one_that_the_environment_names(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(COMMIT_VARIABLE, "abc")
        assert read_snapshot(project).commit == "abc"

    def test_an_installed_project_has_not_the_commit_of_the_checkout_that_it_lies_in(
        self, checkout: Path, tmp_path: Path
    ) -> None:
        installed = checkout / "environment"
        shutil.copytree(checkout, installed, ignore=shutil.ignore_patterns(".git", "environment"))
        assert read_snapshot(installed).commit == ""


class TestClosuresThatAreKept:
    MODULE = "trainer.run"

    @pytest.fixture
    def folder(self, project: Path, tmp_path: Path) -> Path:
        code = read_snapshot(project)
        code.reached(self.MODULE)
        code.keep(tmp_path / "code")
        return tmp_path / "code"

    def test_are_those_of_the_same_sources_without_parsing_them(
        self, project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parsed = read_snapshot(project).reached(self.MODULE)
        monkeypatch.setattr(code_snapshot, "reached_code", None)
        code = read_snapshot(project)
        code.recall(folder)
        assert code.reached(self.MODULE) == parsed

    def test_are_not_those_of_other_sources(self, project: Path, folder: Path) -> None:
        (project / "trainer" / "run.py").write_text("import trainer.a\n")
        code = read_snapshot(project)
        code.recall(folder)
        assert "trainer/b.py" in code.reached(self.MODULE)

    @pytest.mark.parametrize("text", ["", "[]", '{"trainer.run": 1}', '{"a": ["no/such.py"]}'])
    def test_are_not_believed_where_somebody_has_changed_them(
        self, project: Path, folder: Path, text: str
    ) -> None:
        (kept,) = folder.glob("*.json")
        parsed = read_snapshot(project).reached(self.MODULE)
        kept.write_text(text)
        code = read_snapshot(project)
        code.recall(folder)
        assert code.reached(self.MODULE) == parsed


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def sources(root: Path, package: str) -> Iterator[tuple[str, ast.Module]]:
    """(relative name, syntax tree) of every module of a package."""
    for path in sorted((root / package).rglob("*.py")):
        yield path.relative_to(root).as_posix(), ast.parse(path.read_bytes())


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages that a module imports anywhere."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def imported_of(tree: ast.Module, package: str) -> set[str]:
    """What a module imports of a package, by the first name beneath it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            first, *rest = node.module.split(".")
            if first == package:
                found |= {rest[0]} if rest else {alias.name for alias in node.names}
    return found


class TestLayers:
    @pytest.mark.parametrize("layer", PACKAGES)
    def test_imports_point_only_to_the_left(self, root: Path, layer: str) -> None:
        right = set(PACKAGES[PACKAGES.index(layer) + 1 :]) | {"tests", "benchmarks"}
        modules = dict(sources(root, layer))
        assert modules
        assert {
            name: imported(tree) & right for name, tree in modules.items() if imported(tree) & right
        } == {}

    def test_within_preprocessing_they_point_down(self, root: Path) -> None:
        below = {
            "base": set(),
            "options.py": {"base"},
            "records": {"base", "options"},
            "readers": {"base", "options", "records"},
            "tasks": {"base", "options", "records", "readers"},
            "corpus": {"base", "options", "records", "readers", "tasks"},
            "tokens": {"base", "options", "records"},
        }
        found = {}
        for name, tree in sources(root, "preprocessing"):
            _, part, *_ = name.split("/")
            if reached := imported_of(tree, "preprocessing") - {part}:
                found[name] = reached - below[part]
        assert {name: parts for name, parts in found.items() if parts} == {}
        assert {name.split("/")[1] for name in found} == {*below} - {"base"}

    def test_preprocessing_has_tensorflow_in_one_module_only(self, root: Path) -> None:
        heavy = {"tensorflow", "tensorflow_text", "tfx", "tfx_bsl", "tensorflow_data_validation"}
        found = {name for name, tree in sources(root, "preprocessing") if imported(tree) & heavy}
        assert found == {"preprocessing/tokens/in_graph_tokenizer.py"}

    def test_tfx_is_run_by_one_module_only(self, root: Path) -> None:
        found = {name for name, tree in sources(root, "pipeline") if "tfx" in imported(tree)}
        assert found == {"pipeline/graph.py", "pipeline/launch.py"}
