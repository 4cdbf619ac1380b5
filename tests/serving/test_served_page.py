"""The page of a server in a browser: it generates, and what its policy allows is enough."""

from collections.abc import Iterator

import pytest

from tests.browser import Browser, texts
from tests.serving.running_server import RunningServer, wait_until


@pytest.fixture
def page(browser: Browser, server: RunningServer) -> Iterator[Browser]:
    """A browser that shows it."""
    with browser.reaching(f"http://127.0.0.1:{server.port}/"):
        browser.complaints()
        yield browser


def fill(page: Browser, **fields: str) -> None:
    for name, value in fields.items():
        element = page.driver.find_element("name", name)
        element.clear()
        element.send_keys(value)


def said(page: Browser) -> str:
    return " ".join(texts(page, "#said"))


def test_a_text_comes_as_the_interface_gives_it(page: Browser, server: RunningServer) -> None:
    fill(page, prompt="Hello", max_tokens="6", seed="3")
    page.driver.find_element("id", "generate").click()
    wait_until(lambda: said(page).startswith("Ended by"))
    answer = server.complete(prompt="Hello", max_tokens=6, seed=3)
    (choice,) = answer["choices"]
    assert page.ask("document.getElementById('text').textContent") == choice["text"]
    assert said(page) == f"Ended by {choice['finish_reason']}; seed 3."
    assert [each for each in page.complaints() if "favicon" not in each] == []


def test_what_is_refused_is_told(page: Browser) -> None:
    page.ask("document.getElementById('prompt').value = 'x'.repeat(70000)")
    page.driver.find_element("id", "generate").click()
    wait_until(lambda: "more than 65536 bytes" in said(page))
