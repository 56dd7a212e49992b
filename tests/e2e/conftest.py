"""A real Chromium before a real server over the test platform."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from werkzeug.serving import make_server

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.tenancy import users
from recupero.tenancy.permissions import CREDITOR_ROLES, Role
from tests.e2e.browser import LEFT_OUT, chromium
from tests.portals.conftest import Visitor
from tests.thorough import THOROUGH

PASSWORD = "correct horse battery"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 15_000  # milliseconds that a page may take on a busy machine before something is held to be wrong
#: The sizes at which what an office does is gone through: every day at a desk. What creditors, agents and
#: debtors do is gone through at both, and pages are looked at on a phone (`test_every_page`).
OFFICE = [pytest.param(False, id="desk"), *([pytest.param(True, id="phone")] if THOROUGH else [])]
SHOTS = os.environ.get("RECUPERO_SHOTS")  # a folder for pictures of the pages that are visited

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip(LEFT_OUT)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture
def address(platform: runtime.Runtime, app: Flask) -> Iterator[str]:
    """Where the application answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    usual, platform.config = platform.config, replace(platform.config, base_url=f"http://127.0.0.1:{port}")
    app.config["PROPAGATE_EXCEPTIONS"] = False  # a failure is shown as its page, as it is to people
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield platform.config.base_url
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()
    platform.config, app.config["PROPAGATE_EXCEPTIONS"] = usual, None


@dataclass
class Person:
    """Somebody at a browser, and everything that went wrong before their eyes."""

    page: Page
    address: str
    phone: bool
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 422" not in message.text:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.address + path)

    def sign_in(self, email: str) -> None:
        self.open("/sign-in?lang=en")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.follow(self.page.get_by_role("button", name="Sign in"))

    def be(self, visitor: Visitor) -> None:
        """Go on with the session of a visitor without script."""
        session = visitor.client.get_cookie("session")
        assert session is not None
        cookie = {"name": "session", "value": session.value, "url": self.address}
        self.page.context.add_cookies([cookie])  # type: ignore[list-item]  # its own kind of dictionary

    def follow(self, there: Locator) -> None:
        """Click what leads to another page, and wait for it: a click comes back while the old page stands."""
        with self.page.expect_navigation():
            there.click()

    def go(self, name: str) -> None:
        """Follow a link of the menu to its page."""
        if self.phone:
            self.page.get_by_role("button", name="Menu").click()
        menu = self.page.get_by_role("navigation", name="Main")
        self.follow(menu.get_by_role("link", name=name, exact=True))

    def look(self, name: str, part: str = "html") -> None:
        """The page, or the `part` of it, is accessible, as wide as the screen and quiet in the console."""
        results = Axe().run(self.page, context={"include": [[part]]})
        self.complaints += [
            f"{name}: {found['id']}: {[node['html'][:200] for node in found['nodes'][:3]]}"
            for found in results.response["violations"]
            if found["impact"] in ("serious", "critical")
        ]
        self.not_wider(name, (PHONE if self.phone else DESKTOP)["width"])
        if SHOTS:
            size = "phone" if self.phone else "desk"
            self.page.screenshot(path=Path(SHOTS) / f"{name}-{size}.png", full_page=True)

    def not_wider(self, name: str, width: int) -> None:
        wider = self.page.evaluate("document.documentElement.scrollWidth") - width
        if wider > 0:
            self.complaints.append(f"{name}: {wider} pixels wider than the screen of {width}")


@pytest.fixture
def somebody(browser: Browser, address: str) -> Iterator[Callable[[bool], Person]]:
    """Makes people at a desk, or on a phone; afterwards none of them may have seen anything wrong."""
    opened: list[tuple[BrowserContext, Person]] = []

    def make(phone: bool = False) -> Person:
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP, has_touch=phone, is_mobile=phone, locale="en"
        )
        context.set_default_timeout(PATIENCE)
        opened.append((context, Person(context.new_page(), address, phone)))
        return opened[-1][1]

    yield make
    for context, _person in opened:
        context.close()
    assert [complaint for _context, person in opened for complaint in person.complaints] == []


def make_user(platform: runtime.Runtime, role: Role, scope: Scope) -> str:
    """A user of the role; their e-mail."""
    email = f"{role.value}@example.com"
    with platform.database.transaction(scope) as session:
        users.create(
            session, email=email, name="Ana Prueba", password=PASSWORD, role=role,
            tenant_ids=scope.tenant_ids if role in CREDITOR_ROLES else None, locale="en", actor="system",
        )  # fmt: skip
    return email
