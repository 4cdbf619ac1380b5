"""What lies outside the store and changes while a run reads it is a failure that names it, and no record."""

from pathlib import Path

import pytest

from pipeline.commands.status import last_runs
from pipeline.node_process import NodeFailureError
from tests.pipeline.conftest import WriteConfig
from tests.pipeline.launches import Launches


@pytest.fixture
def corpus(config_file: Path) -> Path:
    return config_file.parent / "corpus" / "one.txt"


def rewrite(path: Path, *contents: str) -> None:
    for content in contents:
        path.write_text(content)


def test_a_corpus_that_is_edited_and_put_back_while_it_is_read_fails(
    launches: Launches, corpus: Path
) -> None:
    """The digest is the old one again, and nobody knows which text was read."""
    before = corpus.read_text()
    launches.edits["CorpusGen"] = lambda: rewrite(corpus, "Other prose.\n", before)
    with pytest.raises(
        NodeFailureError, match=r"one\.txt: changed while CorpusGen read it"
    ) as failure:
        launches.run("run-1")
    assert failure.value.node == "CorpusGen"
    launches.edits.clear()
    launches.run("run-2")
    assert launches.launched[0] == "CorpusGen"


@pytest.mark.parametrize("change", ["a new file", "a file less"])
def test_so_does_one_with_another_list_of_files(
    launches: Launches, corpus: Path, change: str
) -> None:
    (corpus.parent / "two.txt").write_text("More prose.\n")
    edits = {
        "a new file": lambda: (corpus.parent / "two-b.txt").write_text("New.\n"),
        "a file less": lambda: (corpus.parent / "two.txt").unlink(),
    }
    launches.edits["CorpusGen"] = edits[change]
    with pytest.raises(NodeFailureError, match=r"two.*\.txt: changed while CorpusGen read it"):
        launches.run("run-1")


def test_a_corpus_that_is_edited_after_it_was_read_is_of_the_next_run(
    launches: Launches, corpus: Path
) -> None:
    launches.edits["Trainer"] = lambda: rewrite(corpus, "Other prose.\n")
    launches.run("run-1")
    launches.edits.clear()
    launches.run("run-2")
    assert launches.launched[0] == "CorpusGen"


def test_a_schema_that_is_edited_before_its_node_reads_it_fails(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    schema = tmp_path / "schema.pbtxt"
    schema.write_text("feature { name: 'id' }\n")
    launches = Launches(
        write_config("corpus:\n  task: text\n  path: corpus\nvalidation:\n  schema: schema.pbtxt\n")
    )
    launches.edits["CorpusGen"] = lambda: rewrite(schema, "feature { name: 'other' }\n")
    with pytest.raises(NodeFailureError, match=r"schema\.pbtxt: changed while the run had yet"):
        launches.run("run-1")
    # Nothing was launched, so the store has no execution of it.
    states = {node["node"]: node["state"] for node in last_runs(launches.store, 1)[0]["nodes"]}
    assert states["ImportSchemaGen"] == "failed"
    assert states["ExampleValidator"] == "skipped"


def test_who_reads_a_vocabulary_knows_its_digest(launches: Launches) -> None:
    launches.run("run-1")
    for name in ("Tokenizer", "Trainer", "Evaluator"):
        digest = launches.requests[name].environment["GPT2_TFX_VOCABULARY_DIGEST"]
        assert len(digest) == 64
