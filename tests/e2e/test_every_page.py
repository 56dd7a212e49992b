"""Pages in a real browser, in the dark: fit for everybody, quiet in the console, no wider than their screen.

Every day those of the administrator's menu; with `RECUPERO_THOROUGH=1` every page of every role. The journeys
look at the main pages by day, most at both sizes (`OFFICE`); `RECUPERO_SHOTS` keeps a picture of each page.
"""

from collections.abc import Callable

import pytest
from flask import Flask

from recupero.kernel import runtime
from recupero.tenancy.permissions import Role
from tests.e2e.conftest import DESKTOP, PHONE, Person
from tests.outreach.placed import Placed
from tests.portals.conftest import Visitor
from tests.portals.test_every_page import placed as placed  # the fixture
from tests.portals.test_every_page import work
from tests.portals.walking import walk
from tests.thorough import THOROUGH

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("role", list(Role) if THOROUGH else [Role.AGENCY_ADMINISTRATOR])
def test_every_page_is_fit(
    somebody: Callable[[bool], Person], app: Flask, placed: Placed, role: Role
) -> None:
    visitor = Visitor(app.test_client(), runtime.current()).sign_in(role, placed.scope)
    starts = ["/", *work(visitor, placed)] if role is Role.AGENCY_ADMINISTRATOR else ["/"]
    person = somebody(True)
    person.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    person.be(visitor)
    seen: set[str] = set()
    for step in (step for start in starts for step in walk(visitor, app, start, seen, further=THOROUGH)):
        if step.answer.mimetype == "text/html" and step.answer.status_code == 200:
            person.open(step.address)
            person.look(step.address.strip("/").replace("/", "-") or "home", part="main")
            person.page.set_viewport_size(DESKTOP)
            person.not_wider(step.address, DESKTOP["width"])
            person.page.set_viewport_size(PHONE)
