"""Every page of every role, reached as people reach it: over the links of an agency at work."""

import io
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, url_for
from sqlalchemy import select, update

from recupero import portals
from recupero.kernel import clock, runtime
from recupero.payments.books import booking
from recupero.payments.incoming_tables import BankLine
from recupero.payments.papers import invoice_requests
from recupero.placements.tables import Portfolio
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import Placed, place
from tests.outreach.reception.test_messages import phone, says
from tests.outreach.two_way import Provider, installed, switch_on
from tests.portals.conftest import Visitor
from tests.portals.test_drafts import WORDS as DRAFT
from tests.portals.test_placements import FILE
from tests.portals.test_wording import WORDS
from tests.portals.walking import Step, walk

LINES = b"Fecha;Monto;Nombre\n10/03/2026;90;Juan\n10/03/2026;-7;Banco\n"

#: Bytes of a page without its charts.
LARGEST = 200_000
#: Statements of one page: the caller's session, scope and brand take six, each block of the page one.
MOST_STATEMENTS = 45
#: Pages without parts in their address that no page of an ordinary day leads to, and where they are opened.
ELSEWHERE = {
    "portals.api_docs": "api/test_contract.py",
    "portals.inbox_unplaced": "portals/test_inbox.py",
    "portals.model": "portals/test_models.py",
    "portals.model_version": "portals/test_models.py",
    "portals.openapi": "api/test_contract.py",
}
_FIELD = re.compile(r'(?:name=|(?:input|select|textarea|checkbox)\(form, )"([a-z_]+)"')
_CHARTS = re.compile(r"<svg.*?</svg>", re.DOTALL)
_INLINE = re.compile(r"<[^>]+\s(style|on[a-z]+)=|<style|<script(?![^>]*\ssrc=)", re.IGNORECASE)


@pytest.fixture
def placed(world: World, noon: datetime, monkeypatch: pytest.MonkeyPatch, app: Flask) -> Placed:
    """An account with what happens to accounts: money came, they wrote, they asked for the invoice."""
    made = place(world.tenant(), timezone="America/Santiago")[0]
    with installed(monkeypatch) as pigeon:
        switch_on(made.scope)
        says(Provider(app.test_client(), made.scope, pigeon), "quiero hablar con alguien", phone(made))
    with runtime.current().database.transaction(made.scope) as session:
        booking.book_payment(
            session,
            booking.Received(
                external_key="a", kind="gateway", amount_minor=900, currency="CLP", received_at=clock.now(),
                debtor_id=made.debtor_id, account_ids=[made.account_id],
            ),
        )  # fmt: skip
        invoice_requests.ask(session, made.account_id, asked_with="page")
        session.execute(update(Portfolio).values(strategy={"needs_yes": [{"template": "follow_up"}]}))
    return made


def work(admin: Visitor, placed: Placed) -> list[str]:
    """A day's work through the pages; addresses that no link leads to."""
    tenant, day = placed.scope.tenant(), clock.now().date().isoformat()
    sent = [
        admin.send("/receipts", tenant=tenant, means="cash", received_on=day, amount="400", payer="Ana"),
        admin.send("/bank", tenant=tenant, account="1", file=(io.BytesIO(LINES), "a.csv")),
        admin.send("/words/new", **WORDS, step="keep"),
        admin.send(f"/accounts/{placed.account_id}/drafts/new", **DRAFT, step="submit"),
        admin.send(f"/accounts/{placed.account_id}/drafts/new", **DRAFT, step="keep"),
        admin.send("/keys", name="ERP", permissions="reports.read", tenants=tenant),
    ]
    assert [one.status_code for one in sent] == [302, 302, 302, 302, 302, 200]
    with runtime.current().database.transaction(placed.scope) as session:
        line = session.execute(select(BankLine.id).order_by(BankLine.id)).scalars().first()
        portfolio = session.execute(select(Portfolio.id)).scalars().one()
    assert admin.send(f"/bank/lines/{tenant}/{line}", do="suspense").status_code == 302
    clock.advance(timedelta(days=1))
    drawn = admin.send("/remittances", tenant=tenant, period_from=day, period_to=day)
    uploaded = admin.send(
        "/placements", portfolio=portfolio, kind="placement", file=(io.BytesIO(FILE.encode()), "b.csv")
    )
    return [drawn.headers["Location"], uploaded.headers["Location"]]


def faults(step: Step) -> list[str]:
    """What is wrong with a page."""
    answer, found = step.answer, []
    policy = answer.headers.get("Content-Security-Policy", "")
    if answer.status_code not in (200, 302):
        found.append(f"answers {answer.status_code}")
    if "unsafe-inline" in policy or "default-src 'none'" not in policy:
        found.append(f"its policy is {policy!r}")
    if step.statements > MOST_STATEMENTS:
        found.append(f"asks the database {step.statements} times")
    if answer.mimetype == "text/html":
        text = answer.text
        found += [f"has {match[0][:80]!r} inline" for match in _INLINE.finditer(text)]
        if len(_CHARTS.sub("", text).encode()) > LARGEST:
            found.append(f"is {len(text)} characters long")
    return [f"{step.address} {fault}" for fault in found]


def test_every_page_that_links_lead_to_is_sound(app: Flask, placed: Placed) -> None:
    known: set[str] = set()
    wrong: list[str] = []
    for role in (Role.AGENCY_ADMINISTRATOR, *Role):
        visitor = Visitor(app.test_client(), runtime.current()).sign_in(role, placed.scope)
        starts = ["/"] if known else ["/", *work(visitor, placed), "/sign-in", "/m", "/search?q=Ana"]
        for start in starts:
            wrong += [fault for step in walk(visitor, app, start, known) for fault in faults(step)]
    assert wrong == []
    pages = {
        rule.endpoint for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint.startswith("portals.") and not rule.arguments
    }  # fmt: skip
    assert pages - known - set(ELSEWHERE) == set()


@pytest.mark.parametrize("typed", ["", "9" * 40], ids=["nothing", "too much"])
def test_no_form_breaks_by_what_is_typed(app: Flask, placed: Placed, typed: str) -> None:
    """Every address that forms are sent to says what is wrong, or does it."""
    visitor = Visitor(app.test_client(), runtime.current()).sign_in(Role.AGENCY_ADMINISTRATOR, placed.scope)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', visitor.text("/profile"))[0]
    templates = Path(portals.__file__).parent.glob("templates/**/*.html")
    names = {name for file in templates for name in _FIELD.findall(file.read_text())}
    app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        for address in sorted(addresses(app, placed)):
            answer = visitor.client.post(address, data={**dict.fromkeys(names, typed), "csrf_token": token})
            assert answer.status_code < 500, address
    finally:
        app.config["PROPAGATE_EXCEPTIONS"] = None


def addresses(app: Flask, placed: Placed) -> set[str]:
    """Where forms are sent to: with ids that are there, else the first of its kind, or a word."""
    known: dict[str, Any] = {
        "tenant_id": placed.scope.tenant(),
        "account_id": placed.account_id,
        "what": "activate",
    }
    found = set()
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and rule.endpoint.startswith("portals."):
            values: dict[str, Any] = {
                name: 1 if f"int:{name}>" in rule.rule else "x" for name in rule.arguments
            }
            values |= {name: value for name, value in known.items() if name in rule.arguments}
            with app.test_request_context():
                found.add(url_for(rule.endpoint, **values))
    return found - {"/sign-out", "/profile/sign-out"}
