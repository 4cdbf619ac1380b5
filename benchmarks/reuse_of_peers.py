"""What DVC and Snakemake run again after one change, beside what is needed: the table of `docs/reuse.md`.

`python -m benchmarks.reuse_of_peers` measures it and writes the table. Both tools have the same five stages over the
same files, declared as their manuals have it: what a stage reads of data, code, parameters and lock are its
dependencies. A change is made in a fresh copy of a finished project, the tool is asked to bring it up to date, and the
stages that ran say so themselves.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.peers import ROOT, peer_command

PAGE = ROOT / "docs" / "reuse.md"
BEGIN, END = (
    "<!-- made by `python -m benchmarks.reuse_of_peers` -->\n",
    "<!-- end of the table -->\n",
)

# Stage -> what it reads: files, code, parameters. Every stage reads the lock.
READS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "check": (("schema.txt",), ("check.py", "common.py"), ()),
    "read": (("corpus",), ("read.py", "common.py"), ("seed",)),
    "tokens": (("read.out", "vocabulary.txt"), ("tokens.py", "common.py"), ("length",)),
    "train": (("tokens.out", "base.bin"), ("train.py", "common.py"), ("seed", "steps")),
    "score": (("train.out", "read.out"), ("score.py", "common.py", "page.html"), ("samples",)),
}
PARAMETERS = {"seed": 1, "length": 8, "steps": 2, "samples": 2, "log_every": 5, "name": "one"}
BELOW_READ, BELOW_TOKENS = {"read", "tokens", "train", "score"}, {"tokens", "train", "score"}

_STAGE = '''\
"""The stage {name}."""

import sys

import common


def run(reads):
    # its work
    return common.digest("{name}", reads)


def unused():
    return 1


common.write("{name}", run(sys.argv[1:]))
'''
_COMMON = """\
import hashlib, pathlib


def digest(name, reads):
    found = hashlib.sha256(name.encode())
    for read in reads:
        path = pathlib.Path(read)
        if path.is_dir():
            # Spaces do not count, so that some edits change nothing.
            files = [p for p in sorted(path.rglob("*")) if p.is_file() and not p.name.startswith(".")]
            found.update(" ".join(w for p in files for w in (p.name, *p.read_text().split())).encode())
        elif path.is_file():
            found.update(path.read_bytes())
        else:
            found.update(read.encode())
    return found.hexdigest()


def write(name, text):
    with open("ran.txt", "a") as ran:
        ran.write(name + "\\n")
    pathlib.Path(name + ".out").write_text(text)


def helper():
    return 1
"""


@dataclass(frozen=True)
class Change:
    """One change of a finished project (a folder), and the stages that it must reach: no more, and no fewer."""

    name: str
    do: Callable[[Path], object]
    needed: frozenset[str]


def _edit(name: str, before: str, after: str) -> Callable[[Path], None]:
    def edit(project: Path) -> None:
        text = (project / name).read_text()
        assert before in text, f"{name} has no {before!r}"
        (project / name).write_text(text.replace(before, after, 1))

    return edit


def _write(name: str, text: str) -> Callable[[Path], object]:
    return lambda project: (project / name).write_text(text)


def _parameter(name: str, value: int | str) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        text = yaml.safe_dump({**PARAMETERS, name: value}, sort_keys=False)
        (project / "params.yaml").write_text(text)

    return change


def _unnoticed(project: Path) -> None:
    path = project / "corpus" / "one.txt"
    before = path.stat()
    path.write_text(path.read_text().replace("prose", "verse"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _set_back(project: Path) -> None:
    path = project / "corpus" / "one.txt"
    path.write_text("Older prose.\n")
    os.utime(path, (1e9, 1e9))


def _linked(project: Path) -> None:
    one = project / "corpus" / "one.txt"
    one.rename(one.with_name(".kept"))
    one.symlink_to(".kept")


def _damage(name: str, text: str | None) -> Callable[[Path], None]:
    def damage(project: Path) -> None:
        (project / name).chmod(0o644)
        (project / name).unlink()
        if text is not None:
            (project / name).write_text(text)

    return damage


def _moved(project: Path) -> None:
    """The caller looks for the project where it is now."""
    project.rename(project.with_name("moved"))


def _forget(project: Path) -> None:
    """The tool's memory of what it did is lost."""
    for name in (".snakemake", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(project / name, ignore_errors=True)
    (project / "dvc.lock").unlink(missing_ok=True)


NOTHING: frozenset[str] = frozenset()
_STAGES = frozenset(READS)
CHANGES = [
    Change("nothing", lambda _: None, NOTHING),
    Change("a file touched", lambda p: os.utime(p / "corpus" / "one.txt"), NOTHING),
    Change("a byte, size and time of change equal", _unnoticed, frozenset(BELOW_READ)),
    Change("a file written while the clock is set back", _set_back, frozenset(BELOW_READ)),
    Change("a file added", _write("corpus/three.txt", "New.\n"), frozenset(BELOW_READ)),
    Change("a file .TXT added", _write("corpus/THREE.TXT", "New.\n"), frozenset(BELOW_READ)),
    Change("a file removed", lambda p: (p / "corpus/two.txt").unlink(), frozenset(BELOW_READ)),
    Change(
        "a file renamed",
        lambda p: (p / "corpus/two.txt").rename(p / "corpus/2.txt"),
        frozenset(BELOW_READ),
    ),
    Change("a hidden file added", _write("corpus/.three.txt", "New.\n"), NOTHING),
    Change("a link in place of a file", _linked, NOTHING),
    Change(
        "data from which the same records come",
        _write("corpus/two.txt", "More  prose.\n"),
        frozenset({"read"}),
    ),
    Change("a parameter of reading", _parameter("seed", 5), frozenset(BELOW_READ)),
    Change("a parameter of tokens", _parameter("length", 4), frozenset(BELOW_TOKENS)),
    Change("a parameter of training", _parameter("steps", 3), frozenset({"train", "score"})),
    Change("a parameter of scoring", _parameter("samples", 3), frozenset({"score"})),
    Change("a parameter that changes no result", _parameter("log_every", 9), NOTHING),
    Change("the name of the pipeline", _parameter("name", "two"), NOTHING),
    Change(
        "the configuration laid out anew",
        _write(
            "params.yaml", "# a comment\n" + yaml.safe_dump(PARAMETERS, default_flow_style=True)
        ),
        NOTHING,
    ),
    Change("code of reading", _edit("read.py", 'digest("', 'digest("new '), frozenset(BELOW_READ)),
    Change(
        "code of tokens", _edit("tokens.py", 'digest("', 'digest("new '), frozenset(BELOW_TOKENS)
    ),
    Change(
        "code of training",
        _edit("train.py", 'digest("', 'digest("new '),
        frozenset({"train", "score"}),
    ),
    Change("code of scoring", _edit("score.py", 'digest("', 'digest("new '), frozenset({"score"})),
    Change(
        "code that makes the same",
        _edit("train.py", 'digest("train"', 'digest("train" ""'),
        frozenset({"train"}),
    ),
    Change("shared code", _edit("common.py", "hexdigest()", "hexdigest()[::-1]"), _STAGES),
    Change("a function that no stage calls", _edit("common.py", "return 1", "return 2"), NOTHING),
    Change("a comment", _edit("train.py", "# its work", "# its own work"), NOTHING),
    Change("a docstring", _edit("train.py", "The stage", "A stage"), NOTHING),
    Change("a template", _write("page.html", "<p>other"), frozenset({"score"})),
    Change("a package of the lock", _write("lock.txt", "numpy==2\n"), _STAGES),
    Change("bytes of an output", _damage("tokens.out", "other"), frozenset({"tokens"})),
    Change("an output cut short", _damage("train.out", ""), frozenset({"train"})),
    Change("an output deleted", _damage("tokens.out", None), frozenset({"tokens"})),
    Change("the tool's memory deleted", _forget, _STAGES),
    Change("the project moved", _moved, NOTHING),
    Change("the schema", _write("schema.txt", "other"), frozenset({"check"})),
    Change("a byte of the base model", _write("base.bin", "other"), frozenset({"train", "score"})),
    Change("the vocabulary", _write("vocabulary.txt", "other"), frozenset(BELOW_TOKENS)),
    Change("an environment variable", lambda _: os.environ.update(SOMETHING="else"), NOTHING),
]


def _project(folder: Path) -> None:
    """The files of the pipeline, without what a tool needs."""
    (folder / "corpus").mkdir(parents=True)
    (folder / "corpus" / "one.txt").write_text("Some prose.\n")
    (folder / "corpus" / "two.txt").write_text("More prose.\n")
    for name in ("schema.txt", "vocabulary.txt", "base.bin", "page.html"):
        (folder / name).write_text(f"{name} as it was\n")
    (folder / "lock.txt").write_text("numpy==1\n")
    (folder / "common.py").write_text(_COMMON)
    for name in READS:
        (folder / f"{name}.py").write_text(_STAGE.format(name=name))
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMETERS, sort_keys=False))


def _dvc(folder: Path) -> None:
    stages = {
        name: {
            "cmd": f"python3 {name}.py {' '.join(files)} "
            + " ".join(f"${{{parameter}}}" for parameter in parameters),
            "deps": [*files, *code, "lock.txt"],
            "params": list(parameters),
            "outs": [f"{name}.out"],
        }
        for name, (files, code, parameters) in READS.items()
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([str(peer_command("dvc")), "init", "--quiet"], cwd=folder, check=True)


def _snakemake(folder: Path) -> None:
    rules = ['configfile: "params.yaml"', "import glob", "rule all:"]
    rules.append("    input: " + ", ".join(f'"{name}.out"' for name in READS))
    for name, (files, code, parameters) in READS.items():
        listed = ", ".join(
            f'sorted(glob.glob("{file}/*"))' if file == "corpus" else f'"{file}"'
            for file in (*files, *code, "lock.txt")
        )
        values = ", ".join(f'{parameter}=config["{parameter}"]' for parameter in parameters)
        given = " ".join([*files, *(f"{{params.{parameter}}}" for parameter in parameters)])
        rules += [f"rule {name}:", f"    input: {listed}", f'    output: "{name}.out"']
        rules += [f"    params: {values}"] if values else []
        rules += [f'    shell: "python3 {name}.py {given}"']
    (folder / "Snakefile").write_text("\n".join(rules) + "\n")


@dataclass(frozen=True)
class Tool:
    """A peer: what it needs in a project, and the command that brings one up to date."""

    name: str
    prepare: Callable[[Path], None]
    command: Callable[[], list[str]]


TOOLS = [
    Tool("DVC", _dvc, lambda: [str(peer_command("dvc")), "repro", "--quiet"]),
    Tool(
        "Snakemake",
        _snakemake,
        lambda: [str(peer_command("snakemake")), "--cores", "1", "--quiet", "all"],
    ),
]


def _stages_run(tool: Tool, project: Path) -> frozenset[str]:
    """Bring a project up to date; the stages that ran."""
    (project / "ran.txt").unlink(missing_ok=True)
    done = subprocess.run(tool.command(), cwd=project, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{tool.name}: {done.stderr}{done.stdout}")
    ran = project / "ran.txt"
    return frozenset(ran.read_text().split()) if ran.is_file() else NOTHING


def _verdict(needed: frozenset[str], ran: frozenset[str], project: Path) -> str:
    """Whether all results are what the stages would make now, and what ran that need not."""
    wrong = [name for name, made in _made_anew(project).items() if _output(project, name) != made]
    parts = [f"**stale**: {', '.join(sorted(wrong))}"] if wrong else []
    if more := ran - needed:
        parts.append(f"in vain: {', '.join(sorted(more))}")
    return "; ".join(parts) or "right"


def _output(project: Path, name: str) -> str | None:
    path = project / f"{name}.out"
    return path.read_text() if path.is_file() else None


def _made_anew(project: Path) -> dict[str, str | None]:
    """What every stage makes of what is there, without any tool."""
    clean = project.with_name("clean")
    ignored = shutil.ignore_patterns(".git", ".dvc", ".snakemake", "*.out", "dvc.lock")
    shutil.copytree(project, clean, symlinks=True, ignore=ignored)
    values = yaml.safe_load((clean / "params.yaml").read_text())
    for name, (files, _, parameters) in READS.items():
        given = [*files, *(str(values[parameter]) for parameter in parameters)]
        subprocess.run([sys.executable, f"{name}.py", *given], cwd=clean, check=True)
    return {name: _output(clean, name) for name in READS}


def _results(tool: Tool, folder: Path) -> Iterator[str]:
    """The verdict on each change."""
    finished = folder / tool.name / "finished"
    finished.mkdir(parents=True)
    _project(finished)
    tool.prepare(finished)
    assert _stages_run(tool, finished) == _STAGES
    # What was written in the last moment may yet change unnoticed, and is looked at again.
    assert _stages_run(tool, finished) == NOTHING
    for number, change in enumerate(CHANGES):
        project = folder / tool.name / str(number) / "project"
        project.parent.mkdir()
        shutil.copytree(finished, project, symlinks=True)
        _stages_run(tool, project)
        change.do(project)
        if not project.exists():
            project = project.with_name("moved")
        yield _verdict(change.needed, _stages_run(tool, project), project)


def main() -> None:
    """Measure, and put the table into the page."""
    with tempfile.TemporaryDirectory() as folder:
        verdicts = {tool.name: list(_results(tool, Path(folder))) for tool in TOOLS}
    lines = [
        "| what changes | " + " | ".join(verdicts) + " |",
        "|---|" + "---|" * len(verdicts),
    ]
    for number, change in enumerate(CHANGES):
        cells = [rows[number] for rows in verdicts.values()]
        lines.append(f"| {change.name} | " + " | ".join(cells) + " |")
    text = PAGE.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n\n{END}{after}")


if __name__ == "__main__":
    main()
