"""Accounts are settled once: of two settlements of the same accounts one takes the other's place, by whatever
way and in whatever order they are accepted and paid."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from recupero.kernel import clock, runtime
from recupero.kernel.errors import Conflict
from recupero.payments.agreements import following, settlements
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import Offerer
from recupero.payments.tables import Allocation
from tests.conftest import NOON
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import books, go_back, pay
from tests.payments.test_plans import SUPERVISOR, look, settle
from tests.payments.test_settlements import TERMS, TODAY, accept, accounts, states

WIDE = TERMS | {"settlement_floor_percent": 10}


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 600}, {"principal": 400}], terms=WIDE)


def offer(placed: Placed, amount: int, numbers: tuple[int, ...] = (0, 1), **more: Any) -> Settlement:
    with runtime.current().database.transaction(placed.scope) as session:
        return settlements.offer_settlement(
            session, account_ids=[placed.account_ids[one] for one in numbers], amount_minor=amount,
            valid_until=TODAY + timedelta(days=30), offerer=more.pop("offerer", SUPERVISOR), why="x", **more,
        )  # fmt: skip


def later(minutes: int = 1) -> None:
    clock.advance(timedelta(minutes=minutes))


def test_a_newer_settlement_takes_the_place_of_one_that_was_accepted(placed: Placed) -> None:
    accept(placed, offer(placed, 700, choice=Choice(TODAY, every="weekly", instalments=2)).id)
    later()
    pay(placed, 100)
    later()
    accept(placed, offer(placed, 500).id)
    assert states(placed.scope) == [("replaced", 0), ("accepted", 0)]
    assert look(placed.scope)[0][0] == "replaced"
    later()
    pay(placed, 500, "sum")
    assert states(placed.scope) == [("replaced", 0), ("settled", 400)]
    assert [balance for balance, _, _ in accounts(placed.scope)] == [0, 0]
    settle()
    assert states(placed.scope) == [("replaced", 0), ("settled", 400)]


def test_settlements_of_overlapping_accounts_give_way_to_each_other_too(placed: Placed) -> None:
    accept(placed, offer(placed, 700).id)
    later()
    accept(placed, offer(placed, 100, (1,)).id)
    assert states(placed.scope) == [("replaced", 0), ("accepted", 0)]
    later()
    pay(placed, 100, account_ids=placed.account_ids[1:])
    assert states(placed.scope) == [("replaced", 0), ("settled", 300)]
    assert accounts(placed.scope)[0][:2] == (600, "active")
    with pytest.raises(Conflict):
        accept(placed, offer(placed, 700).id)


def test_separate_accounts_are_settled_separately(placed: Placed) -> None:
    for number, amount in ((0, 300), (1, 200)):
        accept(placed, offer(placed, amount, (number,)).id)
    later()
    for number, amount in ((1, 200), (0, 300)):
        pay(placed, amount, f"for {number}", account_ids=[placed.account_ids[number]])
    assert states(placed.scope) == [("settled", 300), ("settled", 200)]


@pytest.mark.parametrize("told_first", ["older", "newer"])
def test_money_that_is_told_late_never_writes_off_twice(
    platform: runtime.Runtime, world: World, noon: object, told_first: str
) -> None:
    """The older settlement's sum came in before the newer one was accepted, and the newer one's after."""
    placed = place(platform, world.tenant(), [{"principal": 1000}], terms=WIDE)
    accept(placed, offer(placed, 700, (0,)).id)
    later(10)
    accept(placed, offer(placed, 200, (0,)).id)
    later(10)
    receipts = [("older", 700, clock.now() - timedelta(minutes=15)), ("newer", 200, clock.now())]
    for key, amount, at in receipts if told_first == "older" else receipts[::-1]:
        pay(placed, amount, key, received_at=at)
    assert states(placed.scope) == [("settled", 300), ("replaced", 0)]
    assert [balance for balance, _, _ in accounts(placed.scope)] == [0]
    with platform.database.transaction(placed.scope) as session:
        waiting = session.execute(
            select(func.sum(Allocation.amount_minor)).where(Allocation.account_id.is_(None))
        )
        assert waiting.scalar_one() == 200
    go_back(placed, 700, "older")
    assert states(placed.scope) == [("replaced", 0), ("settled", 800)]
    books(placed.scope)


def test_a_lapsed_settlement_that_was_paid_in_time_after_all_is_the_only_one(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 1000}], terms=WIDE)
    accept(placed, offer(placed, 700, (0,)).id)
    in_time = clock.now() + timedelta(days=5)
    clock.advance(timedelta(days=20))
    settle()
    accept(placed, offer(placed, 400, (0,)).id)
    later()
    pay(placed, 400, "newer")
    assert states(placed.scope) == [("lapsed", 0), ("settled", 600)]
    pay(placed, 700, "in time", received_at=in_time)
    assert states(placed.scope) == [("settled", 300), ("replaced", 0)]


def _at_once(*doings: Callable[[], object]) -> list[Exception]:
    """Each in a thread with its own connection; what failed."""
    failed, ready = list[Exception](), threading.Barrier(len(doings))

    def run(doing: Callable[[], object]) -> None:
        ready.wait(10)
        try:
            doing()
        except (Conflict, DBAPIError) as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return failed


def test_two_that_are_accepted_and_paid_at_once_settle_once(placed: Placed) -> None:
    """Two offers stand where two approvers allowed them in the same moment."""
    agent = Offerer("agent", "user:1")
    asked = [offer(placed, amount, offerer=agent) for amount in (600, 650)]
    with runtime.current().database.transaction(placed.scope) as session:
        for one in session.execute(select(Settlement)).scalars():
            one.state = "offered"
    failed = _at_once(*(lambda one=one: accept(placed, one.id) for one in asked))
    assert failed == []
    found = sorted(state for state, _ in states(placed.scope))
    assert found == ["accepted", "replaced"]
    later()
    sums = {"one": 650, "two": 100}
    failed = _at_once(*(lambda key=key, sum_=sum_: pay(placed, sum_, key) for key, sum_ in sums.items()))
    assert failed == []
    written = [off for state, off in states(placed.scope) if state == "settled"]
    assert written == [250]  # whichever was booked first
    assert [off for state, off in states(placed.scope) if state != "settled"] == [0]
    books(placed.scope)


def test_accepting_while_money_comes_in_neither_waits_for_ever_nor_settles_twice(placed: Placed) -> None:
    accept(placed, offer(placed, 700).id)
    later()
    newer = offer(placed, 500)
    failed = _at_once(lambda: pay(placed, 700), lambda: accept(placed, newer.id))
    assert all(isinstance(error, Conflict) for error in failed)
    first, second = states(placed.scope)
    assert sum(off for _, off in (first, second)) in (300, 0)
    assert [first[0], second[0]].count("settled") <= 1
    books(placed.scope)


@pytest.mark.parametrize("what", ["paid", "broken", "back"])
def test_the_order_in_which_plans_and_settlements_follow_changes_nothing(
    platform: runtime.Runtime, world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    seen = []
    for order in (following.ON_MONEY, following.ON_MONEY[::-1]):
        monkeypatch.setattr(following, "ON_MONEY", order)
        with clock.simulated(NOON):
            placed = place(platform, world.tenant(), [{"principal": 600}, {"principal": 400}], terms=WIDE)
            mark, start = placed.scope.tenant(), clock.now()
            accept(placed, offer(placed, 700, choice=Choice(TODAY, every="weekly", instalments=2)).id)
            later()
            pay(placed, 350, f"{mark}-1")
            if what == "broken":
                clock.advance(timedelta(days=40))
                settle()
            pay(placed, 350, f"{mark}-2", received_at=start + timedelta(minutes=2))
            if what == "back":
                go_back(placed, 350, f"{mark}-2", event=f"back-{mark}")
            with platform.database.transaction(placed.scope) as session:
                plan_states = session.execute(select(Plan.state)).scalars().all()
            total = {book.value: amount for book, amount in books(placed.scope).items()}
            seen.append((states(placed.scope), accounts(placed.scope), plan_states, total))
    assert seen[0] == seen[1]
    assert seen[0][0] == ([("accepted", 0)] if what == "back" else [("settled", 300)])
