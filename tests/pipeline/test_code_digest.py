import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import code_digest
from pipeline.code_digest import PACKAGES, code_digests, lock_digest
from pipeline.nodes import node_table
from preprocessing.digests import sha256_bytes
from preprocessing.errors import InputError
from tests.pipeline.tables import with_base


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of a few modules in place of the genuine one."""
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
    }
    for name, source in sources.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.setattr(code_digest, "PROJECT_ROOT", tmp_path)
    return tmp_path


class TestTheClosure:
    def test_holds_what_a_module_reaches_and_nothing_else(self, project: Path) -> None:
        assert set(code_digests(["trainer.run"])) == {
            "preprocessing/__init__.py",
            "preprocessing/lazy.py",
            "preprocessing/text.py",
            "trainer/__init__.py",
            "trainer/run.py",
        }

    def test_follows_relative_imports_and_the_packages_on_the_way(self, project: Path) -> None:
        assert set(code_digests(["components.metrics.rouge"])) == {
            "components/__init__.py",
            "components/metrics/__init__.py",
            "components/metrics/rouge.py",
            "components/pages.py",
        }

    def test_ends_where_modules_import_each_other(self, project: Path) -> None:
        assert set(code_digests(["trainer.a"])) == {
            "trainer/__init__.py",
            "trainer/a.py",
            "trainer/b.py",
        }

    def test_takes_named_files_as_they_are(self, project: Path) -> None:
        found = code_digests([], ["components/page.html"])
        assert found == {"components/page.html": sha256_bytes(b"<p>")}

    def test_the_digest_of_a_file_is_that_of_its_bytes(self, project: Path) -> None:
        found = code_digests(["preprocessing.text"])
        assert found["preprocessing/text.py"] == sha256_bytes(b"import re\n")

    def test_an_edit_of_a_reached_file_changes_only_that_digest(self, project: Path) -> None:
        before = code_digests(["trainer.run"])
        edited = project / "preprocessing" / "lazy.py"
        edited.write_text("late = 2\n")
        os.utime(edited, (1, 1))
        after = code_digests(["trainer.run"])
        assert {name for name in before if before[name] != after[name]} == {"preprocessing/lazy.py"}

    def test_an_edit_of_another_file_changes_nothing(self, project: Path) -> None:
        before = code_digests(["trainer.run"])
        (project / "preprocessing" / "unused.py").write_text("x = 1\n")
        assert code_digests(["trainer.run"]) == before

    def test_an_import_added_to_a_reached_file_is_followed(self, project: Path) -> None:
        code_digests(["trainer.run"])
        edited = project / "preprocessing" / "text.py"
        edited.write_text("from preprocessing import unused\n")
        os.utime(edited, (1, 1))
        assert "preprocessing/unused.py" in code_digests(["trainer.run"])

    def test_a_file_that_is_not_python_is_refused_with_its_line(self, project: Path) -> None:
        (project / "trainer" / "b.py").write_text("x = 1\ndef (\n")
        with pytest.raises(InputError, match=r"trainer/b\.py:2: not Python"):
            code_digests(["trainer.a"])


class TestTheNodesOfThisProject:
    @pytest.mark.parametrize(
        ("node", "reached", "not_reached"),
        [
            ("CorpusGen", "preprocessing/cnn_dailymail.py", "trainer/gpt2.py"),
            ("Tokenizer", "preprocessing/packing.py", "preprocessing/corpus_job.py"),
            ("Trainer", "trainer/gpt2.py", "components/evaluation.py"),
            ("Evaluator", "components/metrics/rouge.py", "trainer/optimizer.py"),
            ("Pusher", "serving/versions.py", "trainer/gpt2.py"),
        ],
    )
    def test_reach_their_own_code(self, node: str, reached: str, not_reached: str) -> None:
        (found,) = (n for n in node_table(with_base()) if n.name == node)
        closure = code_digests([found.component], found.files)
        assert reached in closure
        assert not_reached not in closure

    def test_never_reach_the_pipeline_package(self) -> None:
        for node in node_table(with_base()):
            reached = code_digests([node.component])
            assert not [name for name in reached if name.startswith("pipeline/")]

    def test_hold_what_builds_them_and_what_builds_no_other(self) -> None:
        closures = {
            node.name: set(code_digests([node.component])) for node in node_table(with_base())
        }
        builders = {
            node.name: f"{node.component.replace('.', '/')}.py" for node in node_table(with_base())
        }
        for name, closure in closures.items():
            assert builders[name] in closure
            assert "components/declared.py" in closure
        assert builders["StatisticsGen"] not in closures["Trainer"]
        assert builders["Trainer"] not in closures["Evaluator"]


def test_the_lock_digest_is_of_the_lock_file(root: Path) -> None:
    assert lock_digest() == sha256_bytes((root / "requirements" / "cpu.lock").read_bytes())


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


class TestLayers:
    @pytest.mark.parametrize("layer", PACKAGES)
    def test_imports_point_only_to_the_left(self, root: Path, layer: str) -> None:
        right = set(PACKAGES[PACKAGES.index(layer) + 1 :]) | {"tests", "benchmarks"}
        modules = dict(sources(root, layer))
        assert modules
        assert {
            name: imported(tree) & right for name, tree in modules.items() if imported(tree) & right
        } == {}

    def test_preprocessing_has_tensorflow_in_one_module_only(self, root: Path) -> None:
        heavy = {"tensorflow", "tensorflow_text", "tfx", "tfx_bsl", "tensorflow_data_validation"}
        found = {name for name, tree in sources(root, "preprocessing") if imported(tree) & heavy}
        assert found == {"preprocessing/in_graph_tokenizer.py"}

    def test_tfx_is_run_by_one_module_only(self, root: Path) -> None:
        found = {name for name, tree in sources(root, "pipeline") if "tfx" in imported(tree)}
        assert found == {"pipeline/graph.py", "pipeline/launch.py"}
