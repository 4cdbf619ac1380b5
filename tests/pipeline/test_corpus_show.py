"""`gpt2-tfx corpus show`: what the newest run made of the corpus, record by record."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from pipeline.selection import Selection
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.options import CorpusOptions, TokenOptions
from preprocessing.tasks.registry import TASKS
from preprocessing.tokens.job import list_shards, write_token_rows
from preprocessing.tokens.rows import read_rows
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of
from tests.pipeline.test_cli import main, modules_after
from tests.pipeline.trees import snapshot
from tests.preprocessing.corpora import story

ARTICLE = "The harbour bridge was closed to all boats. " * 12
STORIES = {
    "bread": story("Bread was baked.", "It was good"),
    "bridge": story(ARTICLE, "The bridge was closed", "No boat passed"),
    "tide": story("The tide came in.", "It was \u27e6high\u27e7"),
    "empty": story("", "Nobody wrote it"),
}
LENGTH = 40


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs of CorpusGen and Tokenizer for STORIES, and the corpus itself."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "corpus").mkdir()
    for name, text in STORIES.items():
        (folder / "corpus" / f"{name}.story").write_text(text)
    options = CorpusOptions(validation_fraction=0, test_fraction=0, loss_on="target")
    folders = CorpusFolders(*(str(folder / name) for name in ("examples", "index", "report")))
    write_corpus(beam.Pipeline(), str(folder / "corpus"), options, 1, folders)
    tokens = TASKS["cnn_dailymail"].token_options(TokenOptions(LENGTH))
    shards = list_shards(folders.examples_dir, str(folder / "tokens"))
    write_token_rows(beam.Pipeline(), shards, tokens, str(folder / "statistics"))
    return folder


@pytest.fixture(scope="module")
def config(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a workspace that a run has made them in; nothing writes there."""
    folder = tmp_path_factory.mktemp("workspace")
    file = folder / "pipeline.yaml"
    file.write_text(
        "corpus: {task: cnn_dailymail, path: corpus, validation_fraction: 0, test_fraction: 0}\n"
        f"tokens: {{sequence_length: {LENGTH}}}\n"
    )
    (folder / "corpus").mkdir()
    launches_of(made, file).run("first")
    (folder / "corpus").rmdir()
    return file


def launches_of(made: Path, file: Path) -> Launches:
    launches = Launches(file)
    launches.contents = {
        **{f"CorpusGen.{name}": made / name for name in ("examples", "index", "report")},
        **{f"Tokenizer.{name}": made / name for name in ("tokens", "statistics")},
    }
    return launches


Shows = Any


@pytest.fixture
def show(config: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shows]:
    """Does the command; nothing in the workspace is changed by it."""
    before = snapshot(config.parent)
    yield lambda *arguments: main(capsys, "--config", str(config), "corpus", "show", *arguments)
    assert snapshot(config.parent) == before


def one(show: Shows, *arguments: str) -> dict[str, Any]:
    """The only record of a document."""
    status, out, err = show(*arguments, "--json")
    assert (status, err) == (0, "")
    (record,) = document_of("corpus-show", out)["records"]
    return record  # type: ignore[no-any-return]


def test_a_record_is_shown_as_the_model_reads_it(show: Shows) -> None:
    status, out, err = show("bread")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["record   bread", "source   bread.story at 0"]
    assert lines[2].startswith("split    train, shard ")
    assert lines[4] == "tokens   15; 4 in the loss; a row has 40"
    assert lines[6] == "marks    ⟦in the loss⟧ ∎ end of text ⋯ left out"
    assert out.endswith("\nBread was baked.\nTL;DR:\n⟦It was good∎⟧\n")


def test_without_a_record_the_first_are_shown(show: Shows) -> None:
    status, out, _ = show("--json")
    assert status == 0
    document = document_of("corpus-show", out)
    assert [record["id"] for record in document["records"]] == ["bread", "bridge", "tide"]
    limited = document_of("corpus-show", show("--json", "--limit", "1")[1])
    assert [record["id"] for record in limited["records"]] == ["bread"]


def test_a_file_names_its_records(show: Shows) -> None:
    assert one(show, "tide.story")["id"] == "tide"


def test_what_the_length_cuts_off_is_told(show: Shows) -> None:
    record = one(show, "bridge")
    kinds = [piece["kind"] for piece in record["pieces"]]
    assert kinds == ["text", "left_out", "text", "text", "end"]
    text = "".join(p["text"] for p in record["pieces"] if p["kind"] != "end")
    assert text == f"{ARTICLE.strip()}\nTL;DR:\nThe bridge was closed\nNo boat passed"
    assert record["tokens"] == LENGTH
    gap = record["pieces"][1]["tokens"]
    out = show("bridge")[1]
    assert f"tokens   40, {gap} more left out; " in out
    assert f"⋯{gap} tokens left out⋯" in out


def test_the_rows_that_are_named_hold_the_tokens(show: Shows, made: Path) -> None:
    vocabulary = load_vocabulary()
    for name in ("bread", "bridge", "tide"):
        record = one(show, name, "--tokens")
        rows = list(
            read_rows([made / "tokens" / "Split-train" / f"rows-{record['shard']}.tfrecord"])
        )
        ids = [token["id"] for token in record["token_list"]]
        (part,) = record["rows"]
        place = slice(part["offset"], part["offset"] + len(ids))
        assert rows[part["row"]].input_ids[place].tolist() == ids
        in_loss = [token["in_loss"] for token in record["token_list"]]
        assert rows[part["row"]].loss_mask[place].astype(bool).tolist() == in_loss
        assert ids[-1] == vocabulary.end_of_text


def test_token_by_token(show: Shows) -> None:
    lines = show("bread", "--tokens")[1].splitlines()
    assert lines[6].endswith('        "B"')
    assert lines[-2:] == ['    13    922  loss  " good"', "    14  50256  loss  end of text"]


def test_marks_are_none_that_the_text_has(show: Shows) -> None:
    out = show("tide")[1]
    assert "It was ⟦high⟧" in out
    marks = next(line for line in out.splitlines() if line.startswith("marks"))
    assert "⟦" not in marks
    assert "⟧" not in marks


@pytest.mark.parametrize(
    ("no_color", "is_coloured"), [("", True), ("1", False)], ids=["colour", "NO_COLOR"]
)
def test_a_terminal_gets_colour_unless_it_is_told_not_to(
    show: Shows, monkeypatch: pytest.MonkeyPatch, no_color: str, is_coloured: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", no_color)
    out = show("bread")[1]
    assert ("\x1b[1;32mIt was good" in out) is is_coloured
    assert ("⟦It was good" in out) is not is_coloured


def test_a_document_that_was_dropped_says_why(show: Shows) -> None:
    status, out, err = show("empty")
    assert status == 1
    assert out.startswith("dropped  empty of empty.story: empty_article, no text")
    assert "empty: no record, as the report of run first says" in err
    document = document_of("corpus-show", show("empty", "--json")[1])
    assert (document["records"], document["drops"][0]["reason"]) == ([], "empty_article")


def test_what_is_not_there_is_an_answer_with_what_to_do(show: Shows) -> None:
    status, out, err = show("it's gone")
    assert (status, out) == (1, "")
    assert "it's gone: no record or file of run first is called so" in err
    assert "gpt2-tfx lineage trace 'it'\"'\"'s gone'" in err


def test_a_split_without_records_is_an_answer(show: Shows) -> None:
    assert show("--split", "test")[0] == 1
    assert show("bread", "--split", "test")[0] == 1


def test_a_name_that_is_empty_is_refused(show: Shows) -> None:
    assert show("")[0] == 2


def test_before_the_tokenizer_the_configuration_says_how_it_would_be(
    made: Path, tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(config.read_text())
    (tmp_path / "corpus").mkdir()
    launches_of(made, file).run("first", Selection(last=("CorpusGen",)))
    status, out, _ = main(capsys, "--config", str(file), "corpus", "show", "bread")
    assert status == 0
    assert "rows     not made yet: gpt2-tfx run --to Tokenizer" in out


def test_where_nothing_has_run_the_run_is_named(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = main(capsys, "--config", str(config_file), "corpus", "show")
    assert (status, out) == (2, "")
    assert "first gpt2-tfx run --to Tokenizer" in err
    assert not (config_file.parent / "workspace").exists()


def test_another_vocabulary_than_that_of_the_rows_is_refused(show: Shows) -> None:
    status, _, err = show("bread", "--set", "tokens.vocabulary=bytes")
    assert status == 2
    assert "tokens.vocabulary: 'bytes' is not the one that the rows were made with" in err


def test_it_imports_no_tensorflow(root: Path, config: Path) -> None:
    status, heavy = modules_after(root, "--config", str(config), "corpus", "show", "bread")
    assert status == 0
    assert not heavy & {"tensorflow", "tfx", "apache_beam", "kfp"}


@pytest.fixture
def own_examples(made: Path, tmp_path: Path, config: Path) -> tuple[Path, Path]:
    """A configuration of a workspace of the test's own, and the folder of the examples in it."""
    file = tmp_path / "pipeline.yaml"
    file.write_text(config.read_text())
    (tmp_path / "corpus").mkdir()
    launches_of(made, file).run("first")
    (examples,) = (tmp_path / "workspace" / "artifacts" / "CorpusGen" / "examples").iterdir()
    return file, examples


def test_examples_that_are_damaged_are_named(
    own_examples: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file, examples = own_examples
    (records,) = (examples / "Split-train").iterdir()
    records.write_bytes(records.read_bytes()[:-1])
    status, _, err = main(capsys, "--config", str(file), "corpus", "show", "tide")
    assert status == 1
    assert f"{records}: cannot be read" in err


def test_examples_that_were_removed_are_told(
    own_examples: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file, examples = own_examples
    shutil.rmtree(examples)
    status, _, err = main(capsys, "--config", str(file), "corpus", "show", "tide")
    assert status == 2
    assert "the examples of run first were removed; make them again: gpt2-tfx run." in err


def test_what_a_run_has_used_again_is_of_that_run(
    made: Path, own_examples: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file, _ = own_examples
    launches_of(made, file).run("second")
    document = document_of(
        "corpus-show", main(capsys, "--config", str(file), "corpus", "show", "tide", "--json")[1]
    )
    assert document["run"] == "second"
    assert document["records"][0]["rows"]
