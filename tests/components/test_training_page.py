"""The page of a training."""

from pathlib import Path

from components.shown_rows import Piece, ShownRow
from components.training_page import write_training_page
from tests.browser import Browser, beyond_the_edge, brightness, contrast
from tests.components.html_page import HOSTILE, Page
from trainer.history import History

HISTORY = History(
    device="A <b>processor</b>",
    precision="float32",
    frozen=["embeddings", "blocks 0 to 1"],
    parameters=1234567,
    total_steps=4000,
    step=30,
    seconds=12.4,
    skipped_steps=2,
    stopped_early=True,
    best_step=20,
    steps=[
        {"step": step, "loss": 30 / step, "learning_rate": 0.1, "tokens_per_s": 90.0}
        | ({"gradient_norm": 1.5} if step > 10 else {})
        for step in (10, 20, 30)
    ],
    validation=[{"step": 20, "loss": 1.625}, {"step": 30, "loss": 1.75}],
    part_seconds={"steps": 9.0, "reading": 1.0, "validation": 2.0},
    rows=120,
    epoch_rows=48,
    tokens=6000,
    loss_tokens=1500,
)
# A letter from right to left, a mark that turns the order round and never ends, and a control.
FOREIGN = "\u05e9\u202e\x07" + "w" * 200
ROWS = [
    ShownRow((Piece("What is read. ", False, True), Piece(HOSTILE, True, False)), 1, 90, 30, 4),
    ShownRow((Piece(FOREIGN, False, True), Piece("Learnt.", True, False)), 2, 1, 1, 1),
]


def test_the_page_shows_what_was_trained_and_the_curves(tmp_path: Path) -> None:
    write_training_page(tmp_path / "training.html", HISTORY)
    page = Page(tmp_path / "training.html")
    for shown in (
        "30 of 4,000 steps in 12 s: the validation loss had stopped falling.",
        "A <b>processor</b>",
        "1,234,567",
        "embeddings, blocks 0 to 1",
        "1.6250 at step 20",
        "1 to 3",
        "1.7500",
    ):
        assert shown in page.text
    assert page.tags.count("polyline") == 5
    assert "b" not in page.tags


def test_a_training_without_validation_has_a_page_too(tmp_path: Path) -> None:
    steps = HISTORY.steps[:1]
    write_training_page(tmp_path / "one.html", History(step=10, total_steps=10, steps=steps))
    assert "validation" not in Page(tmp_path / "one.html").text.split("Training")[2]
    write_training_page(tmp_path / "none.html", History())
    page = Page(tmp_path / "none.html")
    assert "No step was logged." in page.text
    assert "svg" not in page.tags


def test_curves_are_drawn_over_the_same_steps(tmp_path: Path) -> None:
    write_training_page(tmp_path / "training.html", HISTORY)
    html = (tmp_path / "training.html").read_text()
    # The loss falls from 3 to 1, and the validation loss, of the last two of three steps, begins at 1.625.
    assert 'class="training" points="0.00,0.00 50.00,75.00 100.00,100.00"' in html
    assert 'class="validation" points="50.00,68.75 100.00,62.50"' in html
    write_training_page(
        tmp_path / "one.html", History(step=10, total_steps=10, steps=HISTORY.steps[:1])
    )
    assert 'points="50.00,50.00 50.00,50.00"' in (tmp_path / "one.html").read_text()


def test_equal_histories_give_equal_pages(tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        write_training_page(tmp_path / name, HISTORY)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_it_says_where_the_time_went_and_how_much_was_read(tmp_path: Path) -> None:
    write_training_page(tmp_path / "training.html", HISTORY)
    text = " ".join(Page(tmp_path / "training.html").text.split())
    assert "120, 2.5 times each of 48" in text
    assert "6,000 without padding; 1,500 of them (25.0%) count in the loss" in text
    # In the order of a training, whatever order they were noted in.
    assert text.index("reading the rows 1.0 8.3 %") < text.index("steps 9.0 75.0 %")
    assert "validation 2.0 16.7 % 12.0 s in all" in text
    write_training_page(tmp_path / "none.html", History())
    assert "Where the time went" not in Page(tmp_path / "none.html").text


def test_rows_are_text_and_what_is_learnt_is_marked(tmp_path: Path) -> None:
    write_training_page(tmp_path / "training.html", HISTORY, ROWS)
    page = Page(tmp_path / "training.html")
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert HOSTILE in page.text
    assert "1 sequence, 90 tokens, 30 of them in the loss; 4 positions of padding" in page.text
    assert "2 sequences, 1 token, 1 of them in the loss; 1 position of padding" in page.text
    html = (tmp_path / "training.html").read_text()
    assert "<mark>Learnt.</mark>" in html
    assert '<bdi class="begins">What is read. </bdi>' in html


def test_rows_are_read_in_a_narrow_window_in_the_dark(browser: Browser, tmp_path: Path) -> None:
    write_training_page(tmp_path / "training.html", HISTORY, ROWS)
    browser.complaints()
    browser.open(tmp_path / "training.html", 400, "dark")
    assert browser.ask("document.querySelectorAll('details[open]').length") == 1
    browser.ask("[...document.querySelectorAll('details')].forEach(e => { e.open = true; })")
    assert beyond_the_edge(browser) == []
    assert contrast(browser, ".row mark") > 4.5
    learnt, read = (
        browser.ask(f"getComputedStyle(document.querySelector('{each}')).backgroundColor")
        for each in (".row mark", ".row")
    )
    assert brightness(learnt) != brightness(read)
    # What turns the order round in one piece leaves the next as it is.
    assert browser.ask("getComputedStyle(document.querySelector('.row bdi')).unicodeBidi") == (
        "isolate"
    )
    assert browser.complaints() == []


def test_curves_fit_a_narrow_window(browser: Browser, tmp_path: Path) -> None:
    write_training_page(tmp_path / "training.html", HISTORY)
    browser.complaints()
    browser.open(tmp_path / "training.html", 400, "dark")
    assert beyond_the_edge(browser) == []
    curve = "document.querySelector('.plot .training')"
    assert browser.ask(f"getComputedStyle({curve}).stroke") == "rgb(122, 183, 255)"
    assert browser.ask(f"{curve}.getBoundingClientRect().width") > 300
    assert browser.complaints() == []
