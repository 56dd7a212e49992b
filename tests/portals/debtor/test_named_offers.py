"""A message that offers names the offer that is recommended; its link leads to it, and paying it counts."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM
from recupero.outreach import queries, service
from recupero.outreach.actions.states import Move, move
from recupero.outreach.channels import pacing
from recupero.outreach.channels.connectors import Outcome
from recupero.outreach.sending import execution
from recupero.outreach.sending.preparation import prepare
from recupero.outreach.service import NewAction, schedule
from recupero.outreach.tables import Action, ActionEvent
from recupero.outreach.texts import versions, wording
from recupero.payments.books.booking import Received, book_payment
from recupero.payments.offers.offer_tables import Settlement
from recupero.placements import reach
from recupero.placements.tables import Account, Portfolio
from tests.portals.debtor.conftest import TERMS, Page

#: What the other debts of the debtor come to as well.
WHOLE = 150_000


def _terms(page: Page, offers: tuple[str, ...] = (), **terms: int) -> None:
    strategy = {"offers": list(offers)} if offers else {}
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        session.execute(update(Portfolio).values(terms={**TERMS, **terms}, strategy=strategy))
        session.execute(update(Account).values(open_date=date(2024, 5, 6)))  # Chile wants it said


def _plan(page: Page, channel: str) -> None:
    """Let a message with an offer be due now."""
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        account = reach.reachable(session, page.placed.account_ids)[page.placed.account_ids[0]]
        wanted = NewAction(
            account.account_id, account.debtor_id, account.person_id, channel, "offer", clock.now(),
            clock.now() + timedelta(days=9), tone="neutral",
        )  # fmt: skip
        assert schedule(session, [wanted]) == 1


def _message(page: Page, channel: str = "email") -> str:
    """The words of a message with an offer that goes out now; amounts with plain spaces."""
    _plan(page, channel)
    with runtime.current().database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "outreach.dispatch")
    jobs.drain()
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        return queries.outbox(session)[0].body.replace("\xa0", " ")


def _settlements(page: Page) -> list[Settlement]:
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        return list(session.execute(select(Settlement).order_by(Settlement.id)).scalars())


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_plan_is_named_and_the_link_leads_to_it(page: Page, channel: str) -> None:
    _terms(page, ("plan",))
    body = _message(page, channel)
    said = re.search(r"(\d+) pagos mensuales de \$([\d.]*\d)", body)
    assert said is not None, body
    link = re.search(r"/p/\S+(/o/\d+\.\d+\.\d{8})", body)
    assert link is not None, body
    shown = page.visitor.client.get(page.path + link.group(1), follow_redirects=True).get_data(as_text=True)
    assert shown.replace("\xa0", "").count(f"CLP{said.group(2).replace('.', ',')}") >= int(said.group(1)) - 1
    assert _settlements(page) == []


def test_a_settlement_that_is_named_stands_and_is_taken_by_paying_it(page: Page) -> None:
    _terms(page, ("settlement",))
    body = _message(page)
    (made,) = _settlements(page)
    amount = f"{made.amount_minor:,}".replace(",", ".")
    assert f"${amount} en lugar de $150.000" in body
    assert (made.state, made.made_with, made.beyond) == ("offered", "model", [])
    assert sorted(made.account_ids) == sorted(page.placed.account_ids)
    assert WHOLE * 0.6 <= made.amount_minor < WHOLE
    assert str(made.valid_until.day) in body
    clock.advance(timedelta(days=3))
    assert f"${amount} en lugar de $150.000" in _message(page)
    assert len(_settlements(page)) == 1  # the one that stands is told again
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        book_payment(session, Received("g:1", "gateway", made.amount_minor, "CLP", clock.now(),
                                       page.placed.debtor_id, tuple(page.placed.account_ids)))  # fmt: skip
    jobs.drain()
    assert [one.state for one in _settlements(page)] == ["settled"]


def test_what_the_strategy_or_the_policy_does_not_make_is_not_named(page: Page) -> None:
    _terms(page, ("settlement",), settlement_floor_percent=100)
    assert "Puede pagar esta cuenta en partes: proponga un plan" in _message(page)
    assert _settlements(page) == []


def test_nothing_is_named_of_debts_that_somebody_changes_at_this_moment(page: Page) -> None:
    _terms(page, ("settlement",))
    database = page.visitor.platform.database
    with database.transaction(page.placed.scope) as session:
        session.execute(text("SELECT id FROM accounts FOR UPDATE"))
        assert "proponga un plan" in _message(page)
    assert _settlements(page) == []


def test_only_a_plan_link_of_a_day_leads_anywhere(page: Page) -> None:
    assert page.visitor.client.get(f"{page.path}/o/3.0.20261399").status_code == 404
    answer = page.visitor.client.get(f"{page.path}/o/3.20.20200101")
    assert answer.status_code == 302
    assert "first_on" not in answer.headers["Location"]
    assert "down_percent=20" in answer.headers["Location"]


def _carried(page: Page, state: str) -> tuple[str, list[str]]:
    """State of the action of a message with an offer, and of the settlements, after its connector said so."""
    _plan(page, "email")
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        newest = select(Action.id).where(Action.state == "scheduled")
        (action_id,) = session.execute(newest).scalars()
        move(session, [Move(action_id, "claimed")])
        with pacing.gate(page.placed.scope.tenant()) as gate:
            (envelope,) = prepare(session, [action_id], gate)
        assert [one.state for one in session.execute(select(Settlement)).scalars()][-1:] == ["offered"]
        execution.settle(session, [envelope], {envelope.message.key: Outcome(state, reason="no mailbox")})
        action = session.get_one(Action, (page.placed.scope.tenant(), action_id))
        session.refresh(action)
        return action.state, [one.state for one in _settlements_of(session)]


def _settlements_of(session: Session) -> list[Settlement]:
    found = session.execute(select(Settlement).order_by(Settlement.id)).scalars()
    return list(found)


def test_an_offer_whose_message_never_arrived_does_not_stand(page: Page) -> None:
    _terms(page, ("settlement",))
    assert _carried(page, "permanent") == ("failed", ["withdrawn"])


def test_an_offer_that_waits_for_another_try_stands_until_that_is_given_up(page: Page) -> None:
    _terms(page, ("settlement",))
    assert _carried(page, "retry") == ("scheduled", ["offered"])
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        service.cancel(session, debtor_ids=[page.placed.debtor_id], reason="test")
        assert [one.state for one in _settlements_of(session)] == ["withdrawn"]


def test_an_offer_that_another_message_told_of_stands(page: Page) -> None:
    _terms(page, ("settlement",))
    assert _carried(page, "sent") == ("closed", ["offered"])
    clock.advance(timedelta(days=3))
    assert _carried(page, "permanent") == ("failed", ["offered"])


def test_an_offer_of_accounts_that_somebody_holds_is_withdrawn_when_they_are_free(page: Page) -> None:
    _terms(page, ("settlement",))
    assert _carried(page, "retry") == ("scheduled", ["offered"])
    database = page.visitor.platform.database
    with database.transaction(page.placed.scope) as holder:
        holder.execute(text("SELECT id FROM accounts FOR UPDATE"))
        with database.transaction(page.placed.scope) as session:
            service.cancel(session, debtor_ids=[page.placed.debtor_id], reason="test")
        assert [one.state for one in _settlements(page)] == ["offered"]
    jobs.drain()
    assert [one.state for one in _settlements(page)] == ["withdrawn"]


def test_where_the_law_forbids_the_words_of_an_offer_the_message_goes_without_it(page: Page) -> None:
    _terms(page, ("settlement",))
    body = "{% if offer %}Evite una demanda: {{ offer }}.{% else %}Hablemos.{% endif %} {{ link }} {{ code }}"
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        row = wording.draft(
            session, tenant_id=None, actor="user:1", template="offer", language="es", form="long", tone=None,
            subject="Su cuenta", body=body,
        )  # fmt: skip
        versions.approve(session, row, actor="user:2")
    said = _message(page)
    assert "Hablemos." in said
    assert "demanda" not in said
    assert _settlements(page) == []
    with page.visitor.platform.database.transaction(page.placed.scope) as session:
        told = session.execute(select(ActionEvent.reason).where(ActionEvent.state == "reserved")).scalar_one()
    assert told == "offer_left_out:CL-37-court-lookalike"
