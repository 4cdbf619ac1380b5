"""`gpt2-tfx score`, as a user calls it."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import cli
from tests.pipeline.schemas import document_of


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The arguments that name predictions and references."""
    (tmp_path / "ours").write_text("The ship left.\nRain fell.\n")
    (tmp_path / "theirs").write_text("A ship left port.\nText.\n")
    return ["--predictions", str(tmp_path / "ours"), "--references", str(tmp_path / "theirs")]


def test_the_document_is_one_of_its_schema_and_its_signature_gives_it_again(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["score", "--task", "cnn_dailymail", *files, "--json"]
    assert cli.main(call) == 0
    first = document_of("score", capsys.readouterr().out)
    assert first["records"] == 2
    low, value, high = (first["scores"]["rouge1"][name] for name in ("low", "value", "high"))
    assert low <= value <= high
    assert cli.main([*call, "--signature", first["signature"]]) == 0
    assert document_of("score", capsys.readouterr().out) == first


def test_another_signature_is_told_by_its_parts(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["score", "--task", "cnn_dailymail", *files]
    assert cli.main(call) == 0
    signature = capsys.readouterr().out.splitlines()[-1]
    assert cli.main([*call, "--signature", signature.replace("stem:no", "stem:other")]) == 1
    assert "--signature: stem was other and is no" in capsys.readouterr().err


def test_a_signature_names_its_seed_and_what_no_file_shows(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["score", "--task", "cnn_dailymail", *files]
    assert cli.main(call) == 0
    signature = capsys.readouterr().out.splitlines()[-1].replace("seed:1", "seed:9")
    assert cli.main([*call, "--signature", f"{signature}|split:test|generation:0123"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == signature


def test_words_of_any_script_are_counted_under_another_signature(
    files: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).write_text("Корабль вышел.\nДождь.\n", encoding="utf-8")
    call = ["score", "--task", "cnn_dailymail", *files, "--json"]
    assert cli.main(call) == 0
    said = capsys.readouterr()
    assert document_of("score", said.out)["scores"]["rouge1"]["value"] == 0
    assert "--signature words:unicode counts words of any script" in said.err
    assert cli.main([*call, "--signature", "words:unicode"]) == 0
    said = capsys.readouterr()
    document = document_of("score", said.out)
    assert (document["scores"]["rouge1"]["value"], document["unseen"], said.err) == (1, 0, "")
    assert cli.main([*call, "--signature", document["signature"]]) == 0


def test_stemming_is_part_of_the_signature_which_asks_for_it_again(
    files: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    exceptions = tmp_path / "exceptions"
    exceptions.mkdir()
    (exceptions / "verb.exc").write_text("left leave\nleaves leave\n\n")
    (tmp_path / "theirs").write_text("The ship leaves.\nText.\n")
    perl = ["--exceptions", str(exceptions)]
    call = ["score", "--task", "cnn_dailymail", *files, "--json"]
    means = []
    for stemmed in ([], ["--stem", "porter"], ["--stem", "perl", *perl]):
        assert cli.main([*call, *stemmed]) == 0
        document = document_of("score", capsys.readouterr().out)
        means.append(document["scores"]["rouge1"]["value"])
        signed = ["--signature", document["signature"], *(perl if "perl" in stemmed else [])]
        assert cli.main([*call, *signed]) == 0
        assert document_of("score", capsys.readouterr().out) == document
    assert means == pytest.approx([1 / 3, 1 / 3, 1 / 2])
    (tmp_path / "verb.exc").write_text("left leave\n")
    assert cli.main([*call, *signed, "--exceptions", str(tmp_path)]) == 1
    assert "--signature: stem was perl-" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--stem", "perl"], "name the folder of WordNet 2.0's exceptions with --exceptions"),
        (["--exceptions", "none"], "--exceptions none: only with --stem perl"),
        (["--stem", "perl", "--exceptions", "none"], "--exceptions none: no file *.exc in it"),
        (["--stem", "porter", "--signature", "words:unicode"], "of English alone"),
        (["--task", "coqa", "--stem", "porter"], "of ROUGE; CoQA's answers"),
    ],
)
def test_stemming_that_cannot_be_is_refused(
    files: list[str],
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    message: str,
    tmp_path: Path,
) -> None:
    if "coqa" in flags:
        (tmp_path / "ours").write_text('[{"id": "s", "turn_id": 1, "answer": "a"}]')
        (tmp_path / "theirs").write_text(
            '{"data": [{"id": "s", "answers": [{"turn_id": 1, "input_text": "a"}]}]}'
        )
    assert cli.main(["score", "--task", "cnn_dailymail", *files, *flags]) == 2
    assert message in capsys.readouterr().err


def test_unequal_files_and_unknown_tasks_are_refused(
    files: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["score", "--task", "text", *files]) == 2
    assert "--task text" in capsys.readouterr().err
    (tmp_path / "ours").write_text("One.\n")
    assert cli.main(["score", "--task", "cnn_dailymail", *files]) == 2
    assert "has 1 texts and" in capsys.readouterr().err


def test_it_needs_no_tensorflow_and_no_configuration(files: list[str], tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pipeline import cli\nstatus = cli.main(sys.argv[1:])\n"
        "assert not {'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)\nsys.exit(status)"
    )
    call = [sys.executable, "-c", program, "score", "--task", "cnn_dailymail", *files]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
