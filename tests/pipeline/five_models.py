"""The history of five models, for whoever asks about lineage."""

from pathlib import Path

from pipeline.serving_pointer import ServingPointer
from tests.pipeline.corpus_index import index
from tests.pipeline.launches import Launches


def five_models(folder: Path, url: str | None = None) -> dict[str, str]:
    """Fill a folder with the history of four pushed models and a refused one; name -> version.

    The second has another corpus, the third other parameters, the fourth another corpus again; the refused one has that
    too. A rollback has pinned the second. url: of the metadata store; without one it lies in the workspace.
    """
    story = folder / "corpus" / "one.txt"
    story.parent.mkdir()
    story.write_text("One.\n")
    store = "" if url is None else f"store: {url}\n"
    (folder / "pipeline.yaml").write_text(f"corpus:\n  task: text\n  path: corpus\n{store}")
    launches = Launches(folder / "pipeline.yaml")
    versions: dict[str, str] = {}

    def push(name: str, corpus: str, *overrides: str) -> None:
        launches.results |= {"CorpusGen": corpus, "Tokenizer": corpus, "Trainer": f"model {name}"}
        versions[name] = str(launches.run(f"run-{name}", None, *overrides).pushed)

    push("first", index("a", "b", "c"))
    story.write_text("Two.\n")
    push("more", index("a", "b", "c", "d"))
    push("longer", index("a", "b", "c", "d"), "training.steps=9")
    story.write_text("Three.\n")
    push("less", index("a", 'e"\\ é', "c", edited="a"))
    launches.blessed = False
    launches.results["Trainer"] = "refused"
    launches.run("run-refused", None, "training.steps=10")
    ServingPointer(launches.store, launches.versions).roll_back(versions["more"], "me")
    return versions
