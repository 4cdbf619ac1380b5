"""Rows of a training as text, cut where the loss begins and ends."""

import numpy as np

from components.shown_rows import Piece, shown_rows
from preprocessing.tokens.vocabulary import load_vocabulary
from trainer.data import Batch


def batch(text: bytes, segments: str, mask: str) -> Batch:
    """One row of bytes as ids."""
    numbers = {
        "input_ids": list(text),
        "segment_ids": list(map(int, segments)),
        "loss_mask": list(map(int, mask)),
    }
    return {name: np.array([values], np.int32) for name, values in numbers.items()}


def test_a_row_is_cut_where_the_loss_begins_and_where_a_sequence_does() -> None:
    row = batch(b"abCDefF..", "111122200", "001100100")
    (shown,) = shown_rows(row, load_vocabulary("bytes"), 3)
    assert shown.pieces == (
        Piece("ab", False, True),
        Piece("CD", True, False),
        Piece("ef", False, True),
        Piece("F", True, False),
    )
    assert (shown.sequences, shown.tokens, shown.in_loss, shown.padding) == (2, 7, 3, 2)


def test_the_first_token_of_a_sequence_is_predicted_by_nothing() -> None:
    row = batch(b"abcd", "1122", "1111")
    (shown,) = shown_rows(row, load_vocabulary("bytes"), 1)
    assert [piece.text for piece in shown.pieces if piece.in_loss] == ["b", "d"]


def test_a_row_of_padding_has_no_piece_and_no_more_rows_are_shown_than_asked_for() -> None:
    row = batch(b"....", "0000", "0000")
    (shown,) = shown_rows(row, load_vocabulary("bytes"), 1)
    assert (shown.pieces, shown.padding) == ((), 4)
    assert shown_rows(row, load_vocabulary("bytes"), 0) == []
