"""The predictions of an evaluation as others read them, and their signature."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from components.evaluation import Prediction
from components.options import Words
from components.prediction_files import Pair, Pairs
from components.published_scores import signature
from components.sentences import in_lines, tagged
from preprocessing.base.digests import sha256_json
from trainer.options import GenerationOptions


def as_file(task: str, name: str, predictions: Sequence[Prediction]) -> bytes:
    """A file of predictions. What `name` ends with says how it is laid out.

    .jsonl: an object for each, with prompt, references and scores, which `compare` reads. Any other: as the task's own
    scripts read it: CoQA's JSON, or a summary a line with its sentences between `<t>` and `</t>`.
    """
    if name.endswith(".jsonl"):
        rows = (json.dumps(p.to_dict(), ensure_ascii=False, sort_keys=True) for p in predictions)
        return "".join(f"{row}\n" for row in rows).encode()
    if task == "coqa":
        answers = [
            {"id": p.target.record, "turn_id": p.target.turn, "answer": p.text} for p in predictions
        ]
        return (json.dumps(answers, ensure_ascii=False, indent=0) + "\n").encode()
    return "".join(f"{tagged(in_lines(p.text)[0])}\n" for p in predictions).encode()


def signature_of(
    task: str,
    predictions: Sequence[Prediction],
    split: str,
    generation: GenerationOptions,
    seed: int,
    words: Words = "latin",
) -> str | None:
    """The signature of an evaluation's scores, which `score` gives again; None where there are no texts."""
    if not predictions:
        return None
    pairs, ways = [], set()
    for number, prediction in enumerate(predictions, start=1):
        target = prediction.target
        if task == "coqa":
            name = f"{target.record} turn {target.turn}"
            pairs.append(Pair(name, target.record, "", prediction.text, target.references))
            continue
        lines = [in_lines(text) for text in (prediction.text, *target.references)]
        ways |= {way for _, way in lines}
        text, *references = (text for text, _ in lines)
        pairs.append(Pair(str(number), str(number), "", text, tuple(references)))
    read = Pairs(tuple(pairs), "+".join(sorted(ways)))
    settings = sha256_json(asdict(generation))[:16]
    return signature(task, read, seed, words, split=split, generation=settings)
