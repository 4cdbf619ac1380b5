"""The encoding as TensorFlow operations, so that an exported model takes and gives text.

A loaded SavedModel needs `tensorflow` and `tensorflow_text` imported, nothing of this project.
"""

from functools import cache, partial

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
import tiktoken

from preprocessing.tokens.bpe_model_proto import bpe_model_proto
from preprocessing.tokens.vocabulary import END_OF_TEXT, Vocabulary

OTHER, LETTER, NUMBER, SPACE = range(4)

_PATTERNS = {LETTER: r"\p{L}", NUMBER: r"\p{N}", SPACE: r"\s"}
_CODE_POINTS = 0x110000
_SURROGATES = slice(0xD800, 0xE000)

# The end of a text while texts are cut: a code point that no text holds, and a class of its own.
_END_POINT = -1
_END = -1


class InGraphTokenizer(tf.Module):
    """Exactly `Vocabulary.encode` and `Vocabulary.decode`, for batches, inside a graph.

    A text that is not UTF-8 is read as Python's `decode("utf-8", errors="replace")` reads it.

    A text is first cut into the pieces of `SPLIT_PATTERN`. That is done on arrays of character
    classes rather than with `tf.strings` patterns, because RE2 has neither look-ahead nor the
    tokeniser's Unicode tables. TensorFlow Text then merges the bytes of each piece.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__(name="in_graph_tokenizer")
        ranks = vocabulary.mergeable_ranks
        self._merger = tf_text.SentencepieceTokenizer(bpe_model_proto(ranks, END_OF_TEXT))
        # A function of its own, which a graph holds once however many signatures call it; in a partial,
        # since a SavedModel has one that is an attribute a second time for itself.
        texts = tf.TensorSpec([None], tf.string)
        self._split = partial(tf.function(self._pieces, input_signature=[texts], autograph=False))
        self._range_starts, self._range_classes = class_ranges()
        # no list, since a module walks through those for each export
        self._token_bytes = np.array(vocabulary.token_bytes, dtype=object)

    def encode(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Texts to ids: string [n] to int32 ragged [n, None]; the end of text id is never among them."""
        pieces = self._split(texts)
        # Each byte becomes one character, as the model of the merges wants it.
        characters = tf.strings.unicode_transcode(pieces.values, "ISO-8859-1", "UTF-8")
        tokens = self._merger.tokenize(characters)
        return tf.RaggedTensor.from_row_splits(
            tokens.values, tf.gather(tokens.row_splits, pieces.row_splits), validate=False
        )

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids to texts: int32 or int64 ragged [n, None], each below the size of the vocabulary, to string [n].

        The texts are UTF-8: bytes that are not become U+FFFD. The end of text gives no text.
        """
        tokens = tf.ragged.map_flat_values(tf.gather, self.token_bytes(), ids)
        joined = tf.strings.reduce_join(tokens, axis=-1)
        return tf.strings.unicode_transcode(joined, "UTF-8", "UTF-8", errors="replace")

    def token_bytes(self) -> tf.Tensor:
        """The bytes of every token, by id: string [size of the vocabulary]."""
        return tf.constant(self._token_bytes)

    def _pieces(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The pieces of each text: string [n] to string ragged [n, None]."""
        rows = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
        ends = tf.fill([rows.nrows(), 1], _END_POINT)
        rows = tf.concat([rows, ends], axis=1)

        points = rows.values
        classes = self._classes(points)
        starts = tf.where(_starts_piece(points, classes))[:, 0]
        pieces = tf.RaggedTensor.from_row_starts(points, starts, validate=False)
        texts_of_pieces = tf.gather(rows.value_rowids(), starts)

        # The end of each text is a piece by itself, and goes.
        real = tf.gather(points, starts) != _END_POINT
        return tf.RaggedTensor.from_value_rowids(
            tf.strings.unicode_encode(tf.ragged.boolean_mask(pieces, real), "UTF-8"),
            tf.boolean_mask(texts_of_pieces, real),
            nrows=rows.nrows(),
            validate=False,
        )

    def _classes(self, points: tf.Tensor) -> tf.Tensor:
        """The class of each code point: int32 [c] to int32 [c]."""
        ranges = tf.searchsorted(tf.constant(self._range_starts), points, side="right") - 1
        classes = tf.gather(tf.constant(self._range_classes), tf.maximum(ranges, 0))
        return tf.where(points == _END_POINT, _END, classes)


def _starts_piece(points: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Whether a piece of `SPLIT_PATTERN` starts at each character, int32 [c] twice to bool [c].

    The texts lie one behind the other, each closed by `_END_POINT`. With W for white space:

    - The end of a text starts a piece, and so does what follows it.
    - W starts a piece where a run of W starts, and at the last W of a run that something follows:
      `\\s+(?!\\S)` leaves that one to what follows.
    - A character that is not W starts a piece where the class changes, but not behind a blank,
      which has started the piece of ` ?\\p{L}+` and its like already.
    - A contraction (`'s`) is one piece, though its class changes, and ends one, though it may not.
    """
    before = _shift(points, 1, _END_POINT)
    class_before = _shift(classes, 1, _END)
    class_after = _shift(classes, -1, _END)

    is_space = classes == SPACE
    is_end = classes == _END
    follows = (class_after != SPACE) & (class_after != _END)
    space_starts = is_space & ((class_before != SPACE) | follows)
    class_starts = ~is_space & (classes != class_before) & (before != ord(" "))
    starts = is_end | space_starts | class_starts

    apostrophe = starts & (points == ord("'"))
    one = apostrophe & _next_are(points, "s", "d", "m", "t")
    two = apostrophe & _next_are(points, "ll", "ve", "re")
    inside = _shift(one | two, 1, False)
    behind = _shift(one, 2, False) | _shift(two, 3, False)
    return (starts & ~inside) | behind


def _next_are(points: tf.Tensor, *suffixes: str) -> tf.Tensor:
    """Whether one of the suffixes stands behind each character, int32 [c] to bool [c]."""
    found = [
        tf.reduce_all(
            [_shift(points, -1 - i, _END_POINT) == ord(c) for i, c in enumerate(suffix)], 0
        )
        for suffix in suffixes
    ]
    return tf.reduce_any(found, axis=0)


def _shift(values: tf.Tensor, steps: int, fill: int | bool) -> tf.Tensor:
    """Each value `steps` places later (earlier if negative), the gap filled: [c] to [c]."""
    gap = tf.fill([tf.minimum(abs(steps), tf.size(values))], tf.constant(fill, values.dtype))
    if steps > 0:
        return tf.concat([gap, values[:-steps]], axis=0)
    return tf.concat([values[-steps:], gap], axis=0)


@cache
def class_ranges() -> tuple[np.ndarray, np.ndarray]:
    """The classes of all code points as runs: int32 [runs] twice.

    The first code point of each run, ascending from 0, and its class: OTHER, LETTER, NUMBER or SPACE. Unicode tables
    differ between libraries (Python's, RE2's, tiktoken's) by thousands of characters, and one character in another
    class changes the ids of the text around it. So the classes are read from tiktoken itself.
    """
    classes = np.full(_CODE_POINTS, OTHER, dtype=np.int32)
    for value, pattern in _PATTERNS.items():
        classes[_members(pattern)] = value
    starts = np.flatnonzero(np.diff(classes, prepend=-1)).astype(np.int32)
    return starts, classes[starts]


def _members(pattern: str) -> np.ndarray:
    """The code points a pattern matches: tiktoken encodes to nothing what no match covers."""
    engine = tiktoken.Encoding(
        "characters",
        pat_str=pattern,
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={},
    )
    points = np.delete(np.arange(_CODE_POINTS, dtype="<u4"), _SURROGATES)
    matched = bytes(engine.encode_ordinary(points.tobytes().decode("utf-32-le"))).decode("utf-8")
    return np.frombuffer(matched.encode("utf-32-le"), dtype="<u4")
