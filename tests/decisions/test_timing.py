"""Waiting pays where the slot is better by more than it lengthens the round between contacts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from sqlalchemy import select

from recupero.decisions import service
from recupero.decisions.planning import timing
from recupero.decisions.planning.candidates import SLOTS
from recupero.decisions.planning.reading import read_hours
from recupero.decisions.planning.timing import Timing, later, learned, patience, period, timed
from recupero.decisions.strategies.strategy import parse
from recupero.kernel import clock
from recupero.outreach.tables import Action
from tests.decisions.debts import contact, debt, portfolio
from tests.factories import World

MONDAY = datetime(2026, 3, 9, 12, tzinfo=UTC)
ZONE = ZoneInfo("UTC")


def test_a_better_slot_is_worth_waiting_for_only_while_it_is_near_enough() -> None:
    usually = learned({("email", day, 10): (2000, 100) for day in range(1, 8)})
    assert later(usually, "email", MONDAY, SLOTS, ZONE, 5) == []
    wednesdays = Timing({}, {("email", 3): 1.6})
    assert later(wednesdays, "email", MONDAY, SLOTS, ZONE, 5) == [datetime(2026, 3, 11, 8, tzinfo=UTC)]
    assert later(wednesdays, "email", MONDAY, SLOTS, ZONE, 1) == []  # daily contacts: two days cost too much
    assert later(Timing({}, {("email", 7): 1.6}), "email", MONDAY, SLOTS, ZONE, 5) == []


def test_what_waiting_costs_is_the_share_by_which_it_lengthens_the_round() -> None:
    assert patience(timedelta(0), 5) == 1
    assert patience(timedelta(days=5), 5) == pytest.approx(0.5)
    assert period(parse({"pace_days": 2, "max_contacts_30d": 3})) == 10


def test_little_history_moves_little_and_much_moves_much() -> None:
    few = learned({("email", 1, 10): (10, 5), ("email", 1, 15): (10, 0)})
    assert few.factor("email", 1, 10) == pytest.approx(1, abs=0.1)
    many = learned({("email", 1, 10): (10_000, 900), ("email", 1, 15): (10_000, 100)})
    assert many.factor("email", 1, 10) == pytest.approx(1.8, abs=0.1)
    assert many.factor("email", 1, 15) < 0.3
    assert Timing().factor("call", 2, 17) > Timing().factor("call", 2, 12)
    assert Timing().factor("email", 2, 17) == 1


def test_an_hour_is_that_of_the_debtor() -> None:
    options = pl.DataFrame(
        {"channel": ["email"] * 2, "moment": [MONDAY] * 2, "clock_zone": ["UTC", "America/Santiago"],
         "branch": [0, 0], "lately": [9, 2]}
    )  # fmt: skip
    rows = timed(options, Timing({("email", 12): 2.0}), {0: parse({})}, MONDAY - timedelta(days=5))
    assert dict(zip(rows["clock_zone"], rows["timing"], strict=True)) == {"UTC": 2, "America/Santiago": 1}
    assert rows["patience"].to_list() == [0.5, pytest.approx(10 / 15)]  # rounds of 5 days and of 30 / 3


@pytest.mark.usefixtures("noon")
def test_a_plan_waits_for_the_weekday_on_which_its_debtors_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, channels=["email"])
        seen = debt(session, book)
        at = clock.now() - timedelta(days=3)
        contact(session, seen, at, state="answered")
        contact(session, seen, at - timedelta(days=1))
        hours = read_hours(session, clock.now())
        assert sum(attempts for attempts, _answers in hours.values()) == 2
        assert sum(answers for _attempts, answers in hours.values()) == 1
        debt(session, book)
    tomorrow = (clock.now() + timedelta(days=1)).isoweekday()
    counted = {("email", day, 10): (5000, 1000 if day == tomorrow else 100) for day in range(1, 8)}
    told = learned(counted)  # of a year that this test need not live through
    monkeypatch.setattr(timing, "learned", lambda _counted: told)
    service.plan_tenant(world.platform.database, scope)
    with world.platform.database.transaction(scope) as session:
        due = session.execute(select(Action.due_at).where(Action.state == "scheduled")).scalars().all()
    assert {moment.date() for moment in due} == {(clock.now() + timedelta(days=1)).date()}
