"""A real Chromium without a window, driven by Selenium."""

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")


class Browser:
    """The one window of a browser that has no network. `driver` is Selenium's."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self._command("Network.enable")
        self._network(offline=True)
        self._command("Browser.grantPermissions", permissions=["clipboardReadWrite"])

    def open(self, page: Path, width: int, scheme: Literal["light", "dark"] = "light") -> None:
        """Show a page of the disk anew, in a window of `width` pixels of CSS."""
        self._command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        self._command(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self.driver.get("about:blank")
        self.driver.get(page.absolute().as_uri())

    @contextmanager
    def reaching(self, address: str) -> Iterator[None]:
        """Show a page of a server on this machine; the browser has a network inside."""
        self._network(offline=False)
        try:
            self.driver.get(address)
            yield
        finally:
            self._network(offline=True)

    def ask(self, expression: str) -> Any:
        """The value of an expression of JavaScript; a promise is waited for."""
        return self.driver.execute_script(f"return {expression}")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, where the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def complaints(self) -> list[str]:
        """What the browser has said in its console since it was asked last, about scripts that it blocked too."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        shot = self._command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _network(self, offline: bool) -> None:
        self._command(
            "Network.emulateNetworkConditions",
            offline=offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    def _command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)


@contextmanager
def running_browser(profile: Path) -> Iterator[Browser]:
    """A browser that ends with the block. profile: a folder of its own."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_argument("--headless=new")
    options.add_argument(f"--user-data-dir={profile}")
    options.add_argument("--disable-gpu")
    # A container may have little of it.
    options.add_argument("--disable-dev-shm-usage")
    if os.geteuid() == 0:
        # Its sandbox needs a user who is not root.
        options.add_argument("--no-sandbox")
    # A driver that is named is looked for nowhere else.
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


def texts(browser: Browser, selector: str) -> list[str]:
    """The texts of the elements that a person sees, on one line each."""
    found: list[str] = browser.ask(
        f'[...document.querySelectorAll("{selector}")].filter(e => e.checkVisibility())'
        ".map(e => e.innerText)"
    )
    return [" ".join(text.split()) for text in found]


def brightness(color: str) -> float:
    """The relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(browser: Browser, selector: str) -> float:
    """The contrast of a text that lies on the page, or on a ground of its own (WCAG 2.2, 1.4.3)."""
    style = f"getComputedStyle(document.querySelector('{selector}'))"
    behind = browser.ask(f"{style}.backgroundColor")
    if behind == "rgba(0, 0, 0, 0)":
        behind = browser.ask("getComputedStyle(document.body).backgroundColor")
    ink = browser.ask(f"{style}.color")
    high, low = sorted((brightness(ink), brightness(behind)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def beyond_the_edge(browser: Browser) -> list[str]:
    """What of a page's elements goes beyond the right edge of the window."""
    found: list[str] = browser.ask(
        "[...document.querySelectorAll('body *')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)"
    )
    return found
