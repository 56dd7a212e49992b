"""Hardship pauses what was agreed: unpaid dates move by its length, nothing is late, the papers follow."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from recupero.kernel import audit, clock, runtime
from recupero.outreach.tables import Action
from recupero.payments.agreements import plans
from recupero.payments.charging.mandate_tables import Mandate
from recupero.payments.offers import hardship
from recupero.payments.offers.offer_tables import HardshipCase, Plan, PlanInstalment, Settlement
from recupero.payments.offers.plan_schedule import Choice, Instalment, working_days
from recupero.payments.offers.plan_standing import Receipt, Rest, judge
from recupero.payments.papers import agreement_documents, documents
from recupero.placements import service as placements
from recupero.reports import letters
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import go_back, pay
from tests.payments.test_hardship import writable
from tests.payments.test_plans import AGENT, TERMS, TODAY, agree, look, settle
from tests.payments.test_settlements import accept, offer, states

AGREED = [date(2026, 3, 20), date(2026, 3, 27), date(2026, 4, 6)]  # the third falls on Good Friday


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 600}, {"principal": 600}], terms=TERMS)


def suffer(placed: Placed, days: int = 28, severity: str = "low") -> HardshipCase:
    with runtime.current().database.transaction(placed.scope) as session:
        return hardship.open_case(
            session, debtor_id=placed.debtor_id, kind="illness", severity=severity, hold_days=days,
            opened_with="page", opened_by="debtor",
        )  # fmt: skip


def recover(placed: Placed, case: HardshipCase) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        hardship.close_case(session, case.id, actor="user:1", outcome="better")


def dates(placed: Placed) -> list[date]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(select(PlanInstalment.due_date).order_by(PlanInstalment.number))
        return list(rows.scalars())


def standing(placed: Placed) -> tuple[str, list[str]]:
    state, rows = look(placed.scope)[0]
    return state, [one for one, _ in rows]


def weeks(days: list[date], count: int) -> list[date]:
    return [day + timedelta(weeks=count) for day in days]


def test_a_case_moves_what_is_unpaid_by_its_length_and_its_early_end_moves_it_back(placed: Placed) -> None:
    agree(placed)
    pay(placed, 400)
    clock.advance(timedelta(days=1))
    case = suffer(placed)
    assert dates(placed) == [AGREED[0], *weeks(AGREED[1:], 4)]
    clock.advance(timedelta(days=14))
    recover(placed, case)
    assert dates(placed) == [AGREED[0], *weeks(AGREED[1:], 2)]
    assert standing(placed) == ("running", ["paid", "open", "open"])


def test_the_debtor_is_told_that_the_plan_goes_on_and_both_schedules_are_kept(placed: Placed) -> None:
    writable(placed)
    plan = agree(placed)
    clock.advance(timedelta(days=1))
    case = suffer(placed)
    clock.advance(timedelta(days=14))
    with runtime.current().database.transaction(placed.scope) as session:  # another one, of one account
        other = placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=placed.account_ids[0], kind="hardship", source="x"
        )
        placements.end_hold(session, other, by="user:1")
        assert session.execute(select(Action.id)).all() == [], "it rests all the same"
    recover(placed, case)
    with runtime.current().database.transaction(placed.scope) as session:
        told = session.execute(select(Action.template, Action.channel, Action.state)).all()
        kept = [one.details for one in audit.page(session, holding=f"plan:{plan.id}")
                if one.action == "payments.plan_moved"]  # fmt: skip
    assert told == [("plan_resumed", "email", "scheduled")]
    agreed, moved = ([day.isoformat() for day in weeks(AGREED, count)] for count in (0, 4))
    assert kept[1] == {"before": agreed, "after": moved}
    assert kept[0] == {"before": moved, "after": ["2026-04-06", "2026-04-10", "2026-04-20"]}  # Good Friday


def test_of_a_pause_that_ends_by_itself_the_debtor_hears_once_with_the_new_dates(placed: Placed) -> None:
    writable(placed)
    agree(placed)
    suffer(placed, 3)
    clock.advance(timedelta(days=3))
    with runtime.current().database.transaction(placed.scope) as session:
        assert hardship.end_run_out(session) == 1
        assert hardship.end_run_out(session) == 0
        told = session.execute(select(Action.template, Action.state)).all()
    assert told == [("plan_resumed", "scheduled")]
    assert standing(placed) == ("running", ["open", "open", "open"])


def test_while_it_lasts_nothing_is_late_and_then_the_schedule_goes_on(placed: Placed) -> None:
    agree(placed)
    clock.advance(timedelta(days=12))  # two days late, of three days of grace
    settle()
    assert standing(placed)[1][0] == "late"
    suffer(placed, 28)
    assert standing(placed)[1] == ["open"] * 3
    clock.advance(timedelta(days=27))
    settle()
    assert standing(placed) == ("running", ["open"] * 3)
    clock.advance(timedelta(days=2))
    settle()
    assert standing(placed) == ("running", ["late", "open", "open"])
    clock.advance(timedelta(days=2))
    settle()
    assert standing(placed)[0] == "broken"


def test_a_pause_whose_end_nobody_knows_moves_the_dates_when_it_ends(placed: Placed) -> None:
    """An agent's disposition opens it on one account of the plan, without a day."""
    agree(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        hold_id = placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=placed.account_ids[1], kind="hardship", source="x"
        )
        plan = session.execute(select(Plan)).scalar_one()
        assert hardship.pause_of(session, plan) == hardship.Pause(None)
    for _ in range(4):
        clock.advance(timedelta(days=14))
        settle()
        assert standing(placed) == ("running", ["open"] * 3)
    with runtime.current().database.transaction(placed.scope) as session:
        placements.end_hold(session, hold_id, by="user:1")
        assert hardship.pause_of(session, session.execute(select(Plan)).scalar_one()) is None
    assert dates(placed) == weeks(AGREED, 8)


def test_hardship_on_an_account_outside_the_plan_moves_nothing(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1200}, {"principal": 90}], terms=TERMS)
    with platform.database.transaction(placed.scope) as session:
        plans.agree_plan(
            session, account_ids=placed.account_ids[:1], offerer=AGENT,
            choice=Choice(AGREED[0], every="weekly", instalments=3),
        )  # fmt: skip
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=placed.account_ids[1], kind="hardship", source="x"
        )
    assert dates(placed) == AGREED


def test_hardship_that_is_told_late_mends_the_plan_that_broke_in_it(placed: Placed) -> None:
    agree(placed)
    clock.advance(timedelta(days=20))
    settle()
    assert standing(placed)[0] == "broken"
    began = clock.now() - timedelta(days=11)
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=None, kind="hardship", source="x",
            since=began, until=began + timedelta(days=28),
        )  # fmt: skip
    assert standing(placed) == ("running", ["open"] * 3)
    assert dates(placed) == weeks(AGREED, 4)


def test_money_that_went_back_is_due_on_the_moved_day(placed: Placed) -> None:
    agree(placed)
    pay(placed, 400)
    clock.advance(timedelta(days=1))
    suffer(placed)
    go_back(placed, 400)
    assert dates(placed) == weeks(AGREED, 4)
    assert standing(placed) == ("running", ["open"] * 3)


def test_the_papers_tell_the_dates_that_hold(placed: Placed) -> None:
    plan = agree(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        agreement_documents.issue_agreements(session)
    clock.advance(timedelta(days=1))
    case = suffer(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        assert agreement_documents.issue_agreements(session) == 1
        assert agreement_documents.issue_agreements(session) == 0
        found = documents.documents_of(session, placed.debtor_id)
        assert [(one.kind, one.revision) for one in found] == [("plan", 1), ("plan", 0)]
        told = [[one["due_date"] for one in documents.said(paper)["instalments"]] for paper in found]
        assert told == [[day.isoformat() for day in weeks(AGREED, 4)], [day.isoformat() for day in AGREED]]
        assert letters.render(found[0]) != letters.render(found[1])
    clock.advance(timedelta(days=7))
    recover(placed, case)
    with runtime.current().database.transaction(placed.scope) as session:
        paper = agreement_documents.plan_paper(session, plans.find(session, plan.id), actor="user:1")
        assert (paper.revision, documents.said(paper)["instalments"][0]["due_date"]) == (2, "2026-03-27")


def test_a_settlement_paid_at_once_has_as_many_days_more(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}], terms={"settlement_floor_percent": 60})
    accept(placed, offer(placed).id)
    suffer(placed, 28)
    clock.advance(timedelta(days=40))  # ten days to pay and three of grace would be over
    settle()
    pay(placed, 700)
    assert states(placed.scope) == [("settled", 300)]
    with platform.database.transaction(placed.scope) as session:
        found = session.execute(select(Settlement)).scalar_one()
        assert (found.moved_from, found.pay_by) == (
            TODAY + timedelta(days=10), TODAY + timedelta(days=38)
        )  # fmt: skip


def test_a_settlement_paid_by_a_plan_moves_with_it(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}], terms={"settlement_floor_percent": 60})
    accept(placed, offer(placed, choice=Choice(TODAY, every="weekly", instalments=3)).id)
    suffer(placed, 28)
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Settlement.pay_by)).scalar_one() == date(2026, 4, 21)
    clock.advance(timedelta(days=28))  # the first instalment's new day: the last one's former is over
    pay(placed, 700)
    assert states(placed.scope) == [("settled", 300)]


days = st.integers(0, 60)


@given(
    amounts=st.lists(st.integers(1, 100), min_size=1, max_size=4),
    paid=st.lists(st.tuples(days, st.integers(1, 200)), max_size=4),
    first=days, length=st.integers(1, 40), today=st.integers(0, 120),
)  # fmt: skip
def test_laws_of_a_pause(
    amounts: list[int], paid: list[tuple[int, int]], first: int, length: int, today: int
) -> None:
    """Nothing is late in a pause; unpaid dates move by its length, to a working day; and shifting all dates
    and later receipts by a pause before everything changes no standing."""
    working = working_days("CL")
    agreed = [Instalment(n, TODAY + timedelta(weeks=n), amount) for n, amount in enumerate(amounts, 1)]
    receipts = [Receipt(TODAY + timedelta(days=on), amount) for on, amount in paid]
    begin = TODAY + timedelta(days=first)
    rest = Rest(begin, begin + timedelta(days=length))
    now = TODAY + timedelta(days=today)
    state, rows = judge(agreed, receipts, grace_days=3, today=now, rests=[rest], is_working=working)
    for was, row in zip(agreed, rows, strict=True):
        settled = row.paid_on is not None and row.paid_on <= rest.first
        if settled or was.due_date + timedelta(days=3) < rest.first:
            assert row.due_date == was.due_date
        else:
            least = was.due_date + timedelta(days=length)
            assert row.due_date >= least
            assert working(row.due_date)
            assert not any(
                working(least + timedelta(days=n)) for n in range((row.due_date - least).days)
            )  # the first working day from there
            if rest.first <= now <= rest.last:
                assert row.state in ("open", "paid")
    missed = any(one.state == "missed" for one in rows)
    assert (state == "broken") == missed


def test_a_pause_that_was_known_when_the_plan_was_agreed_lets_nothing_fall_due_in_it() -> None:
    agreed = [Instalment(n, AGREED[n - 1], 10) for n in (1, 2)]
    known = Rest(TODAY - timedelta(days=5), date(2026, 3, 25), foreseen=True)
    _, rows = judge(agreed, [], grace_days=3, today=TODAY, rests=[known])
    assert [one.due_date for one in rows] == [date(2026, 3, 25), AGREED[1]]


def test_the_consent_to_charge_a_card_moves_with_the_plan(placed: Placed) -> None:
    plan = agree(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        given: dict[str, Any] = {
            "tenant_id": plan.tenant_id, "link_id": 1, "debtor_id": plan.debtor_id, "gateway": "sandbox",
            "currency": "CLP", "words": "x", "most_minor": 400, "until": AGREED[2], "asked_at": clock.now(),
        }  # fmt: skip
        session.add_all([
            Mandate(**given, plan_id=plan.id, idempotency_key="a", state="active", moves_with_plan=True),
            Mandate(**given, plan_id=plan.id, idempotency_key="b", state="asked", moves_with_plan=False),
        ])  # fmt: skip
    suffer(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        held = session.execute(select(Mandate.until).order_by(Mandate.idempotency_key)).scalars().all()
        assert list(held) == [AGREED[2] + timedelta(weeks=4), AGREED[2]]
