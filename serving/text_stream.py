"""From the bytes of a text that is being written to pieces that may be shown at once.

A byte may be the first half of a character, and a character the beginning of a stop string, before which a text is cut:
what may yet turn out so is held back.
"""

import codecs
from collections.abc import Sequence


class TextStream:
    """Joined, its pieces are the whole text: its bytes as UTF-8, up to where the first stop string begins.

    Bytes that are no UTF-8 become U+FFFD. stop: no string of them is empty.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self.stopped = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(stop)
        self._held = ""

    def feed(self, data: bytes) -> str:
        """What may be shown now that these bytes have come."""
        return self._shown(self._decoder.decode(data), is_end=False)

    def end(self) -> str:
        """What was held back: nothing comes any more."""
        return self._shown(self._decoder.decode(b"", final=True), is_end=True)

    def _shown(self, text: str, is_end: bool) -> str:
        if self.stopped:
            return ""
        held = self._held + text
        found = first_stop(held, self._stop)
        undecided = len(held) if is_end else _may_begin(held, self._stop)
        # one that began earlier and is not whole yet would cut more
        self.stopped = found < len(held) and found <= undecided
        shown = min(found, undecided)
        self._held = held[shown:]
        return held[:shown]


def first_stop(text: str, stop: Sequence[str]) -> int:
    """Where in a text the first of the strings begins; its length where it holds none."""
    places = (text.find(string) for string in stop)
    return min((place for place in places if place >= 0), default=len(text))


def _may_begin(text: str, stop: Sequence[str]) -> int:
    """Where the text's end may be the beginning of one of the strings; its length where it cannot."""
    longest = max(map(len, stop), default=1)
    for place in range(max(0, len(text) - longest + 1), len(text)):
        if any(len(text) - place < len(s) and text.endswith(s[: len(text) - place]) for s in stop):
            return place
    return len(text)
