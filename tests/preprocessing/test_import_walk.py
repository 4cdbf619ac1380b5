"""What a module reaches by its imports and by the names that it mentions."""

import textwrap

import pytest

from preprocessing.base.errors import InputError
from preprocessing.base.import_walk import BODY, reached_code, reached_files


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


@pytest.mark.parametrize(
    ("source", "place"), [(b"x = 1\nx =\n", "ours/start.py:2"), (b"x = '\0'", "ours/start.py:1")]
)
def test_a_file_that_is_not_python_is_named(source: bytes, place: str) -> None:
    with pytest.raises(InputError, match=f"^{place}: not Python: .*Mend it"):
        reached_files(["ours"], ["ours.start"], {"ours/start.py": source}.get)


def definitions(start: str, other: str) -> set[str]:
    """The definitions that a module reaches in another."""
    files = {
        "ours/start.py": textwrap.dedent(start).encode(),
        "ours/other.py": textwrap.dedent(other).encode(),
    }
    return set(reached_code(["ours"], ["ours.start"], files.get)["ours/other.py"]) - {BODY}


def digest(other: str) -> str:
    """The digest of what importing a module does."""
    files = {
        "ours/start.py": b"import ours.other",
        "ours/other.py": textwrap.dedent(other).encode(),
    }
    return reached_code(["ours"], ["ours.start"], files.get)["ours/other.py"][BODY]


OTHER = """
    def used():
        return helper()

    def helper():
        pass

    class Unused:
        def used_too(self):
            return 1

    def unused():
        return Unused()
"""


class TestDefinitions:
    @pytest.mark.parametrize(
        "start",
        [
            "from ours.other import used\nused()",
            "from ours.other import used as u\nu()",
            "from ours import other\nother.used()",
            "from ours import other as o\no.used",
            "import ours.other\nours.other.used()",
            "import ours.other as o\nx: 'o.used'",
            "import ours.other\nPATH = 'ours.other.used'",
            "from ours.other import used\ndef f():\n    return used()",
            "from ours import other\ngetattr(other, 'used')()",
            "def f():\n    from ours.other import used as u\n    u()\ndef g():\n    from re import sub as u\n    u",
        ],
    )
    def test_are_reached_by_their_names_and_reach_others(self, start: str) -> None:
        assert definitions(start, OTHER) == {"used", "helper"}

    def test_are_not_reached_by_being_imported_alone(self) -> None:
        assert definitions("from ours.other import used", OTHER) == set()

    def test_are_not_reached_by_words_of_a_docstring(self) -> None:
        assert definitions("import ours.other\ndef f():\n    'See used.'", OTHER) == set()

    def test_take_a_class_whole(self) -> None:
        assert definitions("from ours.other import Unused\nUnused", OTHER) == {"Unused"}

    @pytest.mark.parametrize(
        "line",
        [
            "from ours.other import *",
            "import ours.other as o\ngetattr(o, f'us{x}')()",
            "import ours.other\ngetattr(ours.other, f'us{x}')()",
            "from ours.other import TABLE\ngetattr(TABLE[0], f'us{x}')()",
            "import builtins, ours.other as o\nbuiltins.getattr(o, f'us{x}')()",
            "import ours.other as o\nvars(o)",
            "import ours.other as o\no.__dict__",
            "import ours.other\nglobals()",
            "import importlib\nimportlib.import_module(x)\nimport ours.other",
            "import ours.other\neval(x)",
        ],
    )
    def test_are_all_reached_where_a_name_may_be_made_at_run_time(self, line: str) -> None:
        assert definitions(line, OTHER) == {"used", "helper", "Unused", "unused"}

    @pytest.mark.parametrize(
        "line",
        [
            "import ours.other\nx = 1\ngetattr(x, y)",
            "import ours.other as o\ngetattr(o, 'name')",
            "import ours.other as o\nprint(o, x)",
            "import ours.other\nx = 'a word of unused'",
        ],
    )
    def test_are_not_reached_by_what_looks_like_their_names(self, line: str) -> None:
        assert definitions(line, OTHER) == set()

    def test_that_do_nothing_when_imported_count_where_they_are_reached(self) -> None:
        other = """
            @cache
            def a(): pass
            @functools.lru_cache(maxsize=1)
            def b(): pass
            class C(Exception): pass
            class D(C): pass
            @dataclass(frozen=True)
            class E: pass
        """
        assert definitions("import ours.other", other) == set()
        assert definitions("from ours.other import D\nD", other) == {"C", "D"}
        assert digest(other) == digest("")

    def test_that_do_something_when_imported_belong_to_the_module(self) -> None:
        registered = """
            @register
            def unused():
                return {0}

            class Kind(library.Kind):
                number = {0}

            class Other(metaclass=Meta):
                number = {0}

            def __getattr__(name):
                return {0}

            class Last(Other, library.Kind):
                number = {0}

            @registry[cache]
            def last():
                return {0}
        """
        assert definitions("import ours.other", registered) == set()
        one = registered.replace("{0}", "1")
        edited = [one.replace("1", "2", times) for times in range(7)]
        assert len({digest(source) for source in edited}) == 7

    @pytest.mark.parametrize(
        "same",
        [
            "# a comment\nX = 1",
            '"""A docstring."""\nX = 1',
            "X = (\n    1\n)",
            "X = 1\n\n\ndef unused():\n    return 2\n",
        ],
    )
    def test_comments_layout_and_what_is_not_reached_change_nothing(self, same: str) -> None:
        assert digest(same) == digest("X = 1")

    @pytest.mark.parametrize(
        "other", ["X = 2", "Y = 1", "X = '1'", "X = 1\nprint()", "import re\nX = 1"]
    )
    def test_what_importing_does_changes_the_digest(self, other: str) -> None:
        assert digest(other) != digest("X = 1")

    def test_of_one_name_in_one_file_count_together(self) -> None:
        files = {"ours/start.py": b"def f(): return 1\ndef f(): return 2"}
        other = {"ours/start.py": b"def f(): return 2\ndef f(): return 1"}
        assert reached_code(["ours"], ["ours.start"], files.get) != reached_code(
            ["ours"], ["ours.start"], other.get
        )
