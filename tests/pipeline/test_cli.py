import argparse
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.arguments import parse
from pipeline.code_snapshot import read_snapshot
from pipeline.config_reading import load_config
from pipeline.leases import RUN_LEASE, Leases
from pipeline.nodes import NODE_NAMES
from pipeline.run_record import LOCAL_RUN, abandon_dead_runs, register_run
from pipeline.store import Store
from pipeline.store.workspace_store import WorkspaceStore
from preprocessing.base.file_digests import FileDigests
from tests.pipeline.conftest import WriteConfig
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of
from tests.pipeline.tfx_records import TfxRecords, complete
from tests.pipeline.trees import snapshot
from tests.read_only import may_mount, read_only

HEAVY = ("tensorflow", "tfx", "apache_beam", "kfp", "numpy")


def main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of a command line in this process."""
    try:
        status = cli.main(arguments)
    except SystemExit as error:
        status = int(error.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def modules_after(root: Path, *arguments: str) -> tuple[int, set[str]]:
    """(exit status, the heavy modules in sys.modules) of a command line in a process of its own."""
    program = (
        "import sys\nfrom pipeline.cli import main\n"
        "try:\n    status = main(sys.argv[1:])\nexcept SystemExit as error:\n    status = error.code\n"
        f"print('\\nHEAVY', *(name for name in {HEAVY!r} if name in sys.modules))\n"
        "sys.exit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, set(done.stdout.splitlines()[-1].split()[1:])


class TestStartingAtOnce:
    def test_help_imports_nothing_heavy(self, root: Path) -> None:
        assert modules_after(root, "--help") == (0, set())

    @pytest.mark.parametrize(
        "command", [["plan"], ["status"], ["gc", "--dry-run"], ["lineage", "show", "latest"]]
    )
    def test_light_commands_import_no_tensorflow(
        self, root: Path, config_file: Path, command: list[str]
    ) -> None:
        status, heavy = modules_after(root, "--config", str(config_file), *command)
        assert status == (2 if command[0] == "lineage" else 0)
        assert not heavy & {"tensorflow", "tfx", "apache_beam", "kfp"}

    def test_erase_imports_no_tensorflow(self, root: Path, config_file: Path) -> None:
        status, heavy = modules_after(root, "--config", str(config_file), "erase", "one.txt")
        assert status == 1
        assert not heavy & {"tensorflow", "tfx", "apache_beam", "kfp"}

    def test_compile_imports_no_tensorflow(
        self, root: Path, config_file: Path, tmp_path: Path
    ) -> None:
        output = str(tmp_path / "p.yaml")
        status, heavy = modules_after(
            root, "--config", str(config_file), "compile", "kubeflow", "-o", output
        )
        assert status == 0
        assert not heavy & {"tensorflow", "tfx", "apache_beam"}

    def test_the_run_itself_leaves_tfx_to_the_processes_of_its_nodes_and_lineage_to_who_asks(
        self, root: Path
    ) -> None:
        names = (*HEAVY, "pipeline.lineage", "cryptography")
        program = (
            "import sys, pipeline.commands.run\n"
            f"sys.exit(' '.join(n for n in {names!r} if n in sys.modules) or 0)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_crash_inside_a_library_is_seen_though_its_output_is_set_aside(root: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pipeline import cli, node_process\n"
        "def crash(arguments):\n"
        "    with node_process.output_set_aside():\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "sys.modules['pipeline.commands.status'] = sys\n"
        "sys.run = crash\n"
        "sys.argv[1:] = ['status']\n"
        "cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr


def test_a_sigterm_is_an_interrupt_and_a_second_one_cuts_nothing_off(root: Path) -> None:
    program = (
        "import os, signal, sys, types\nfrom pipeline import cli\n"
        "def command(parsed):\n"
        "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    finally:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        print('recorded', flush=True)\n"
        "sys.modules['pipeline.commands.plan'] = types.SimpleNamespace(run=command)\n"
        "sys.argv = ['gpt2-tfx', 'plan']\n"
        "sys.exit(cli.main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "recorded\n")
    assert done.stderr == "gpt2-tfx: interrupted\n"


class TestParsing:
    """Every command of the contract that exists so far."""

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            (
                "run",
                {"module": "run", "first": [], "last": [], "only": [], "force": [], "watch": False},
            ),
            (
                "run --from Tokenizer --to Trainer --force Trainer --force Tokenizer --watch",
                {
                    "first": ["Tokenizer"],
                    "last": ["Trainer"],
                    "force": ["Trainer", "Tokenizer"],
                    "watch": True,
                },
            ),
            ("run --require-blessing --quiet", {"require_blessing": True, "quiet": True}),
            ("run --only Trainer --only Attest", {"only": ["Trainer", "Attest"]}),
            ("plan --to Trainer --to Attest", {"last": ["Trainer", "Attest"]}),
            ("plan --json --check", {"module": "plan", "json": True, "check": True}),
            ("plan --exit-code", {"exit_code": True}),
            ("status --json --limit 3", {"module": "status", "json": True, "limit": 3}),
            (
                "generate latest --prompt Hello",
                {"model": "latest", "prompt": "Hello", "seed": None},
            ),
            ("generate 7 -", {"model": "7", "stdin": "-", "prompt": None}),
            ("generate 7 --prompt-file f", {"prompt_file": Path("f")}),
            (
                "generate 7 --prompt x --max-new-tokens 5 --top-p 0.5 --top-k 3 --temperature 0 "
                "--num-samples 2 --seed 9 --stop a --stop b --json",
                {
                    "max_new_tokens": 5,
                    "top_p": 0.5,
                    "top_k": 3,
                    "temperature": 0.0,
                    "num_samples": 2,
                    "seed": 9,
                    "stop": ["a", "b"],
                    "json": True,
                },
            ),
            ("generate 7 --prompt x --stream", {"stream": True, "json": False}),
            ("serve latest", {"host": "127.0.0.1", "port": 8501, "verify": "stat"}),
            (
                "serve m --host ::1 --port 0 --verify full",
                {"model": "m", "host": "::1", "port": 0, "verify": "full"},
            ),
            (
                "evaluate latest --task coqa --data d --split test --predictions p.jsonl --json",
                {
                    "task": "coqa",
                    "data": "d",
                    "split": "test",
                    "predictions": Path("p.jsonl"),
                    "json": True,
                },
            ),
            (
                "evaluate latest --lm-eval l.json --model-index README.md --overwrite",
                {
                    "lm_eval": Path("l.json"),
                    "model_index": Path("README.md"),
                    "overwrite": True,
                },
            ),
            ("lineage show latest --json", {"action": "show", "model": "latest", "json": True}),
            ("compile kubeflow -o p.yaml", {"target": "kubeflow", "output": Path("p.yaml")}),
            ("node Trainer --run-id r", {"node": "Trainer", "run_id": "r"}),
            ("rollback 3", {"version": "3", "release": False}),
            ("erase a b -o d.json", {"names": ["a", "b"], "output": Path("d.json")}),
            ("rollback --release", {"version": None, "release": True}),
            ("gc", {"module": "gc", "keep": 3, "older_than": None, "dry_run": False, "why": None}),
            (
                "gc --keep 0 --older-than 2d --dry-run --purge-lineage --json",
                {"keep": 0, "older_than": 172800.0, "dry_run": True, "purge_lineage": True},
            ),
            ("gc --why artifacts/x", {"why": Path("artifacts/x"), "purge_lineage": False}),
            (
                "--config c.yaml --set a.b=1 --set c=2 plan",
                {"config": Path("c.yaml"), "overrides": ["a.b=1", "c=2"], "json": False},
            ),
            (
                "--set a=1 plan --config c.yaml --set b=2 --json --set c=3",
                {"config": Path("c.yaml"), "overrides": ["a=1", "b=2", "c=3"], "json": True},
            ),
            (
                "--config a.yaml --set a=1 lineage --set b=2 show latest --set c=3 --config c.yaml",
                {"config": Path("c.yaml"), "overrides": ["a=1", "b=2", "c=3"], "model": "latest"},
            ),
            ("--config a.yaml rollback 3 --set a=1", {"config": Path("a.yaml"), "version": "3"}),
            ("status", {"config": Path("pipeline.yaml"), "overrides": []}),
        ],
    )
    def test_takes_the_command(self, line: str, expected: dict[str, Any]) -> None:
        parsed = vars(parse(line.split()))
        assert {name: parsed[name] for name in expected} == expected

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("", "COMMAND"),
            ("frobnicate", "invalid choice: 'frobnicate'"),
            ("node Tariner --run-id r", "invalid choice: 'Tariner'"),
            ("node Trainer", "--run-id"),
            ("plan --only Trainer --from Tokenizer", "--only: not allowed with --from or --to"),
            ("generate latest", "one of the arguments"),
            ("generate latest --prompt a --prompt-file b", "not allowed with"),
            (
                "generate latest --prompt a --num-samples 0",
                "'0' is not a whole number of at least 1",
            ),
            (
                "generate latest --prompt a --max-new-tokens x",
                "'x' is not a whole number of at least 1",
            ),
            ("generate latest --prompt a --top-p high", "invalid float value: 'high'"),
            ("evaluate latest --split dev", "invalid choice: 'dev'"),
            ("lineage", "ACTION"),
            ("compile airflow -o x", "invalid choice: 'airflow'"),
            ("compile kubeflow", "-o"),
            ("rollback", "VERSION --release"),
            ("erase", "RECORD|FILE"),
            ("rollback 3 --release", "not allowed with"),
            ("status --limit -1", "'-1' is not a whole number of at least 1"),
            ("erase a \udcff", "RECORD|FILE: '\\udcff' is not UTF-8"),
            ("lineage trace \udcff", "RECORD|FILE: '\\udcff' is not UTF-8"),
            ("lineage trace --text \udcff", "--text: '\\udcff' is not UTF-8"),
            ("lineage prove \udcff -o x", "RECORD: '\\udcff' is not UTF-8"),
        ],
    )
    def test_refuses_with_status_2_and_what_is_wrong(
        self, capsys: pytest.CaptureFixture[str], line: str, says: str
    ) -> None:
        status, out, err = main(capsys, *line.split())
        assert (status, out) == (2, "")
        assert says in err

    @pytest.mark.parametrize(
        "command",
        [
            *(
                "run",
                "plan",
                "status",
                "generate",
                "serve",
                "evaluate",
                "lineage",
                "compile",
                "node",
                "rollback",
            ),
            "erase",
        ],
    )
    def test_every_command_has_help_and_a_module(
        self, capsys: pytest.CaptureFixture[str], root: Path, command: str
    ) -> None:
        status, out, _ = main(capsys, command, "--help")
        assert status == 0
        assert f"gpt2-tfx {command}" in out
        commands = root / "pipeline" / "commands"
        assert (commands / f"{command}.py").is_file() or (commands / command).is_dir()


class TestMistakes:
    """Exit status 2, a message, no traceback."""

    @pytest.mark.parametrize(
        "command",
        [
            ["run"],
            ["plan"],
            ["status"],
            ["lineage", "show", "latest"],
            ["compile", "kubeflow", "-o", "p.yaml"],
            ["node", "Trainer", "--run-id", "r"],
            ["rollback", "1"],
            ["serve", "latest"],
        ],
    )
    def test_a_missing_configuration(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str]
    ) -> None:
        missing = str(tmp_path / "none.yaml")
        status, out, err = main(capsys, "--config", missing, *command)
        assert (status, out) == (2, "")
        assert err.startswith(f"gpt2-tfx: {missing}: there is no such configuration file")

    def test_an_unknown_key_is_reported_by_the_whole_program(
        self, root: Path, write_config: WriteConfig
    ) -> None:
        path = write_config("corpus: {task: text, path: corpus}\ntraning: {}\nseed: x\n")
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "--config", str(path), "plan"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.splitlines() == [
            "gpt2-tfx: pipeline.yaml:2: traning: unknown key; did you mean training?",
            "gpt2-tfx: pipeline.yaml:3: seed: 'x' is not a whole number.",
        ]

    @pytest.mark.parametrize("flag", ["--from", "--to", "--force"])
    def test_an_unknown_node_of_a_selection(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, flag: str
    ) -> None:
        status, _, err = main(capsys, "--config", str(config_file), "plan", flag, "Tariner")
        assert status == 2
        assert err.startswith("gpt2-tfx: Tariner: no node of this pipeline; there are CorpusGen,")

    def test_a_node_that_this_configuration_leaves_out(
        self, capsys: pytest.CaptureFixture[str], config_file: Path
    ) -> None:
        status, _, err = main(
            capsys, "--config", str(config_file), "node", "BaseModel", "--run-id", "r"
        )
        assert status == 2
        assert "BaseModel: no node of this pipeline" in err

    def test_a_node_before_what_it_reads(
        self, capsys: pytest.CaptureFixture[str], config_file: Path
    ) -> None:
        status, _, err = main(
            capsys, "--config", str(config_file), "node", "Trainer", "--run-id", "r"
        )
        assert status == 2
        assert "Trainer: Tokenizer has not run in run r yet." in err

    def test_a_busy_workspace_is_a_failure_not_a_mistake(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
    ) -> None:
        store = Store("gpt2", None, tmp_path / "workspace")
        with Leases(store, "other").acquire(RUN_LEASE, wait=False, say=print):
            status, out, err = main(capsys, "--config", str(config_file), "run")
        assert (status, out) == (1, "")
        assert f"the workspace is held by process {os.getpid()} on " in err
        assert "run other). Wait until it ends, or end it." in err

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("id", "workspace/id: not the id of a workspace"),
            ("logs", "the folder cannot be made: Not a directory"),
            ("code", "workspace/code: the folder cannot be made: File exists"),
        ],
    )
    def test_a_workspace_in_which_somebody_has_put_something_else(
        self,
        capsys: pytest.CaptureFixture[str],
        config_file: Path,
        tmp_path: Path,
        name: str,
        says: str,
    ) -> None:
        (tmp_path / "workspace").mkdir()
        (tmp_path / "workspace" / name).write_bytes(b"\xff")
        status, _, err = main(capsys, "--config", str(config_file), "run")
        assert status == 2
        assert says in err

    @pytest.mark.parametrize("reason", ["Unable to allocate 7 TiB", ""])
    def test_memory_that_does_not_suffice_is_a_failure_in_one_line(
        self,
        capsys: pytest.CaptureFixture[str],
        config_file: Path,
        monkeypatch: pytest.MonkeyPatch,
        reason: str,
    ) -> None:
        def exhaust(arguments: argparse.Namespace) -> int:
            raise MemoryError(reason)

        monkeypatch.setattr("pipeline.commands.status.run", exhaust)
        status, out, err = main(capsys, "--config", str(config_file), "status")
        assert (status, out) == (1, "")
        said = reason or "MemoryError"
        assert err == f"gpt2-tfx: the memory does not suffice ({said}); ask for less at once\n"

    def test_a_run_id_that_is_a_path_is_a_mistake(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
    ) -> None:
        command = ["--config", str(config_file), "node", "CorpusGen", "--run-id", "../x"]
        status, _, err = main(capsys, *command)
        assert status == 2
        assert "--run-id '../x': not an id" in err
        assert not (tmp_path / "workspace").exists()

    def test_a_store_that_fails_later_is_a_failure_without_a_traceback(
        self,
        capsys: pytest.CaptureFixture[str],
        config_file: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # ML Metadata says the same of tables that another is making, which are waited for.
        monkeypatch.setattr("pipeline.store.lasting_store._MAKING_SECONDS", 0.0)
        Store("gpt2", None, tmp_path / "workspace")
        database = sqlite3.connect(tmp_path / "workspace" / "metadata.sqlite")
        database.execute("DROP TABLE Association")
        database.close()
        status, _, err = main(capsys, "--config", str(config_file), "plan")
        assert status in (1, 2)
        assert err.startswith("gpt2-tfx: store: ")
        assert len(err.splitlines()) == 1

    @pytest.mark.parametrize("command", ["run", "node CorpusGen --run-id r"])
    @pytest.mark.parametrize(
        ("override", "says"),
        [
            ("workspace=/proc/none", "/proc/none: the folder cannot be made"),
            ("store=sqlite:////proc/none/m.sqlite", "/proc/none: the folder cannot be made"),
            ("workspace=/proc", "store: cannot open the metadata store at /proc/"),
        ],
    )
    def test_a_workspace_or_store_that_cannot_be_written(
        self,
        capsys: pytest.CaptureFixture[str],
        config_file: Path,
        command: str,
        override: str,
        says: str,
    ) -> None:
        arguments = [*command.split(), "--config", str(config_file), "--set", override]
        status, out, err = main(capsys, *arguments)
        assert (status, out) == (2, "")
        assert err.startswith(f"gpt2-tfx: {says}")

    @pytest.mark.parametrize(
        ("output", "says"),
        [
            ("nowhere/p.yaml", "folder does not exist"),
            ("p.json", "name a .yaml file"),
            ("/proc/p.yaml", "cannot be written"),
        ],
    )
    def test_an_output_that_cannot_be_written(
        self,
        capsys: pytest.CaptureFixture[str],
        config_file: Path,
        tmp_path: Path,
        output: str,
        says: str,
    ) -> None:
        status, _, err = main(
            capsys,
            "--config",
            str(config_file),
            "compile",
            "kubeflow",
            "-o",
            str(tmp_path / output),
        )
        assert status == 2
        assert says in err

    @pytest.mark.parametrize(
        ("command", "says"),
        [
            (["lineage", "show", "latest"], "no model has been pushed"),
            (["lineage", "show", "nowhere"], "neither `latest`, nor a pushed version"),
            (["rollback", "3"], "version 3: not pushed"),
        ],
    )
    def test_a_model_that_is_not_there(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, command: list[str], says: str
    ) -> None:
        status, _, err = main(capsys, "--config", str(config_file), *command)
        assert status == 2
        assert says in err

    def test_a_link_out_of_the_corpus(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "secret.txt").write_text("x")
        (tmp_path / "corpus" / "link.txt").symlink_to("../secret.txt")
        status, _, err = main(capsys, "--config", str(config_file), "plan")
        assert status == 2
        assert "link.txt: a link that leads out" in err


class TestOnAFreshWorkspace:
    def test_plan_says_that_everything_runs_for_the_first_time(
        self, capsys: pytest.CaptureFixture[str], config_file: Path
    ) -> None:
        status, out, _ = main(capsys, "--config", str(config_file), "plan", "--json")
        assert status == 0
        planned = document_of("plan", out)["nodes"]
        assert [n["node"] for n in planned] == [name for name in NODE_NAMES if name != "BaseModel"]
        assert {n["action"] for n in planned} == {"run"}
        assert [n["reasons"][0]["kind"] for n in planned] == ["first"] * len(planned)

    def test_plan_tells_by_its_status_whether_something_would_run(
        self, capsys: pytest.CaptureFixture[str], config_file: Path
    ) -> None:
        status, out, _ = main(capsys, "plan", "--exit-code", "--config", str(config_file))
        assert (status, out.splitlines()[0]) == (3, "9 to run, 0 reused")

    def test_plan_for_people_has_a_line_for_each_node(
        self, capsys: pytest.CaptureFixture[str], config_file: Path
    ) -> None:
        _, out, _ = main(capsys, "--config", str(config_file), "plan", "--to", "Tokenizer")
        counts, *lines = out.splitlines()
        assert counts == "5 to run, 0 reused"
        assert [line.split()[:3] for line in lines] == [
            [name, "run", "first:"]
            for name in (
                "CorpusGen",
                "StatisticsGen",
                "ImportSchemaGen",
                "ExampleValidator",
                "Tokenizer",
            )
        ]

    def test_a_number_beyond_what_there_can_be_is_all(
        self, capsys: pytest.CaptureFixture[str], config_file: Path
    ) -> None:
        config = ["--config", str(config_file)]
        assert main(capsys, *config, "status", "--limit", "9" * 30)[0] == 0
        assert parse(["gc", "--older-than", f"{'9' * 400}d"]).older_than == math.inf

    def test_status_has_no_runs(
        self, capsys: pytest.CaptureFixture[str], config_file: Path
    ) -> None:
        assert main(capsys, "--config", str(config_file), "status") == (0, "no runs yet\n", "")
        _, out, _ = main(capsys, "--config", str(config_file), "status", "--json")
        assert document_of("status", out) == {"version": 1, "runs": [], "served": []}


class TestLookingOnly:
    """Commands that only look write nothing, and ask for no path that they do not read."""

    def test_no_workspace_is_made(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
    ) -> None:
        commands = ("plan", "plan --check", "status", "gc --dry-run", "gc", "lineage show latest")
        for command in map(str.split, commands):
            main(capsys, "--config", str(config_file), *command)
        assert not (tmp_path / "workspace").exists()

    def test_what_is_there_is_left_alone(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
    ) -> None:
        workspace = tmp_path / "workspace"
        Store("gpt2", None, workspace).start_run(
            "run-1",
            {"pipeline": "gpt2", "config:model.base": "null", "launched_by": LOCAL_RUN},
        )
        FileDigests(workspace / "file_digests.sqlite").close()
        before = snapshot(workspace)
        for command in (["plan"], ["status"], ["gc", "--dry-run"]):
            assert main(capsys, "--config", str(config_file), *command)[0] == 0
        assert snapshot(workspace) == before

    def test_a_read_only_workspace_is_enough(
        self, root: Path, launches: Launches, tmp_path: Path
    ) -> None:
        launches.run("run-1")
        if not may_mount():
            pytest.skip("this machine lets nobody mount")
        commands = [
            *(["plan"], ["plan", "--check"], ["plan", "--set", "seed=2"], ["status"]),
            ["gc", "--dry-run"],
            *(
                ["lineage", "show", "latest"],
                ["compile", "kubeflow", "-o", str(tmp_path / "p.yaml")],
            ),
        ]
        program = (
            "import sys\nfrom pipeline.cli import main\n"
            f"for command in {commands!r}:\n"
            "    assert main([*command, '--config', sys.argv[1]]) == 0, command\n"
        )
        done = subprocess.run(
            [
                *read_only(tmp_path / "workspace"),
                *(sys.executable, "-c", program, str(launches.config_file)),
            ],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "CorpusGen         reuse" in done.stdout
        assert "CorpusGen         run" in done.stdout
        assert "Read-only file system" in done.stderr
        assert "run-1" in done.stdout

    @pytest.mark.parametrize(
        ("command", "status"),
        [(["run"], 2), (["node", "CorpusGen", "--run-id", "r"], 2), (["plan"], 0), (["status"], 0)],
    )
    def test_on_a_network_file_system_a_store_of_sqlite_is_only_looked_at(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        config_file: Path,
        tmp_path: Path,
        command: list[str],
        status: int,
    ) -> None:
        monkeypatch.setattr("pipeline.store.connection.network_file_system", lambda path: "nfs4")
        found, _, err = main(capsys, "--config", str(config_file), *command)
        assert found == status
        if status:
            assert (
                f"{tmp_path}/workspace/metadata.sqlite lies on a network file system (nfs4)" in err
            )
            assert "Set `store` to a PostgreSQL, such as postgresql://user:$STORE_PASSWORD@" in err
        assert not (tmp_path / "workspace").exists()

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            (["status"], 0),
            (["lineage", "show", "latest"], 2),
            (["rollback", "3"], 2),
            (["erase", "a"], 2),
            (["generate", "latest", "--prompt", "x"], 2),
            (["compile", "kubeflow", "-o", "p.yaml"], 0),
            (["plan"], 2),
            (["plan", "--to", "ImportSchemaGen"], 0),
            (["run"], 2),
            (["evaluate", "latest"], 2),
            (["node", "CorpusGen", "--run-id", "r"], 2),
        ],
    )
    def test_the_corpus_is_missed_only_where_it_is_read(
        self,
        capsys: pytest.CaptureFixture[str],
        write_config: WriteConfig,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        command: list[str],
        status: int,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write_config("corpus: {task: text, path: gone}\n")
        found, _, err = main(capsys, *command)
        reads = command[0] in ("run", "evaluate", "node", "erase") or command == ["plan"]
        assert found == status
        assert ("corpus.path: 'gone': there is nothing at" in err) is reads
        assert not (tmp_path / "workspace").exists()


class TestStatus:
    def test_names_every_node_of_a_run_and_what_became_of_it(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
    ) -> None:
        store = Store("gpt2", None, tmp_path / "workspace")
        properties: dict[str, str | float] = {
            "pipeline": "gpt2",
            "nodes": ",".join(name for name in NODE_NAMES if name != "BaseModel"),
            "started": 100.0,
        }
        store.start_run("run-1", properties)
        complete(store, "CorpusGen", "k1", "run-1", {"examples": ("Examples", "/e")})
        records = TfxRecords(store)
        records.fail(records.start("StatisticsGen", "run-1", "k2"))
        store.close_execution(records.start("Trainer", "run-1", "k3"), abandoned=True)
        store.update_run("run-1", {"state": "failed", "finished": 107.5})

        _, out, _ = main(capsys, "--config", str(config_file), "status", "--json")
        (run,) = document_of("status", out)["runs"]
        assert (run["run_id"], run["state"], run["started"], run["seconds"]) == (
            *("run-1", "failed"),
            *(100.0, 7.5),
        )
        states = {node["node"]: node["state"] for node in run["nodes"]}
        assert states == {
            **{name: "skipped" for name in NODE_NAMES if name != "BaseModel"},
            **{"CorpusGen": "run", "StatisticsGen": "failed", "Trainer": "abandoned"},
        }
        assert run["nodes"][0] == {
            "node": "CorpusGen",
            "state": "run",
            "seconds": 2.5,
            "key": "k1",
            "reason": "",
            "collected": None,
            "erased": None,
        }


class TestRollback:
    @pytest.fixture
    def pushed(self, launches: Launches) -> list[str]:
        """Two versions, of which the newer is served."""
        versions = []
        for number, weights in enumerate(("one", "two")):
            launches.results["Trainer"] = weights
            result = launches.run(f"run-{number}", None, f"training.steps={number + 1}")
            versions.append(str(result.pushed))
        return versions

    def test_moves_pins_and_releases(
        self, capsys: pytest.CaptureFixture[str], launches: Launches, pushed: list[str]
    ) -> None:
        config = ["--config", str(launches.config_file), "--set", "training.steps=2"]
        old, new = pushed

        def latest() -> dict[str, Any]:
            document = document_of("plan", main(capsys, *config, "plan", "--json")[1])
            assert {node["action"] for node in document["nodes"]} == {"reuse"}
            return document["latest"]

        assert latest() == {"now": new, "after": new, "pinned": False}
        status, out, err = main(capsys, *config, "rollback", old)
        assert (status, err) == (0, "")
        assert out.splitlines()[0] == f"latest: {new} -> {old}"
        assert latest() == {"now": old, "after": old, "pinned": True}
        assert (
            f"latest            stays at version {old}, pinned" in main(capsys, *config, "plan")[1]
        )

        status, out, err = main(capsys, *config, "rollback", "--release")
        assert (status, err) == (0, "")
        assert out.startswith(f"latest: {old}, released")
        assert latest() == {"now": old, "after": new, "pinned": False}
        status, out, _ = main(capsys, *config, "plan", "--exit-code")
        assert (status, out.splitlines()[-1]) == (3, f"latest            {old} -> {new}")
        assert main(capsys, *config, "rollback", "--release")[1].endswith("was not pinned\n")

    def test_is_told_by_status_with_what_was_served_before(
        self, capsys: pytest.CaptureFixture[str], launches: Launches, pushed: list[str]
    ) -> None:
        config = ["--config", str(launches.config_file)]
        old, new = pushed
        first_line = main(capsys, *config, "status")[1].splitlines()[0]
        assert first_line.startswith(f"latest: version {new} since ")
        assert first_line.endswith(", by run run-1")
        main(capsys, *config, "rollback", old)
        first_line = main(capsys, *config, "status")[1].splitlines()[0]
        assert first_line.startswith(f"latest: stays at version {old}, pinned ")
        document = document_of("status", main(capsys, *config, "status", "--json")[1])
        assert [time["version"] for time in document["served"]] == [old, new, old]

    def test_imports_nothing_heavy(self, root: Path, launches: Launches, pushed: list[str]) -> None:
        config = str(launches.config_file)
        assert modules_after(root, "--config", config, "rollback", pushed[0]) == (0, set())
        assert launches.versions.latest() == pushed[0]


def test_a_closed_pipe_ends_quietly(root: Path, config_file: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--config", str(config_file), "plan"],
        cwd=root,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_results_are_on_stdout_and_nothing_else_is(
    capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "p.yaml"
    status, out, err = main(
        capsys, "--config", str(config_file), "compile", "kubeflow", "-o", str(output)
    )
    assert (status, out, err) == (0, f"{output}\n", "")
    assert output.is_file()


class TestTheCostOfLooking:
    def test_does_not_grow_with_the_runs_that_there_are(
        self,
        capsys: pytest.CaptureFixture[str],
        config_file: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        store = Store("gpt2", None, tmp_path / "workspace")
        loaded = load_config(config_file, ())
        asked: list[int] = []
        call = WorkspaceStore._call

        def counted(self: WorkspaceStore, method: str, request: Any, response: Any) -> None:
            call(self, method, request, response)
            asked.append(len(getattr(response, "contexts", ())))

        code, costs = read_snapshot(), []
        for run in range(120):
            register_run(store, loaded, f"run-{run}", LOCAL_RUN, ["CorpusGen"], None, code)
            store.update_run(f"run-{run}", {"state": "complete", "finished": time.time()})
            if run in (69, 119):
                asked.clear()
                with monkeypatch.context() as patched:
                    patched.setattr(WorkspaceStore, "_call", counted)
                    main(capsys, "--config", str(config_file), "status", "--limit", "3")
                    abandon_dead_runs(Leases(store, "mine"), tmp_path / "workspace")
                costs.append((len(asked), sum(asked)))
        assert costs[0] == costs[1]


class TestStatusOfADeadRun:
    def test_it_is_abandoned_as_soon_as_its_lease_is_over(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
    ) -> None:
        store = Store("gpt2", None, tmp_path / "workspace")
        lease = Leases(store, "run-1").acquire(RUN_LEASE, wait=False, say=print)
        loaded = load_config(config_file, ())
        register_run(store, loaded, "run-1", LOCAL_RUN, ["CorpusGen"], lease, read_snapshot())
        TfxRecords(store).start("CorpusGen", "run-1", "k1")

        def states() -> tuple[str, str]:
            _, out, _ = main(capsys, "--config", str(config_file), "status", "--json")
            (run,) = document_of("status", out)["runs"]
            return run["state"], run["nodes"][0]["state"]

        assert states() == ("running", "running")
        lease.release()
        assert states() == ("abandoned", "abandoned")

    def test_looking_changes_nothing(
        self, capsys: pytest.CaptureFixture[str], config_file: Path, tmp_path: Path
    ) -> None:
        Store("gpt2", None, tmp_path / "workspace")
        database = tmp_path / "workspace" / "metadata.sqlite"
        before = database.read_bytes()
        for _ in range(3):
            assert main(capsys, "--config", str(config_file), "status")[0] == 0
        assert database.read_bytes() == before
