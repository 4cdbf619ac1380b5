"""Reading a page that the project has written."""

from html.parser import HTMLParser
from pathlib import Path

HOSTILE = "</pre><script>alert('x')</script><img src=x onerror=alert(1)> & {{ 7 * 7 }}"


class Page(HTMLParser):
    """The tags and the text of a page. Raises AssertionError where the elements do not nest."""

    VOID = frozenset({"meta", "path", "use", "link", "br", "input"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs), attrs
        self.tags.append(tag)
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
