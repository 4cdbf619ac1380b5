"""`gpt2-tfx score`: score what another system wrote, without a model."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import asdict

from components.metrics.stemming import Stemming, Way
from components.options import Words
from components.prediction_files import read_pairs
from components.published_scores import Scores, parts_of, published_scores
from pipeline.cli import print_json
from preprocessing.base.errors import InputError

TASKS = ("cnn_dailymail", "coqa")
# Of the bootstrap, where --signature names none; it is part of the signature.
_SEED = 1
_WAYS: Mapping[str, Way] = {"porter": "porter", "perl": "perl"}


def run(arguments: argparse.Namespace) -> int:
    """Print the scores; the status is 1 where they are not those of --signature."""
    if arguments.task not in TASKS:
        raise InputError(
            f"--task {arguments.task}: not one whose predictions are scored; there are {', '.join(TASKS)}."
        )
    pairs = read_pairs(arguments.task, arguments.predictions, arguments.references)
    given = parts_of(arguments.signature or "")
    seed = int(given["seed"]) if given.get("seed", "").isdecimal() else _SEED
    words: Words = "unicode" if given.get("words") == "unicode" else "latin"
    stemming = _stemming(arguments, given.get("stem", "no"))
    if stemming.way != "no" and arguments.task == "coqa":
        raise InputError(
            f"--stem {stemming.way}: of ROUGE; CoQA's answers are compared as they are."
        )
    if stemming.way != "no" and words == "unicode":
        raise InputError(f"--stem {stemming.way}: of English alone; words of any script have none.")
    found = published_scores(arguments.task, pairs, seed, _say, words, stemming)
    if found.unseen:
        print(
            f"gpt2-tfx: {found.unseen} of {found.records} references have no word that ROUGE counts, so they score 0. "
            "rouge-score knows letters from a to z and digits; --signature words:unicode counts words of any script",
            file=sys.stderr,
        )
    if arguments.json:
        print_json(
            {
                "task": arguments.task,
                "records": found.records,
                "scores": {name: asdict(score) for name, score in found.scores.items()},
                "domains": found.domains,
                "unseen": found.unseen,
                "signature": found.signature,
            }
        )
    else:
        print(as_text(found))
    return _compare(given, found.signature)


def _stemming(arguments: argparse.Namespace, signed: str) -> Stemming:
    """What the flags ask for, or else the signature."""
    way = arguments.stem or signed.partition("-")[0]
    if way == "perl" and arguments.exceptions is None:
        raise InputError(
            "--stem perl: name the folder of WordNet 2.0's exceptions with --exceptions; it comes with ROUGE-1.5.5."
        )
    if way != "perl" and arguments.exceptions is not None:
        raise InputError(f"--exceptions {arguments.exceptions}: only with --stem perl.")
    return Stemming(_WAYS.get(way, "no"), arguments.exceptions)


def as_text(found: Scores) -> str:
    """The scores in per cent, with their intervals."""
    lines = [f"{found.records} predictions"]
    for name, score in found.scores.items():
        interval = (
            "no interval: one record"
            if score.low is None or score.high is None
            else f"[{100 * score.low:.2f}, {100 * score.high:.2f}]"
        )
        lines.append(f"  {name:<19} {100 * score.value:6.2f}  {interval}")
    for domain, means in found.domains.items():
        text = ", ".join(f"{name} {100 * value:.2f}" for name, value in means.items())
        lines.append(f"  {domain:<19} {text}")
    lines.append(found.signature)
    return "\n".join(lines)


def _compare(given: Mapping[str, str], found: str) -> int:
    """Say what differs; what else a signature says, of how predictions were made, no file of them shows."""
    if "rows" not in given:
        # Settings alone, of no scores that are to be had again.
        return 0
    differing = {name: now for name, now in parts_of(found).items() if given.get(name) != now}
    for name, now in differing.items():
        print(f"gpt2-tfx: --signature: {name} was {given.get(name)} and is {now}", file=sys.stderr)
    return 1 if differing else 0


def _say(done: int, total: int) -> None:
    if total > 1000 and (done % 1000 == 0 or done == total):
        print(f"score: {done}/{total}", file=sys.stderr)
