"""The main journeys, in a real browser at a desk and on a phone: from a file to the creditor's report."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from recupero.decisions.service import plan_tenant
from recupero.kernel import clock, jobs, periodic, runtime
from recupero.kernel.database import Scope
from recupero.placements.service import create_portfolio
from recupero.tenancy.permissions import Role
from tests.e2e.conftest import Person, make_user
from tests.factories import World

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FILE = "\n".join(
    (
        "Operación;RUT;Nombre;Nacimiento;Correo;Teléfono;Autoriza email;Emision;Vencimiento;Capital;Interes",
        "A-1;12.345.678-5;Ana Pérez Soto;02/04/1985;ana@example.com;+56 9 6123 4567;si;10/02/2025;15/01/2026;"
        "125.000;3.400",
        "A-2;11.111.111-1;Luis Soto;;luis@example.com;;si;10/02/2025;20/01/2026;89.990;0",
        "A-3;12.345.678-9;Eva Rojas;;eva@example.com;;si;10/02/2025;20/01/2026;10.000;0",
    )
)
People = Callable[..., Person]


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        create_portfolio(
            session, name="Consumo 2026", country="CL", currency="CLP", product="consumer loan",
            placement_number=1, terms={"commission_rate": 1500}, actor="system",
            strategy={"exploration": 0},  # exploring leaves some alone at random: not the debtor read here
        )  # fmt: skip
    return scope


def place(person: Person, folder: Path) -> None:
    """Take the file in through the pages."""
    file = folder / "cartera.csv"
    file.write_text(FILE)
    page = person.page
    person.go("Placements")
    person.look("placements-empty")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="What each column means")).to_be_visible()
    person.look("mapping")
    page.get_by_role("button", name="Try the whole file").click()
    expect(page.get_by_role("heading", name="What taking it in would do")).to_be_visible()
    person.look("tried")
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("The file has been taken in.")).to_be_visible()
    person.look("batch")


def carry_out(platform: runtime.Runtime, scope: Scope) -> None:
    """What the scheduler and the workers do in the next hours: plan and send."""
    plan_tenant(platform.database, scope)
    for _ in range(4):
        clock.advance(timedelta(minutes=30))
        periodic.ask_due()
        jobs.drain()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_from_a_file_to_the_report(
    somebody: People, platform: runtime.Runtime, scope: Scope, tmp_path: Path, phone: bool
) -> None:
    staff = somebody(phone)
    staff.open("/sign-in?lang=en")
    staff.look("sign-in")
    staff.sign_in(make_user(platform, Role.AGENCY_ADMINISTRATOR, scope))
    expect(staff.page.get_by_role("heading", name="Today")).to_be_visible()
    place(staff, tmp_path)
    carry_out(platform, scope)
    see_account(staff)
    link = read_message(staff)
    pay(somebody(phone), link, platform)
    staff.open("/")
    staff.look("home")
    creditor = somebody(phone)
    creditor.sign_in(make_user(platform, Role.CREDITOR_VIEWER, scope))
    expect(creditor.page.get_by_role("main")).to_contain_text("128,400")
    creditor.look("report")


def see_account(staff: Person) -> None:
    staff.go("Accounts")
    staff.look("accounts")
    staff.page.get_by_role("link", name="A-1").click()
    expect(staff.page.get_by_role("heading", name="Ana Pérez Soto")).to_be_visible()
    expect(staff.page.get_by_role("heading", name="When contact is lawful")).to_be_visible()
    staff.look("account")


def read_message(staff: Person) -> str:
    """Find the message to the debtor in the outbox; its payment link."""
    staff.go("Outbox")
    staff.look("outbox")
    row = staff.page.get_by_role("row").filter(has_text="ana@example.com")
    staff.follow(row.get_by_role("link").first)
    staff.look("message")
    found = re.search(r"/p/[\w-]+", staff.page.locator(".message").inner_text())
    assert found, staff.page.locator(".message").inner_text()
    return found[0]


def pay(debtor: Person, link: str, platform: runtime.Runtime) -> None:
    page = debtor.page
    debtor.open(f"{link}?lang=en")
    expect(page.get_by_role("main")).not_to_contain_text("128")
    debtor.look("debtor-questions")
    page.get_by_label("national identity number").fill("6785")
    page.get_by_label("date of birth").fill("1985-04-02")
    debtor.follow(page.get_by_role("button", name="Continue"))
    debtor.look("debtor-account")
    debtor.follow(page.get_by_role("button", name=re.compile("^Pay .*128,400")))
    jobs.drain()
    debtor.look("debtor-wait")
    page.reload()
    gateway = page.get_by_role("link", name=re.compile("Go on to pay"))
    debtor.open(re.sub(r"^https?://[^/]+", "", gateway.get_attribute("href") or ""))
    debtor.look("sandbox")
    debtor.follow(page.get_by_role("button", name="Pay", exact=True))
    jobs.drain()
    page.reload()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    debtor.look("debtor-thanks")


def test_an_agent_calls_and_notes_a_promise_by_keyboard_alone(
    somebody: People, platform: runtime.Runtime, scope: Scope, tmp_path: Path
) -> None:
    admin = somebody()
    admin.sign_in(make_user(platform, Role.AGENCY_ADMINISTRATOR, scope))
    place(admin, tmp_path)
    agent = somebody()
    agent.sign_in(make_user(platform, Role.AGENT, scope))
    agent.go("Accounts")
    agent.page.get_by_role("link", name="A-1").focus()
    agent.page.keyboard.press("Enter")
    summary = agent.page.locator("summary", has_text="Note a promise")
    summary.focus()
    agent.page.keyboard.press("Enter")
    agent.page.get_by_label("Amount, CLP").fill("50,000")
    agent.page.get_by_label("Until").first.fill("2026-03-20")
    agent.page.keyboard.press("Enter")
    expect(agent.page.get_by_text("The promise is noted")).to_be_visible()
    agent.look("account-promise")
