from pathlib import Path

from pipeline.lineage import executions_behind
from pipeline.store import Store
from tests.pipeline.tfx_records import complete


def test_the_champion_stands_beside_a_model_and_not_behind_it(tmp_path: Path) -> None:
    store = Store("gpt2", None, tmp_path)
    store.start_run("run-1", {"pipeline": "gpt2"})

    def step(node: str, key: str, kind: str, **inputs: int) -> int:
        _, made = complete(
            store, node, key, "run-1", {"out": (kind, f"/{node}/{key}")}, inputs, digest=key
        )
        return made["out"]

    old_corpus = step("CorpusGen", "old", "Examples")
    old_model = step("Trainer", "old", "Model", examples=old_corpus)
    champion = step("Pusher", "old", "PushedModel", model=old_model)
    corpus = step("CorpusGen", "new", "Examples")
    model = step("Trainer", "new", "Model", examples=corpus)
    evaluation = step(
        "Evaluator", "new", "ModelEvaluation", champion=champion, examples=corpus, model=model
    )
    artifacts = {artifact.id: artifact for artifact in store.artifacts("ModelEvaluation")}
    behind = executions_behind(store, {"evaluation": artifacts[evaluation]})
    assert [(execution.node, execution.key) for execution in behind] == [
        ("CorpusGen", "new"),
        ("Trainer", "new"),
        ("Evaluator", "new"),
    ]


def test_what_the_model_was_made_of_comes_first(tmp_path: Path) -> None:
    """Of two executions with equal results, one read by the Trainer, the other by a later Evaluator."""
    store = Store("gpt2", None, tmp_path)
    store.start_run("run-1", {"pipeline": "gpt2"})
    ids = {}
    for key in ("again", "read"):
        _, made = complete(store, "CorpusGen", key, "run-1", {"examples": ("Examples", f"/{key}")})
        ids[key] = made["examples"]
    _, made = complete(
        store, "Trainer", "t", "run-1", {"model": ("Model", "/m")}, {"examples": ids["read"]}
    )
    (model,) = store.artifacts("Model")
    examples = {artifact.id: artifact for artifact in store.artifacts("Examples")}
    behind = executions_behind(store, {"examples": examples[ids["again"]], "model": model})
    assert [execution.key for execution in behind] == ["read", "t", "again"]
