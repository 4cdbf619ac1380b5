"""stdin, stdout and stderr as callers leave them: closed, full, or in another encoding."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import print_json
from tests.pipeline.conftest import WriteConfig


def done(
    root: Path, arguments: str, given: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """A command line of the shell, in which `$gpt2` is ours."""
    command = f'gpt2="{sys.executable} -m pipeline"; $gpt2 {arguments}'
    return subprocess.run(
        ["bash", "-c", command],
        cwd=root,
        input=given,
        capture_output=True,
        env=os.environ | environment,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_leads_nowhere(root: Path, config_file: Path, closed: str) -> None:
    ended = done(root, f"--config '{config_file}' status {closed}")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (ended.stdout == b"") == (">&- " in f"{closed} ".replace("2>&-", ""))


def test_a_full_disk_under_stdout_is_a_failure_in_one_line(root: Path, config_file: Path) -> None:
    ended = done(root, f"--config '{config_file}' status > /dev/full")
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"gpt2-tfx: no space left on device. Make room")
    assert ended.stderr.count(b"\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("text", ["caf\u00e9 \u043f \U0001f600", "\udce9"])
def test_json_is_json_in_whatever_encoding(
    monkeypatch: pytest.MonkeyPatch, encoding: str, text: str
) -> None:
    written = io.BytesIO()
    stdout = io.TextIOWrapper(written, encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stdout)
    print_json({"text": text})
    stdout.flush()
    assert json.loads(written.getvalue().decode(encoding)) == {"version": 1, "text": text}


def test_what_the_encoding_of_stdout_has_not_is_escaped(
    root: Path, write_config: WriteConfig
) -> None:
    config = write_config("corpus: {task: text, path: corpus}\nworkspace: \u043f\n")
    ended = done(
        root, f"--config '{config}' gc --why '{config.parent}/\u043f/x'", PYTHONIOENCODING="latin-1"
    )
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
@pytest.mark.parametrize("command", ["generate latest -", "lineage trace --text -"])
def test_what_is_no_text_on_stdin_is_a_mistake(
    root: Path, config_file: Path, command: str, errors: str
) -> None:
    encoding = f"utf-8:{errors}"
    ended = done(root, f"--config '{config_file}' {command}", b"caf\xe9", PYTHONIOENCODING=encoding)
    assert ended.returncode == 2
    assert ended.stderr == b"gpt2-tfx: stdin: not text in utf-8; save it as UTF-8\n"
