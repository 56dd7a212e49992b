"""Agents preview and agree, approvers decide, the creditor grants what lies beyond its own terms."""

import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.payments.agreements import settlements
from recupero.payments.offers.offer_tables import HardshipCase, Plan, Settlement
from recupero.payments.offers.policy import PAGE
from recupero.payments.tables import PromiseToPay
from recupero.placements.tables import Hold
from recupero.portals.words.words_of_money import ASKED_ON_PAGE
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place

PASSWORD = "correct horse battery"
TERMS: dict[str, Any] = {
    "settlement_floor_percent": 60, "max_instalments": 6, "promise_days_ahead": 10,
    "offer_limits": [{"role": "agent", "max_instalments": 3, "settlement_floor_percent": 80},
                     {"desk": "court", "max_instalments": 2}],
}  # fmt: skip


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 120_000}], terms=TERMS)


def signed_in(app: Flask, scope: Scope, role: Role, desk: str | None = None) -> FlaskClient:
    email = f"{role.value}{desk or ''}{scope.tenant()}@example.com"
    with runtime.current().database.transaction(scope) as session:
        users.create(
            session, email=email, name=role.value, password=PASSWORD, role=role,
            tenant_ids=scope.tenant_ids, locale="en", actor="system", desk=desk,
        )  # fmt: skip
    client = app.test_client()
    post(client, "/sign-in", "/sign-in", email=email, password=PASSWORD)
    return client


def post(client: FlaskClient, page: str, to: str, **form: str) -> Any:
    shown = client.get(page).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown)
    assert token, shown
    return client.post(to, data={"csrf_token": token[1], **form})


def one(placed: Placed, table: Any) -> Any:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.execute(select(table).order_by(table.id.desc()).limit(1)).scalar_one_or_none()


def test_an_agent_sees_the_plan_before_it_is_agreed(app: Flask, placed: Placed) -> None:
    client, page = signed_in(app, placed.scope, Role.AGENT), f"/accounts/{placed.account_ids[0]}/offers"
    shown = client.get(page + "?every=monthly&instalments=3").get_data(as_text=True)
    assert shown.count("40,000") >= 3
    answer = post(client, page, page + "/plan", every="monthly", instalments="3")
    assert answer.status_code == 302
    assert one(placed, Plan).state == "running"
    letter = client.get(f"/accounts/{placed.account_ids[0]}/plans/{one(placed, Plan).id}.pdf")
    assert letter.data.startswith(b"%PDF")
    assert post(client, page, page + "/end", plan=str(one(placed, Plan).id)).status_code == 302
    assert one(placed, Plan).state == "cancelled"
    line = client.get(f"/accounts/{placed.account_ids[0]}?show=promises").get_data(as_text=True)
    assert "Plan of CLP\xa0120,000" in line


def test_beyond_the_limits_of_agent_and_desk_a_supervisor_decides(app: Flask, placed: Placed) -> None:
    agent = signed_in(app, placed.scope, Role.AGENT, "court")
    supervisor = signed_in(app, placed.scope, Role.SUPERVISOR)
    page = f"/accounts/{placed.account_ids[0]}/offers"
    assert post(agent, page, page + "/plan", every="monthly", instalments="3").status_code == 422
    asked = post(agent, page, page + "/plan", every="monthly", instalments="3", why="seasonal work")
    assert asked.status_code == 302
    plan = one(placed, Plan)
    assert (plan.state, plan.approver) == ("asked", "supervisor")
    assert agent.get("/approvals").status_code == 403
    assert "seasonal work" in supervisor.get("/approvals").get_data(as_text=True)
    form = {"kind": "plan", "number": str(plan.id), "allow": "yes"}
    assert post(supervisor, "/approvals", "/approvals", **form).status_code == 422
    assert post(supervisor, "/approvals", "/approvals", note="fine", **form).status_code == 302
    assert one(placed, Plan).state == "running"


def test_below_the_creditors_floor_only_the_creditor_grants(app: Flask, placed: Placed) -> None:
    agent, creditor, supervisor, viewer = (
        signed_in(app, placed.scope, role)
        for role in (Role.AGENT, Role.CREDITOR_ADMINISTRATOR, Role.SUPERVISOR, Role.CREDITOR_VIEWER)
    )
    page = f"/accounts/{placed.account_ids[0]}/offers"
    post(agent, page, page + "/settlement", amount="50,000", valid_until="2026-03-20", why="no income")
    made = one(placed, Settlement)
    assert (made.state, made.approver) == ("asked", "creditor")
    form = {"kind": "settlement", "number": str(made.id), "allow": "yes", "note": "agreed"}
    assert "has to allow this one" in supervisor.get("/approvals").get_data(as_text=True)
    assert viewer.get("/exceptions").status_code == 403
    assert supervisor.get("/exceptions").status_code == 403
    assert post(creditor, "/exceptions", "/exceptions", **form).status_code == 302
    found = one(placed, Settlement)
    assert (found.state, found.decision_note) == ("offered", "agreed")
    line = agent.get(f"/accounts/{placed.account_ids[0]}").get_data(as_text=True)
    assert "Settlement of CLP\xa050,000 in place of CLP\xa0120,000" in line


def test_an_amount_written_as_another_language_writes_thousands_is_asked_about(
    app: Flask, placed: Placed
) -> None:
    """50.000 on an English page would be fifty pesos: nobody means that."""
    agent, page = signed_in(app, placed.scope, Role.AGENT), f"/accounts/{placed.account_ids[0]}/offers"
    answer = post(
        agent, page, page + "/settlement", amount="50.000", valid_until="2026-03-20", why="no income"
    )
    assert answer.status_code == 422
    assert "Do you mean 50000?" in answer.get_data(as_text=True)
    assert 'value="50.000"' in answer.get_data(as_text=True)


def test_hardship_is_opened_and_closed(app: Flask, placed: Placed) -> None:
    client, page = signed_in(app, placed.scope, Role.AGENT), f"/accounts/{placed.account_ids[0]}/offers"
    form = {"kind": "illness", "severity": "high", "note": "surgery", "evidence": "certificate"}
    assert post(client, page, page + "/hardship", **form).status_code == 302
    assert "surgery" in client.get(page).get_data(as_text=True)
    case = one(placed, HardshipCase)
    assert post(client, page, page + "/hardship", close=str(case.id)).status_code == 422
    assert post(client, page, page + "/hardship", close=str(case.id), outcome="well").status_code == 302
    assert one(placed, Hold).ended_at is not None


def test_a_supervisors_word_takes_a_promise_beyond_the_limits_and_is_kept(app: Flask, placed: Placed) -> None:
    account = f"/accounts/{placed.account_ids[0]}"
    form = {"amount": "1,000", "due": "2026-03-30", "why": "pays after the harvest"}
    agent = signed_in(app, placed.scope, Role.AGENT)
    assert post(agent, account, account + "/promises", **form).status_code == 422
    supervisor = signed_in(app, placed.scope, Role.SUPERVISOR)
    assert post(supervisor, account, account + "/promises", **form).status_code == 302
    made = one(placed, PromiseToPay)
    assert made.override_why == "pays after the harvest"
    assert made.override_by.startswith("user:")


def test_the_creditors_accounts_of_others_are_not_there(app: Flask, placed: Placed, world: World) -> None:
    stranger = signed_in(app, world.tenant(), Role.AGENT)
    assert stranger.get(f"/accounts/{placed.account_ids[0]}/offers").status_code == 404


def test_a_creditor_reads_in_words_that_a_debtor_gave_no_reason(app: Flask, placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        settlements.offer_settlement(
            session, account_ids=placed.account_ids, amount_minor=50_000, offerer=PAGE,
            valid_until=date(2026, 3, 15), why=ASKED_ON_PAGE,
        )  # fmt: skip
    creditor = signed_in(app, placed.scope, Role.CREDITOR_ADMINISTRATOR)
    creditor.get("/exceptions?lang=es")
    assert "<dd>pedido en la página del deudor</dd>" in creditor.get("/exceptions").get_data(as_text=True)
