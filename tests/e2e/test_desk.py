"""An account at the agent's desk in a real browser: by keyboard at a desk, by its buttons on a phone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from recupero.kernel import runtime
from recupero.placements.tables import Debtor
from recupero.tenancy.permissions import Role
from tests.e2e.conftest import PASSWORD, Person, make_user
from tests.factories import World
from tests.outreach import placed

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("phone", [False, True])
def test_an_agent_works_an_account_at_the_desk(
    somebody: Callable[..., Person], platform: runtime.Runtime, world: World, noon: datetime, phone: bool
) -> None:
    scope = world.tenant()
    (owed,) = placed.place(scope, timezone="America/Santiago")
    with platform.database.transaction(scope) as session:
        debtor = session.get_one(Debtor, (scope.tenant(), owed.debtor_id))
        debtor.birth_date, debtor.postal_code = "1985-04-02", "8320000"
    placed.plan([owed], "call")
    agent = somebody(phone)
    email = make_user(platform, Role.AGENT, scope)
    agent.sign_in(email)
    page = agent.page
    agent.open("/desk")
    agent.look("desk-home")

    def press(key: str, name: str, role: Any = "button") -> None:
        with page.expect_navigation():
            if phone:
                page.get_by_role(role, name=name).first.click()
            else:
                page.keyboard.press(key)

    press("n", "Next account")
    press("c", "Call +")
    expect(page.get_by_text("Identity not proven")).to_be_visible()
    expect(page.get_by_role("main")).not_to_contain_text("125")
    agent.look("desk-greeting")
    press("1", "Yes")
    page.get_by_label("Date of birth").fill("1985-04-02")
    page.get_by_label("Postal code").fill("8320000")
    page.keyboard.type("1n")  # typed into the field: no shortcut
    page.get_by_label("Postal code").fill("8320000")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    press("1", "Read out")
    expect(page.locator(".script").first).to_contain_text("125.000")
    page.keyboard.press("p") if not phone else page.locator("summary", has_text="Plan").click()
    expect(page.locator("#shown-plan .offer-rows li")).to_have_count(3)
    slider = page.get_by_role("slider", name="Instalments")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#shown-plan .offer-rows li")).to_have_count(4)
    agent.look("desk-plan")
    agent.follow(page.get_by_role("button", name="They agree"))
    expect(page.get_by_text("The plan runs.")).to_be_visible()
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Noted: Plan")).to_be_visible()
    agent.look("desk-done")
    if not phone:
        _a_lost_session_loses_nothing(agent, email, f"/accounts/{owed.account_id}")


def _a_lost_session_loses_nothing(agent: Person, email: str, account: str) -> None:
    """Who has to sign in anew to send a form is back at its page, with what they had typed."""
    page = agent.page
    agent.open(account)
    page.locator("summary", has_text="Write a note").click()
    page.get_by_label("Note", exact=True).fill("Llamar después de las seis")
    page.context.clear_cookies()
    agent.follow(page.locator("form[action$='/notes'] button"))
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    agent.follow(page.get_by_role("button", name="Sign in"))
    assert page.url.endswith(account)
    expect(page.get_by_label("Note", exact=True)).to_have_value("Llamar después de las seis")
    agent.follow(page.locator("form[action$='/notes'] button"))
    expect(page.get_by_text("Noted.")).to_be_visible()
