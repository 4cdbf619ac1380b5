"""One row's text as its reader gets it: piece by piece, and in the end what `LanguageModel.generate` says of it."""

from collections.abc import Callable, Iterator, Sequence

from serving.model import Completion, LanguageModel
from serving.running_rows import Row, RunningRows, Sampling
from serving.text_stream import TextStream


class GrowingText:
    """To be grown after each token of its row.

    stop: before the first of these the text is cut. count_tokens: of texts.
    completion: the whole, once nothing more comes.
    """

    def __init__(
        self, stop: Sequence[str], count_tokens: Callable[[Sequence[str]], list[int]]
    ) -> None:
        self.completion: Completion | None = None
        self._stream = TextStream(stop)
        self._count_tokens = count_tokens
        self._text = ""
        self._bytes = self._tokens = 0

    def grow(self, row: Row) -> str:
        """What may be shown now."""
        piece = self._stream.feed(row.text[self._bytes :])
        # the end of text, which does not count, is the one token that has no bytes
        self._tokens += len(row.text) > self._bytes
        self._bytes = len(row.text)
        ends = not row.running or self._stream.stopped
        if ends:
            piece += self._stream.end()
        self._text += piece
        if ends:
            self.completion = self._whole(row.finished)
        return piece

    def _whole(self, finished: bool) -> Completion:
        if self._stream.stopped:
            return Completion(self._text, self._count_tokens([self._text])[0], "stop")
        return Completion(self._text, self._tokens, "stop" if finished else "length")


def stream(model: LanguageModel, prompt: str, sampling: Sampling) -> Iterator[str]:
    """The pieces of the text that `LanguageModel.generate` gives for one prompt, as they come.

    Raises InputError where a value is out of its range.
    """
    rows, text = RunningRows(model), GrowingText(sampling.stop, model.count_tokens)
    rows.start([prompt], [0], sampling)
    while True:
        (row,) = rows.read()
        if piece := text.grow(row):
            yield piece
        if text.completion is not None:
            return
        rows.step()
