"""A real Chromium before a real ``bff serve``, before the real Keystone and Glance."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.devcloud import Cloud
from tests.process import ROOT, line_of, running

ARTIFACTS = Path(__file__).parent / "artifacts"
# What is seen is kept where somebody will look at it: drawing it takes longer than testing it.
PICTURES = "PICTURES" in os.environ
AXE = ROOT / "explorer" / "node_modules" / "axe-core" / "axe.min.js"
# No sandbox, because CI runs as root; nothing that calls home.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A person sees one tab; a test's are all seen at once, and would look again in the middle of it.
NOBODY_LOOKS = "Object.defineProperty(document, 'hidden', {value: true, configurable: true})"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}

expect.set_options(timeout=15_000)


class Explorer:
    """The explorer in one tab, and what a person does with it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("console", self._listen)

    def open(self, place: str = "") -> Explorer:
        """Open the page, or another place in it."""
        self.page.goto(f"./#/{place}" if place else "./")
        return self

    def sign_in(self, user: str, password: str, project: str) -> Explorer:
        """Sign in, and choose a project where there is a choice."""
        page = self.page
        page.get_by_label("User").fill(user)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        choice = page.get_by_role("heading", name="Choose a project")
        expect(choice.or_(self.heading("Images"))).to_be_visible()
        if choice.is_visible():
            page.get_by_role("button", name=project, exact=True).click()
        expect(page.get_by_label("Project").locator("option:checked")).to_have_text(project)
        expect(self.heading("Images")).to_be_visible()
        return self

    def sign_out(self) -> None:
        """Sign out."""
        self.page.get_by_role("button", name="Sign out").click()
        expect(self.heading("Sign in")).to_be_visible()

    def heading(self, name: str) -> Any:
        """Return the heading of a view."""
        return self.page.get_by_role("heading", name=name, exact=True, level=1)

    def says(self, text: str) -> None:
        """Wait until the page says something."""
        expect(self.page.locator(".notice", has_text=text)).to_be_visible()

    def keep(self, name: str) -> None:
        """Keep a picture of what is seen, where pictures are asked for."""
        if not PICTURES:
            return
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def failed_to_load(self) -> None:
        """Take what the browser itself says of requests that fail: they do so on purpose."""
        assert self.complaints
        assert all("Failed to load resource" in text for text in self.complaints), self.complaints
        self.complaints.clear()

    def faults(self) -> list[str]:
        """Return what axe-core finds wrong with what is seen."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{fault['id']}: {[node['target'] for node in fault['nodes']]}"
            for fault in found["violations"]
        ]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return max(0, wide)

    def _listen(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            self.complaints.append(line.text)


@pytest.fixture(scope="module")
def address(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a BFF that runs as it does in production."""
    variables = {"BFF_AUTH_URL": cloud.auth_url, "BFF_LOG_LEVEL": "error"}
    # A module's tests sign in many times, and all from here.
    variables["BFF_SIGN_INS_PER_ADDRESS"] = "0"
    # Nobody reads what it prints.
    variables["BFF_AUDIT_FILE"] = str(tmp_path_factory.mktemp("bff") / "audit.log")
    with running("bff", "serve", "--port", "0", **variables) as process:
        yield line_of(process, containing="ready ").removeprefix("ready ")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Return what drives browsers; its event loop ends with the module."""
    with sync_playwright() as playwright:
        yield playwright


def launched(playwright: Playwright, program: str, **options: Any) -> Chromium:
    """Return one of Debian's Chromiums; it ends with the module."""
    path = shutil.which(program)
    assert path, f"there is no {program}: make test installs it"
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS, **options)


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Chromium:
    """Return a browser for all tests of a module."""
    # The same engine without windows to draw, which takes a third of the other one's CPU time.
    return launched(playwright, "chromium-headless-shell")


def context_of(
    chromium: Chromium, address: str, size: Mapping[str, int] = DESKTOP
) -> BrowserContext:
    """Return somebody's browser, which looks the same on any machine."""
    return chromium.new_context(
        base_url=address,
        viewport=size,  # type: ignore[arg-type]
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )


Open = Callable[..., Explorer]


@pytest.fixture
def explorer(chromium: Chromium, address: str) -> Iterator[Open]:
    """Return a function that opens the explorer; what a tab complains of fails the test."""
    tabs: list[Explorer] = []
    with ExitStack() as stack:

        def open_tab(
            place: str = "",
            *,
            phone: bool = False,
            beside: Explorer | None = None,
            looks_again: bool = False,
        ) -> Explorer:
            if beside:
                tabs.append(Explorer(beside.page.context.new_page()))
                return tabs[-1].open(place)
            context = context_of(chromium, address, PHONE if phone else DESKTOP)
            stack.callback(context.close)
            if not looks_again:
                context.add_init_script(NOBODY_LOOKS)
            tabs.append(Explorer(context.new_page()))
            return tabs[-1].open(place)

        yield open_tab
    assert [tab.complaints for tab in tabs if tab.complaints] == []
