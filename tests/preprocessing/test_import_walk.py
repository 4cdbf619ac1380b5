"""Which files a module reaches by its imports."""

import textwrap

import pytest

from preprocessing.base.import_walk import reached_files


def reached(source: str) -> set[str]:
    """The files that a module of this source reaches."""
    files = {"ours/start.py": textwrap.dedent(source).encode(), "ours/other.py": b""}
    return set(reached_files(["ours"], ["ours.start"], files.get))


@pytest.mark.parametrize(
    "before",
    [
        "if x:",
        "if x:\n    pass\nelse:",
        "if x:\n    pass\nelif y:",
        "for x in y:",
        "for x in y:\n    pass\nelse:",
        "while x:",
        "with x as y:",
        "def f():",
        "async def f():",
        "class C:",
        "try:\n    pass\nexcept E:",
        "try:\n    pass\nexcept* E:",
        "try:\n    pass\nexcept E:\n    pass\nelse:",
        "try:\n    pass\nfinally:",
        "match x:\n  case 1:",
    ],
)
def test_an_import_counts_wherever_it_stands(before: str) -> None:
    assert reached(f"{before}\n    import ours.other\n") == {"ours/start.py", "ours/other.py"}


def test_names_in_texts_and_expressions_are_no_imports() -> None:
    assert reached(
        '"""import ours.other"""\nx = (lambda: 1) if y else "from ours import other"'
    ) == {"ours/start.py"}


@pytest.mark.parametrize(
    "line", ["from ours import other", "from . import other", "from .other import name"]
)
def test_every_form_of_import_names_its_module(line: str) -> None:
    assert reached(line) == {"ours/start.py", "ours/other.py"}
