"""A day in the life, through the real pipeline: messages go out; one debtor answers in words, is understood,
gets the link, agrees a plan and pays; another disputes and is handed over. Nothing more is sent to either."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from recupero.contacts.replaying import replay_contacts
from recupero.contacts.tables import Contact
from recupero.kernel import clock, crypto, jobs, runtime
from recupero.kernel.database import Scope
from recupero.ledger import queries as ledger
from recupero.outreach.tables import Action
from recupero.outreach.understanding.tables import HandOver, MessageReading
from recupero.payments.offers.offer_tables import Plan
from recupero.payments.tables import Payment
from recupero.placements import normalise
from recupero.placements.tables import Account, ContactPoint, Debtor
from tests.ledger import placed as books
from tests.outreach.placed import Placed, permit, plan
from tests.outreach.reception.conftest import pigeon, provider, scope
from tests.outreach.reception.test_messages import all_of, phone, says
from tests.outreach.test_carrying_out import run
from tests.outreach.two_way import Provider
from tests.portals.debtor.test_account import prove, send

__all__ = ["pigeon", "provider", "scope"]
TERMS = {"max_instalments": 4, "minimum_instalment_minor": 100, "plan_grace_days": 3}


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as opened:
        yield opened


def owes(scope: Scope) -> Placed:
    """A debtor in Bogotá with one account in the books and a mobile phone that may be texted."""
    platform = runtime.current()
    made = books.place(platform, scope, [{"principal": 6_000_000}], currency="COP", terms=TERMS)
    tenant, account_id = scope.tenant(), made.account_ids[0]
    with platform.database.transaction(scope) as session:
        debtor = session.get_one(Debtor, (tenant, made.debtor_id))
        debtor.country, debtor.timezone, debtor.postal_code = "CO", "America/Bogota", None
        session.execute(
            update(Account)
            .where(Account.tenant_id == tenant, Account.id == account_id)
            .values(open_date=date(2024, 5, 1))
        )
        number = f"+5691234{made.debtor_id:04d}"
        point = ContactPoint(
            tenant_id=tenant, debtor_id=made.debtor_id, kind="phone", value=number, source="test",
            value_index=crypto.keyring().blind_index(normalise.phone_key(number)), line_type="mobile",
            created_at=clock.now(),
        )  # fmt: skip
        session.add(point)
        session.flush()
        placed = Placed(scope, account_id, made.debtor_id, debtor.person_id, {"phone": point.id})
    permit(placed, "sms")
    return placed


def states(placed: Placed, template: str) -> list[str]:
    found = all_of(placed.scope, Action)
    return [one.state for one in found if (one.account_id, one.template) == (placed.account_id, template)]


def link_in(text: str) -> str:
    found = re.search(r"/p/[\w-]+", text)
    assert found, text
    return found.group()


def test_from_the_first_message_to_money_and_to_a_person(provider: Provider, client: FlaskClient) -> None:
    database, tenant = runtime.current().database, provider.scope
    pays, disputes = owes(tenant), owes(tenant)
    plan([pays, disputes], "sms")
    plan([pays, disputes], "sms", "follow_up", after=timedelta(days=3))
    run()
    assert [states(one, "first_notice") for one in (pays, disputes)] == [["sent"], ["sent"]]

    says(provider, "Buenas, ¿me puede mandar el link para pagar por favor?", phone(pays))
    assert [one.course for one in all_of(tenant, MessageReading)] == ["answer"]
    assert states(pays, "own_page") == ["sent"]
    page = link_in(provider.pigeon.sent[-1].text)
    prove(client, page)
    choice = {"instalments": "2", "every": "weekly"}
    agreed = send(client, f"{page}/plan?instalments=2&every=weekly", f"{page}/plan", **choice)
    assert agreed.status_code == 302, agreed.text
    assert states(pays, "follow_up") == ["cancelled"]
    waiting = send(client, page, f"{page}/pay", full="yes").headers["Location"]
    jobs.drain()
    sandbox = re.search(r'href="[^"]*(/sandbox/pay/[^"]+)"', client.get(waiting).text)
    assert sandbox
    send(client, sandbox[1], sandbox[1], outcome="paid")
    jobs.drain()
    assert [one.amount_minor for one in all_of(tenant, Payment)] == [6_000_000]
    assert [one.state for one in all_of(tenant, Plan)] == ["kept"]
    with database.transaction(tenant) as session:
        assert ledger.check(session) == []
        assert session.get_one(Account, (tenant.tenant(), pays.account_id)).balance_minor == 0

    says(provider, "yo no debo nada, esa deuda no la reconozco", phone(disputes))
    (given,) = all_of(tenant, HandOver)
    assert (given.debtor_id, given.why, given.closed_at) == (disputes.debtor_id, "disputes", None)
    assert states(disputes, "follow_up") == ["cancelled"]

    clock.advance(timedelta(days=4))
    before = len(provider.pigeon.sent)
    run()
    assert len(provider.pigeon.sent) == before
    outbound = [one for one in all_of(tenant, Contact) if one.direction == "outbound"]
    assert len(outbound) == len(provider.pigeon.sent) == 3
    assert {one.state for one in outbound} <= {"sent", "delivered"}
    assert not {one.state for one in all_of(tenant, Action)} & {"scheduled", "claimed", "reserved"}
    assert replay_contacts(database).broken == ()
