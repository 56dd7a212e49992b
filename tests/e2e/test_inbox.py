"""The inbox in a browser, at a desk and on a phone: read, answer by keyboard, dismiss a stranger; and the
public page that knows a message by its code."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Locator, expect

from recupero.kernel import jobs, runtime
from recupero.tenancy.permissions import Role
from tests.e2e.conftest import Person, make_user
from tests.factories import World
from tests.outreach.placed import place
from tests.outreach.reception.test_messages import phone as number_of
from tests.outreach.reception.test_messages import says
from tests.outreach.two_way import Provider, installed, switch_on

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_an_agent_answers_and_anybody_may_check(
    somebody: Callable[..., Person], platform: runtime.Runtime, app: Flask, world: World, noon: object,
    phone: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    scope = world.tenant()
    with installed(monkeypatch) as pigeon:
        switch_on(scope)
        provider = Provider(app.test_client(), scope, pigeon)
        placed = place(scope)[0]
        says(
            provider,
            "Hola, ¿puedo pagar el viernes?",
            number_of(placed),
            files=[["a.zip", "application/zip", 4, "PK"]],
        )
        says(provider, "¿Quién es?", "+56900000001")
        ana = somebody(phone)
        ana.sign_in(make_user(platform, Role.AGENT, scope))
        ana.go("Inbox")
        ana.look("inbox")
        ana.page.get_by_role("link", name="Ana Prueba").click()
        expect(ana.page.get_by_text("¿puedo pagar el viernes?")).to_be_visible()
        ana.page.get_by_label("Your answer").focus()
        ana.page.keyboard.type("Claro que sí.")
        ana.page.keyboard.press("Tab")
        ana.page.keyboard.press("Enter")
        expect(ana.page.get_by_text("Your answer is on its way.")).to_be_visible()
        jobs.drain()
        ana.page.reload()
        expect(ana.page.get_by_text("Claro que sí.")).to_be_visible()
        ana.look("inbox-talk")
        ana.open("/inbox/unplaced")
        ana.look("inbox-unplaced")
        ana.page.get_by_role("button", name="Dismiss").click()
        expect(ana.page.get_by_text("Everything is placed")).to_be_visible()
        ana.open("/m?lang=en")
        ana.page.get_by_label("Code of the message").fill(pigeon.sent[-1].code)
        ana.page.keyboard.press("Enter")
        expect(ana.page.get_by_text("Yes, this message is ours.")).to_be_visible()
        ana.look("message-code")


def test_a_hand_over_is_closed_by_keyboard_alone(
    somebody: Callable[..., Person], platform: runtime.Runtime, app: Flask, world: World, noon: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    scope = world.tenant()
    with installed(monkeypatch) as pigeon:
        switch_on(scope)
        placed = place(scope)[0]
        says(Provider(app.test_client(), scope, pigeon), "quiero hablar con alguien", number_of(placed))
        ana = somebody()
        ana.sign_in(make_user(platform, Role.AGENT, scope))
        ana.open("/inbox")
        keys = ana.page.keyboard
        tab_to(ana.page.get_by_role("link", name="Ana Prueba"))
        with ana.page.expect_navigation():
            keys.press("Enter")
        cause = ana.page.get_by_label("What was the cause?")
        tab_to(cause)
        keys.press("ArrowDown")
        chosen = cause.evaluate("one => one.selectedOptions[0].text")
        assert chosen
        keys.press("Tab")
        keys.type("Llamar el viernes")
        keys.press("Tab")
        with ana.page.expect_navigation():
            keys.press("Enter")
        expect(ana.page.get_by_text("Done.")).to_be_visible()
        expect(cause).to_have_count(0)
        expect(ana.page.get_by_text(f"{chosen}: Llamar el viernes")).to_be_visible()


def tab_to(there: Locator) -> None:
    """Press Tab until the focus is `there`."""
    for _press in range(150):
        there.page.keyboard.press("Tab")
        if there.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError("no Tab leads there")
