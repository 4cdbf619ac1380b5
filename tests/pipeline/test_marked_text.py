"""What is marked can be told from text, whatever the text is."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.marked_text import Piece, marked, marks_for, pieces_of
from preprocessing.options import TokenOptions
from preprocessing.records.record import Record, Segment
from preprocessing.tokens.seen_records import seen_records
from preprocessing.tokens.vocabulary import load_vocabulary

BYTES = load_vocabulary("bytes")


def pieces_of_record(*segments: Segment, length: int = 100) -> list[Piece]:
    record = Record("a", "file", 0, "", "train", segments)
    options = TokenOptions(length, vocabulary="bytes", over_long="truncate_prompt", windows="off")
    (seen,) = seen_records([record], ["a"], BYTES, options)
    return pieces_of(seen, BYTES)


def test_what_is_in_the_loss_is_in_brackets_and_the_end_of_text_among_it() -> None:
    pieces = pieces_of_record(Segment("Story.\n", False), Segment("Short.", True, ("Short.",)))
    assert marked(pieces, marks_for(pieces), colour=False) == "Story.\n⟦Short.∎⟧"


def test_in_colour_there_are_no_brackets() -> None:
    pieces = pieces_of_record(Segment("Story.\n", False), Segment("Short.", True))
    shown = marked(pieces, marks_for(pieces), colour=True)
    assert shown == "Story.\n\x1b[1;32mShort.∎\x1b[0m"


def test_what_is_cut_off_is_told_at_its_place() -> None:
    segments = Segment("A long story", False), Segment("|", False), Segment("B", True, ("B",))
    pieces = pieces_of_record(*segments, length=9)
    assert [piece.text for piece in pieces if piece.kind == "left_out"] == [" story"]
    assert marked(pieces, marks_for(pieces), colour=False) == "A long⋯6 tokens left out⋯|⟦B∎⟧"


def test_marks_that_a_text_has_are_replaced() -> None:
    pieces = pieces_of_record(Segment("⟦∎", False), Segment("x", True))
    marks = marks_for(pieces)
    assert not set(marks) & set("⟦∎x")
    assert marks.end == "⟧"
    assert marked(pieces, marks, False) == f"⟦∎{marks.begin}x{marks.end_of_text}{marks.end}"


def test_a_text_commands_no_terminal() -> None:
    pieces = pieces_of_record(Segment("\x1b[2J\r\x7f\x9b\tand\n", False), Segment("x", True))
    assert marked(pieces, marks_for(pieces), False).startswith("␛[2J␍␡�\tand\n")


@given(st.lists(st.tuples(st.text(min_size=1), st.booleans()), min_size=1))
def test_text_and_loss_can_be_read_back(parts: list[tuple[str, bool]]) -> None:
    pieces = [Piece(text, in_loss, "text", 1) for text, in_loss in parts]
    marks = marks_for(pieces)
    shown = marked(pieces, marks, colour=False)
    in_loss, read = False, []
    for character in shown:
        if character in (marks.begin, marks.end):
            in_loss = character == marks.begin
        else:
            read.append((character, in_loss))
    flags = [flag for text, flag in parts for _ in text]
    assert [flag for _, flag in read] == flags
