"""The index of a small corpus, as CorpusGen writes it."""

from preprocessing.base.digests import sha256_text
from preprocessing.records.index import entry_of
from preprocessing.records.record import Record, Segment
from preprocessing.tasks.cleaning import clean_article

TEXTS = {
    "a": "The tide came in.",
    "b": "By a reporter . (CNN) The harbour opened .\nIt was Monday.",
    "c": "A night bus left.",
    "d": "Bread was baked.",
    'e"\\ é': "Its name has signs.",
}


def index(*ids: str, edited: str = "") -> str:
    """The index of a corpus of these records; `c` is for testing, and one may have other bytes."""
    lines = []
    for record_id in ids:
        text = TEXTS[record_id] + (" Edited." if record_id == edited else "")
        split = "test" if record_id == "c" else "train"
        segments = (Segment(clean_article(text), in_loss=True),)
        source = f"{record_id[0]}.story"
        record = Record(record_id, source, 0, sha256_text(text), split, segments)
        lines.append(entry_of(record).line("00000-000") + "\n")
    return "".join(lines)
