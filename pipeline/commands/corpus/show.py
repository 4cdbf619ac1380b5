"""`gpt2-tfx corpus show`: records as the model sees them, with what counts in the loss."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, NamedTuple

from pipeline.cli import print_json
from pipeline.lineage.workspace import LineageWorkspace
from pipeline.marked_text import Piece, marked, marks_for, pieces_of
from pipeline.newest_corpus import NewestCorpus, Wanted, newest_corpus
from preprocessing.base.errors import InputError
from preprocessing.records.record import TRAIN
from preprocessing.tokens.seen_records import SeenRecord
from preprocessing.tokens.vocabulary import Vocabulary


class Shown(NamedTuple):
    """A record, the shard that it is in, and its pieces."""

    seen: SeenRecord
    shard: str
    pieces: list[Piece]


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Print records; the status is 1 where there is none."""
    if arguments.record == "":
        raise InputError("RECORD: it has no name; give an id, or a file of the corpus.")
    corpus = newest_corpus(place)
    drops: list[dict[str, Any]] = []
    if arguments.record is None:
        wanted = corpus.first(arguments.split or TRAIN, arguments.limit)
    else:
        wanted = corpus.find(arguments.record, arguments.split)
        drops = corpus.drops(arguments.record)
    shown = list(islice(_shown(corpus, wanted), arguments.limit))
    found = sum(len(each.ids) for each in wanted)
    if arguments.json:
        print_json(as_json(corpus, shown, found, drops, arguments.tokens))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        if shown or drops:
            print(as_text(corpus, shown, drops[: arguments.limit], arguments.tokens, colour))
        for count, what in (
            (found - len(shown), "records"),
            (len(drops) - arguments.limit, "drops"),
        ):
            if count > 0:
                print(f"gpt2-tfx: {count} more {what}; --limit shows them", file=sys.stderr)
        if not shown:
            print(f"gpt2-tfx: {_nothing(corpus, arguments, bool(drops))}", file=sys.stderr)
    return 0 if shown else 1


def as_json(
    corpus: NewestCorpus,
    shown: Sequence[Shown],
    found: int,
    drops: Sequence[Mapping[str, Any]],
    tokens: bool,
) -> dict[str, object]:
    """The document of the command. found: how many records there are. tokens: whether to list them."""
    return {
        "run": corpus.run_id,
        "examples": str(corpus.examples),
        "task": corpus.task.name,
        "sequence_length": corpus.options.sequence_length,
        "found": found,
        "records": [_record_json(corpus, each, tokens) for each in shown],
        "drops": list(drops),
    }


def _record_json(corpus: NewestCorpus, shown: Shown, tokens: bool) -> dict[str, object]:
    seen, record = shown.seen, shown.seen.record
    document: dict[str, object] = {
        "id": record.id,
        "source": record.source,
        "position": record.position,
        "split": record.split,
        "digest": record.digest,
        "shard": shown.shard,
        "tokens": len(seen.ids),
        "in_loss": int(seen.in_loss.sum()),
        "pieces": [asdict(piece) for piece in shown.pieces],
        "rows": None if corpus.tokenizer is None else [part._asdict() for part in seen.parts],
        "dropped": seen.drop and {"reason": seen.drop.reason, "detail": seen.drop.detail},
    }
    if tokens:
        document["token_list"] = [
            {"id": token, "text": corpus.vocabulary.decode([token]), "in_loss": in_loss}
            for token, in_loss in zip(seen.ids.tolist(), seen.in_loss.tolist(), strict=True)
        ]
    return document


def as_text(
    corpus: NewestCorpus,
    shown: Sequence[Shown],
    drops: Sequence[Mapping[str, Any]],
    tokens: bool,
    colour: bool,
) -> str:
    """The records for people. tokens: whether as lists of tokens. colour: see `marked`."""
    blocks = ["\n".join(_block(corpus, each, tokens, colour)) for each in shown]
    blocks += [
        f"dropped  {drop['id']} of {drop['source']}: {drop['reason']}, {drop['detail']}"
        for drop in drops
    ]
    return "\n\n".join(blocks)


def _block(corpus: NewestCorpus, shown: Shown, tokens: bool, colour: bool) -> Iterator[str]:
    seen, record = shown.seen, shown.seen.record
    gap = sum(piece.tokens for piece in shown.pieces if piece.kind == "left_out")
    cut = f", {gap:,} more left out" if gap else ""
    yield f"record   {record.id}"
    yield f"source   {record.source} at {record.position}"
    yield f"split    {record.split}, shard {shown.shard}"
    yield f"digest   {record.digest}"
    yield (
        f"tokens   {len(seen.ids):,}{cut}; {int(seen.in_loss.sum()):,} in the loss; "
        f"a row has {corpus.options.sequence_length:,}"
    )
    yield f"rows     {_rows(corpus, seen)}"
    if tokens:
        yield from _token_lines(seen, corpus.vocabulary)
        return
    marks = marks_for(shown.pieces)
    yield f"marks    {marks.legend}"
    yield ""
    yield marked(shown.pieces, marks, colour)


def _rows(corpus: NewestCorpus, seen: SeenRecord) -> str:
    if seen.drop is not None:
        return f"in none: {seen.drop.reason}, {seen.drop.detail}"
    if corpus.tokenizer is None:
        return "not made yet: gpt2-tfx run --to Tokenizer"
    return "; ".join(
        f"row {part.row} at {part.offset} (tokens {part.start} to {part.stop - 1})"
        for part in seen.parts
    )


def _token_lines(seen: SeenRecord, vocabulary: Vocabulary) -> Iterator[str]:
    texts = vocabulary.token_bytes
    for place, (token, in_loss) in enumerate(zip(seen.ids.tolist(), seen.in_loss, strict=True)):
        if seen.left_out is not None and place == seen.left_out.at:
            yield f"{'':>13}  {len(seen.left_out.ids)} tokens left out"
        text = "end of text" if token == vocabulary.end_of_text else _quoted(texts[token])
        yield f"{place:>6} {token:>6}  {'loss' if in_loss else '':<4}  {text}"


def _quoted(data: bytes) -> str:
    """A token's text in quotes or, where it is a part of a character, its bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return repr(data)
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _shown(corpus: NewestCorpus, wanted: Sequence[Wanted]) -> Iterator[Shown]:
    for each in wanted:
        for seen in corpus.seen(each):
            yield Shown(seen, each.shard.name, pieces_of(seen, corpus.vocabulary))


def _nothing(corpus: NewestCorpus, arguments: argparse.Namespace, dropped: bool) -> str:
    """Why there is nothing to be shown, and what can be done."""
    of_split = f" in the split {arguments.split}" if arguments.split else ""
    if arguments.record is None:
        return f"run {corpus.run_id} has no record in the split {arguments.split or TRAIN}"
    if dropped:
        return f"{arguments.record}: no record{of_split}, as the report of run {corpus.run_id} says"
    return (
        f"{arguments.record}: no record or file{of_split} of run {corpus.run_id} is called so; gpt2-tfx lineage trace "
        f"{shlex.quote(arguments.record)} looks into all runs, gpt2-tfx corpus show has the first records"
    )
