"""All texts of an evaluation inside its page: blocks of JSON, which a browser reads when they are looked at."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from components.evaluation import Prediction

BLOCK_SAMPLES = 50


def overview(predictions: Sequence[Prediction], source_words: Sequence[int]) -> Markup:
    """What a page orders and filters by: of each score its value for every text, and the words of every source."""
    names = list(predictions[0].scores) if predictions else []
    return inline_json(
        {
            "block": BLOCK_SAMPLES,
            "texts": len(predictions),
            "scores": {name: [round(p.scores[name], 4) for p in predictions] for name in names},
            "words": source_words,
        }
    )


def blocks(predictions: Sequence[Prediction]) -> Iterator[Markup]:
    """The texts in order, BLOCK_SAMPLES a block.

    A text is a list: record, turn, whether its prompt begins with the whole prompt of the text before it in the block,
    the rest of the prompt, text, references. So the story of a conversation stands there once.
    """
    for first in range(0, len(predictions), BLOCK_SAMPLES):
        yield inline_json(list(_rows(predictions[first : first + BLOCK_SAMPLES])))


def _rows(block: Sequence[Prediction]) -> Iterator[list[Any]]:
    before = ""
    for prediction in block:
        target = prediction.target
        goes_on = bool(before) and target.prompt.startswith(before)
        rest = target.prompt[len(before) :] if goes_on else target.prompt
        before = target.prompt
        yield [target.record, target.turn, int(goes_on), rest, prediction.text, target.references]


def inline_json(value: Any) -> Markup:
    """JSON that can stand in a script element: without `<` it holds neither its end nor a comment (HTML, 4.12.1.3)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
