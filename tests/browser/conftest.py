"""A real Chromium that watches what a page asks for and complains about."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.demo_server import DemoServer, running_demo

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS_MAX = 20_000


@dataclass
class Visit:
    """A page and everything that it should not have done."""

    page: Page
    origin: str
    addresses: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Writes down every address asked for, errors on the console and uncaught exceptions."""
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.page.on("websocket", lambda socket: self.addresses.append(socket.url))
        self.page.on("console", self.note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def foreign(self) -> list[str]:
        """The addresses on other hosts; what a page carries in itself is none."""
        own = (f"{self.origin}/", f"{self.origin.replace('http', 'ws', 1)}/", "data:", "blob:")
        return [address for address in self.addresses if not address.startswith(own)]

    def note_message(self, message: ConsoleMessage) -> None:
        """A line on the console."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


def find_chromium() -> str | None:
    """The browser of this machine."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (str(MAC) if MAC.exists() else None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's executable."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("NO CHROMIUM ON THIS MACHINE: THE PAGES WERE NOT TESTED IN A REAL BROWSER")
    return executable


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium, closed after each file: Playwright's event loop must not outlive its tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo(
    chromium: str, loaded_demo: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoServer]:
    """The demo with its seed loaded; only where there is a browser to look at it."""
    with running_demo(tmp_path_factory.mktemp("demo"), loaded_demo) as server:
        yield server


@pytest.fixture
def visit(browser: Browser, demo: DemoServer) -> Iterator[Visit]:
    """A fresh visitor, who has never been here."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="es-MX", timezone_id="America/Mexico_City"
    )
    context.set_default_timeout(WAIT_MS_MAX)
    visit = Visit(context.new_page(), demo.url)
    visit.watch()
    yield visit
    context.close()
