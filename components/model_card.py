"""The statement for people: a model card as the Hugging Face hub reads it, Markdown behind a front matter of YAML."""

from typing import Any

from components.model_index import dataset_of, model_index, with_front_matter

# The name by which the hub finds it.
MODEL_CARD = "README.md"


def model_card(statement: dict[str, Any]) -> str:
    """The card of a model (sections after Mitchell et al. 2019, "Model Cards for Model Reporting")."""
    return with_front_matter(_front_matter(statement), _text(statement))


def _front_matter(statement: dict[str, Any]) -> dict[str, Any]:
    """What the hub indexes. Language, licence and the base model's name there are no facts of the lineage."""
    corpus, evaluation = statement["corpus"], statement["evaluation"]
    dataset = dataset_of(corpus["task"], evaluation["split"], revision=corpus["digest"])
    index = model_index(_name(statement), dataset, evaluation["metrics"])
    front: dict[str, Any] = {
        "library_name": "gpt2-tfx",
        "pipeline_tag": "text-generation",
        "tags": ["gpt2", "tensorflow"],
    }
    if index:
        front["model-index"] = index
    return front


def _name(statement: dict[str, Any]) -> str:
    return f"gpt2-{statement['parameters']['model.size']}-{statement['corpus']['task']}"


def _text(statement: dict[str, Any]) -> str:
    parameters, corpus = statement["parameters"], statement["corpus"]
    evaluation, base = statement["evaluation"], statement["base_model"]
    scores = "\n".join(
        f"| {name} | {'not scored' if value is None else f'{value:.6g}'} | {_interval(evaluation, name)} |"
        for name, value in sorted(evaluation["metrics"].items())
    )
    checks = "\n".join(
        f"- {check['metric']}: {check['wanted']}: {'passed' if check['passed'] else 'failed'}{_found(check)}"
        for check in evaluation["checks"]
    )
    return f"""# Model card

GPT-2, size {parameters["model.size"]}, fine-tuned for the task `{corpus["task"]}`.

## Model

- digest: `{statement["model"]["digest"]}`
- base weights: {f"`{base['digest']}`" if base else "random, from the seed"}
- code: commit `{statement["code"]["commit"] or "unknown"}`, digest `{statement["code"]["digest"]}`

## Training data

- {corpus["records"]} records from {corpus["files"]} files, digest `{corpus["digest"]}`
- the records are of all splits; the scores below are of the {evaluation["split"]} split, which is held out
- to be stated by the provider: where the corpus comes from, its languages, its licence, the people in it

## Evaluation on the {evaluation["split"]} split

| metric | value | 95 % interval |
|---|---|---|
{scores}

Decided on the {evaluation["gate_split"]} split:

{checks}

The model is {"blessed" if statement["blessed"] else "**not blessed**"}.

## Limits

The model continues text. It can state what is false, and it repeats what its corpus holds.
"""


def _interval(evaluation: dict[str, Any], metric: str) -> str:
    ends = evaluation["intervals"].get(metric)
    return "none" if ends is None else f"{ends[0]:.6g} to {ends[1]:.6g}"


def _found(check: dict[str, Any]) -> str:
    return f" ({check['found']})" if check["found"] else ""
