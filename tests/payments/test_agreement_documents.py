"""Agreements and settlement letters are numbered papers: one for each, the same again, listed with others."""

import threading
from datetime import date, timedelta

import pytest
from flask import Flask

from recupero.kernel import clock, jobs, periodic, runtime
from recupero.kernel.errors import Conflict
from recupero.payments.agreements import plans, settlement_queries, settlements
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import Offerer
from recupero.payments.papers import agreement_documents, documents
from recupero.payments.papers.document_tables import Document
from recupero.reports import agreement_letters, letters
from recupero.reports.words import Words
from recupero.tenancy.permissions import Permission
from tests.api.conftest import machine
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import pay

AGENT = Offerer("agent", "user:1")
TERMS = {"settlement_floor_percent": 50, "max_instalments": 6}


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 90_000}], terms=TERMS)


def agree(placed: Placed, instalments: int = 3, why: str | None = None) -> Plan:
    with runtime.current().database.transaction(placed.scope) as session:
        choice = Choice(clock.now().date() + timedelta(days=9), instalments=instalments)
        return plans.agree_plan(
            session, account_ids=placed.account_ids, choice=choice, offerer=AGENT, why=why
        )


def offer(placed: Placed, amount: int = 60_000) -> Settlement:
    with runtime.current().database.transaction(placed.scope) as session:
        return settlements.offer_settlement(
            session, account_ids=placed.account_ids, amount_minor=amount, valid_until=date(2026, 3, 20),
            offerer=AGENT,
        )  # fmt: skip


def plan_paper(placed: Placed, plan_id: int, actor: str = "user:1") -> Document:
    with runtime.current().database.transaction(placed.scope) as session:
        return agreement_documents.plan_paper(session, plans.find(session, plan_id), actor=actor)


def settlement_paper(placed: Placed, settlement_id: int) -> Document:
    with runtime.current().database.transaction(placed.scope) as session:
        found = settlement_queries.find(session, settlement_id)
        return agreement_documents.settlement_paper(session, found, actor="user:1")


def listed(placed: Placed) -> list[str]:
    with runtime.current().database.transaction(placed.scope) as session:
        return [one.printed_number for one in documents.documents_of(session, placed.debtor_id)]


def test_a_plans_agreement_is_one_paper_whatever_happens_to_the_plan(placed: Placed) -> None:
    plan = agree(placed)
    first = plan_paper(placed, plan.id)
    printed = letters.render(first)
    assert printed.startswith(b"%PDF")
    assert [one["amount_minor"] for one in documents.said(first)["instalments"]] == [30_000] * 3
    clock.advance(timedelta(days=3))
    pay(placed, 30_000)
    agree(placed, 2)  # replaces it
    again = plan_paper(placed, plan.id, "user:2")
    assert (again.id, letters.render(again)) == (first.id, printed)
    assert listed(placed) == ["A-000001"]


def test_a_settlement_has_a_paper_for_each_step(placed: Placed) -> None:
    made = offer(placed)
    offered = settlement_paper(placed, made.id)
    pay_at = documents.said(offered)["pay_at"]
    assert (offered.kind, "/p/" in pay_at) == ("offer", True)
    told = agreement_letters.paragraphs("offer", documents.said(offered), Words.of("en", "CL"))[1]
    assert told == ["By paying this sum in time you accept the offer.", f"You can pay here: {pay_at}"]
    with runtime.current().database.transaction(placed.scope) as session:
        settlements.accept(session, made.id, accepted_with="page")
    agreed = settlement_paper(placed, made.id)
    assert (agreed.kind, agreed.printed_number) == ("settlement", "S-000001")
    pay(placed, 60_000)
    settled = settlement_paper(placed, made.id)
    assert (settled.kind, documents.said(settled)["owed_minor"]) == ("settled", 90_000)
    assert documents.said(settled)["pay_at"] is None
    assert listed(placed) == ["C-000001", "S-000001", "O-000001"]
    assert len({letters.render(one) for one in (agreed, settled)}) == 2


def test_what_nobody_allowed_has_no_paper(placed: Placed) -> None:
    asked = agree(placed, 9, why="seasonal work")
    assert asked.state == "asked"
    with pytest.raises(Conflict):
        plan_paper(placed, asked.id)
    made = offer(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        settlements.withdraw(session, made.id, actor="user:1")
    with pytest.raises(Conflict):
        settlement_paper(placed, made.id)
    assert listed(placed) == []


def test_a_withdrawn_offer_that_was_printed_is_printed_again(placed: Placed) -> None:
    made = offer(placed)
    first = settlement_paper(placed, made.id)
    with runtime.current().database.transaction(placed.scope) as session:
        settlements.withdraw(session, made.id, actor="user:1")
    assert settlement_paper(placed, made.id).id == first.id


def test_papers_are_issued_by_themselves_and_once(placed: Placed) -> None:
    agree(placed)
    offer(placed)
    assert "payments.issue_receipts" in periodic.ask_due()
    jobs.drain()
    assert sorted(listed(placed)) == ["A-000001", "O-000001"]
    clock.advance(timedelta(minutes=2))
    periodic.ask_due()
    jobs.drain()
    assert len(listed(placed)) == 2


def test_many_who_ask_at_once_get_the_same_paper(placed: Placed) -> None:
    plan, found = agree(placed), list[int]()
    threads = [
        threading.Thread(target=lambda: found.append(plan_paper(placed, plan.id).id)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found))) == (6, 1)
    assert listed(placed) == ["A-000001"]


def test_the_agreement_is_in_the_debtors_language(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    printed = set()
    for language in ("es", "en", "pt"):
        placed = place(platform, world.tenant(), [{"principal": 90_000}], terms=TERMS, language=language)
        paper = plan_paper(placed, agree(placed).id)
        assert paper.language == language
        printed.add(letters.render(paper))
    assert len(printed) == 3


def test_papers_by_machine(app: Flask, platform: runtime.Runtime, world: World, placed: Placed) -> None:
    api, other = machine(app, platform, placed.scope), machine(app, platform, world.tenant())
    path, plan = f"/api/v1/accounts/{placed.account_ids[0]}/documents", agree(placed)
    made = api.send(path, kind="plan", subject_id=plan.id)
    assert (made["number"], made["language"], made["subject_id"]) == ("A-000001", "es", plan.id)
    assert api.send(path, kind="plan", subject_id=plan.id)["id"] == made["id"]
    balance = api.send(path, kind="balance")
    assert balance["number"] == "B-000001"
    assert [one["id"] for one in api.get(path)["items"]] == [balance["id"], made["id"]]
    first = api.call("GET", f"/api/v1/documents/{made['id']}")
    assert (first.mimetype, first.data[:5]) == ("application/pdf", b"%PDF-")
    assert "A-000001.pdf" in first.headers["Content-Disposition"]
    assert api.call("GET", f"/api/v1/documents/{made['id']}").data == first.data
    api.send(path, 409, kind="paid_in_full")
    api.send(path, 422, kind="poem")
    api.send(path, 404, kind="plan")
    api.send(path, 404, kind="settlement", subject_id=1)
    for stranger_path in (path, f"/api/v1/documents/{made['id']}"):
        assert other.call("GET", stranger_path).status_code == 404
    other.send(path, 404, kind="balance")
    reader = machine(app, platform, placed.scope, Permission.ACCOUNTS_READ)
    reader.send(path, 403, kind="balance")
    assert reader.get(path)["items"]
    nobody = machine(app, platform, placed.scope, Permission.REPORTS_READ)
    assert nobody.call("GET", path).status_code == 403
