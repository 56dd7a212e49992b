"""What came of a decision is counted by fixed windows, of the whole person, less what was taken back."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts.tables import LinkVisit
from recupero.decisions.history import outcomes
from recupero.decisions.history.outcomes import Outcomes
from recupero.decisions.tables import Decision
from recupero.kernel import clock
from recupero.outreach.tables import Action
from recupero.payments.offers.offer_tables import Plan, PlanInstalment
from recupero.payments.tables import Allocation, PromiseToPay
from recupero.placements.tables import Hold
from tests.decisions.debts import Debt, contact, debt, permit, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def _decision(session: Session, owed: Debt, at: datetime, channel: str | None = None, cost: int = 0) -> int:
    row = Decision(
        tenant_id=owed.tenant_id, run_id=1, account_id=owed.account_id, at=at, choice="follow_up",
        channel=channel, model="m", model_version="1", score=0.1, propensity=0.5, expected_value_minor=0,
        cost_minor=cost, alternatives=[], reasons=[], blocked={},
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def _done(session: Session, owed: Debt, decision_id: int, at: datetime, **values: object) -> int:
    """The decision's action and its contact at `at`."""
    row = Action(
        tenant_id=owed.tenant_id, account_id=owed.account_id, debtor_id=owed.debtor_id,
        person_id=owed.person_id, decision_id=decision_id, channel="email", template="follow_up",
        tone="neutral", purpose="collection", due_at=at, expires_at=at, state="closed", created_at=at,
        changed_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return contact(session, owed, at, action_id=row.id, **values)


def _money(session: Session, owed: Debt, payment: int, amount: int, at: datetime, fee: int = 0) -> None:
    session.add(Allocation(
        tenant_id=owed.tenant_id, payment_id=payment, transaction_id=0, account_id=owed.account_id,
        part="principal", amount_minor=amount, fee_minor=fee, at=at,
    ))  # fmt: skip
    session.flush()


def _promise(session: Session, owed: Debt, made: datetime, settled: datetime | None, state: str) -> None:
    session.add(PromiseToPay(
        tenant_id=owed.tenant_id, account_id=owed.account_id, debtor_id=owed.debtor_id, amount_minor=1_000,
        currency="CLP", made_at=made, due_date=made.date(), state=state, settled_at=settled, made_with="page",
    ))  # fmt: skip
    session.flush()


def _of(found: Outcomes, number: int) -> dict[str, float]:
    place = list(found.id).index(number)
    return {name: float(column[place]) for name, column in found.columns.items()}


def test_one_decision_counted_by_hand(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    began = now - 61 * DAY
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        owed = debt(session, book)
        other = debt(session, book, owner=owed)
        done = _decision(session, owed, began - DAY, "email", cost=70)
        _done(session, owed, done, began, state="answered", state_at=began + 2 * DAY)
        _money(session, owed, 1, 10_000, began + 10 * DAY, fee=2_000)
        _money(session, other, 2, 4_000, began + 30 * DAY, fee=800)  # another debt of the same person
        _money(session, owed, 3, 9_999, began + 30 * DAY + SECOND)  # too late
        _money(session, owed, 4, 9_999, began)  # booked with the contact: before it
        _money(session, owed, 1, -3_000, began + 45 * DAY, fee=-600)  # taken back within 60 days
        _money(session, owed, 4, -9_999, began + DAY)  # of a payment before the window
        _promise(session, other, began + 14 * DAY, began + 60 * DAY, "kept")
        found = outcomes.of_decisions(session, now, began - 9 * DAY)
    counted = _of(found, done)
    assert np.isnan(counted.pop("own_read"))  # nobody tells of this channel who reads
    assert counted == {
        "reached": 1, "promise": 1, "kept": 1, "paid": 1, "paid_minor": 11_000, "fee_minor": 2_200,
        "cost_minor": 70, "net_minor": 8_730, "complaint": 0, "opt_out": 0, "hardship": 0, "harm": 0,
        "contacted": 1, "own_reached": 1, "own_paid": 1, "own_harm": 0, "own_days": 30,
    }  # fmt: skip


def test_what_came_of_a_decision_alone_ends_with_the_next_contact_that_asks(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    began = now - 61 * DAY
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session))
        first = _decision(session, owed, began, "email")
        _done(session, owed, first, began)
        waited = _decision(session, owed, began + 2 * DAY)
        reminded = _decision(session, owed, began + 3 * DAY, "email")
        _done(session, owed, reminded, began + 3 * DAY)
        of_it = select(Action).where(Action.decision_id == reminded)
        session.execute(of_it).scalar_one().template = "promise_reminder"  # asks for nothing new
        lost = _decision(session, owed, began + 4 * DAY, "email")
        _done(session, owed, lost, began + 4 * DAY, state="failed")
        second = _decision(session, owed, began + 6 * DAY, "email")
        _done(session, owed, second, began + 6 * DAY)
        _money(session, owed, 1, 5_000, began + 6 * DAY + SECOND)
        session.add(
            LinkVisit(tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, at=began + 6 * DAY + SECOND)
        )
        permit(session, owed.debtor_id, "sms", "opt_out", at=began + 5 * DAY)
        found = outcomes.of_decisions(session, now, began - 9 * DAY)
    own = [[_of(found, each)[f"own_{name}"] for name in ("days", "reached", "paid", "harm")]
           for each in (first, waited, reminded, lost, second)]  # fmt: skip
    assert own == [[6, 0, 0, 1], [4, 0, 0, 1], [3, 0, 0, 1], [2, 0, 0, 1], [30, 1, 1, 0]]
    assert [_of(found, each)["paid"] for each in (first, waited, second)] == [1, 1, 1]


def test_who_read_is_known_where_the_channel_tells_it_and_of_who_is_reached(world: World) -> None:
    """Of three mails one was read, one led to the page, one neither; of texts nobody tells anything."""
    scope, now = world.tenant(), clock.now()
    began = now - 61 * DAY
    with world.platform.database.transaction(scope) as session:
        book, numbers = portfolio(session), []
        for channel, read_at, visits in (
            ("email", began + DAY, False), ("email", None, True), ("email", began + 8 * DAY, False),
            ("sms", None, True),
        ):  # fmt: skip
            owed = debt(session, book)
            numbers.append(_decision(session, owed, began, channel))
            _done(session, owed, numbers[-1], began, channel=channel, read_at=read_at)
            if visits:
                at = began + 2 * DAY
                session.add(LinkVisit(tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, at=at))
        waited = _decision(session, debt(session, book), began)
        found = outcomes.of_decisions(session, now, began - DAY)
    assert [_of(found, each)["own_read"] for each in numbers[:3]] == [1, 1, 0]
    assert [np.isnan(_of(found, each)["own_read"]) for each in (numbers[3], waited)] == [True, True]


def test_a_call_that_somebody_else_took_reached_nobody(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    began = now - 61 * DAY
    with world.platform.database.transaction(scope) as session:
        book, numbers = portfolio(session), []
        for mine in (False, True):
            owed = debt(session, book)
            numbers.append(_decision(session, owed, began, "call"))
            told = {"state": "answered", "state_at": began + SECOND, "right_party": mine}
            _done(session, owed, numbers[-1], began, channel="call", **told)
        found = outcomes.of_decisions(session, now, began - DAY)
    assert [(_of(found, each)["reached"], _of(found, each)["own_reached"]) for each in numbers] == [
        (0, 0), (1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("days", [7, 14, 30])
def test_a_window_is_open_at_its_beginning_and_closed_at_its_end(world: World, days: int) -> None:
    scope, now = world.tenant(), clock.now()
    began, names = now - 61 * DAY, {7: "reached", 14: "promise", 30: "complaint"}
    moments = (began, began + SECOND, began + days * DAY, began + days * DAY + SECOND)
    with world.platform.database.transaction(scope) as session:
        book, numbers = portfolio(session), []
        for at in moments:
            owed = debt(session, book)
            numbers.append(_decision(session, owed, began))
            if days == 7:
                session.add(LinkVisit(tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, at=at))
            elif days == 14:
                _promise(session, owed, at, at + SECOND, "broken")
            else:
                session.add(Hold(tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, kind="complaint",
                                 source="test", started_at=at))  # fmt: skip
        session.flush()
        found = outcomes.of_decisions(session, now, began - DAY)
    assert [_of(found, number)[names[days]] for number in numbers] == [0, 1, 1, 0]
    assert not found.columns["kept"].any()


def test_what_was_not_to_be_known_yet_is_no_number(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session))
        fresh, old = _decision(session, owed, now - 13 * DAY), _decision(session, owed, now - 30 * DAY)
        _money(session, owed, 1, 500, now - 12 * DAY)
        found = outcomes.of_decisions(session, now, now - 99 * DAY)
    assert {name for name, value in _of(found, fresh).items() if np.isnan(value)} == set(outcomes.NAMES) - {
        "reached", "contacted", "cost_minor",
    }  # fmt: skip
    assert {name for name, value in _of(found, old).items() if np.isnan(value)} == {"kept", "own_read"}
    assert _of(found, old)["paid_minor"] == 500


def test_wishes_and_troubles_after_the_contact_are_counted_and_what_was_before_is_not(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    began = now - 61 * DAY
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        leaver, calm = debt(session, book), debt(session, book)
        numbers = [_decision(session, owed, began) for owed in (leaver, calm)]
        for owed, at in ((leaver, began + DAY), (calm, began - DAY)):
            permit(session, owed.debtor_id, "email", "opt_out", at=at)
            session.add(Hold(tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, kind="hardship",
                             source="test", started_at=at))  # fmt: skip
            contact(session, owed, at, direction="inbound", state="received")
        found = outcomes.of_decisions(session, now, began - DAY)
    seen = [{name for name, value in _of(found, number).items() if value > 0} for number in numbers]
    assert seen == [
        {"reached", "opt_out", "harm", "hardship", "own_reached", "own_harm", "own_days"}, {"own_days"},
    ]  # fmt: skip


def test_a_plan_agreed_is_a_promise_and_kept_where_an_instalment_came_in_time(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    began = now - 61 * DAY
    with world.platform.database.transaction(scope) as session:
        book, numbers = portfolio(session), []
        for state, paid_on in (("running", began + 40 * DAY), ("broken", began + 40 * DAY), ("running", now)):
            owed = debt(session, book)
            numbers.append(_decision(session, owed, began))
            plan = Plan(
                tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, account_ids=[owed.account_id],
                currency="CLP", total_minor=1_000, choice={}, state=state, grace_days=3, made_with="page",
                made_by="debtor", agreed_at=began + DAY, beyond=[],
            )  # fmt: skip
            session.add(plan)
            session.flush()
            session.add(PlanInstalment(
                tenant_id=owed.tenant_id, plan_id=plan.id, number=1, due_date=paid_on.date(),
                amount_minor=1_000, paid_on=paid_on.date(), state="paid",
            ))  # fmt: skip
        session.flush()
        found = outcomes.of_decisions(session, now, began - DAY)
    assert [_of(found, number)["promise"] for number in numbers] == [1, 1, 1]
    assert [_of(found, number)["kept"] for number in numbers] == [1, 0, 0]


def test_contacts_have_outcomes_of_their_own_and_other_tenants_none(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session))
        first = contact(session, owed, now - 70 * DAY, cost_minor=12)
        second = contact(session, owed, now - 50 * DAY, state="answered", state_at=now - 42 * DAY)
        _money(session, owed, 1, 800, now - 45 * DAY)
        found = outcomes.of_contacts(session, now, now - 99 * DAY)
    assert (_of(found, first)["paid_minor"], _of(found, first)["net_minor"]) == (800, 788)
    assert (_of(found, second)["paid"], _of(found, second)["reached"]) == (1, 0)  # answered after eight days
    with world.platform.database.transaction(world.tenant()) as session:
        assert len(outcomes.of_contacts(session, now, now - 99 * DAY)) == 0
