"""Promises are judged by what came in by their date, with days of grace and a tolerance (formula 8.3)."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from recupero.kernel import clock, events, jobs, runtime
from recupero.kernel.database import PLATFORM
from recupero.kernel.errors import NotFound, UserError
from recupero.payments import service as payments
from recupero.payments.events import PromiseBroken
from recupero.payments.tables import PromiseToPay
from recupero.placements.tables import Account, Hold
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import go_back, pay

DUE = date(2026, 3, 20)
broken: list[PromiseBroken] = []


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}])


@pytest.fixture(autouse=True)
def _listen() -> Iterator[None]:
    events.subscribe(PromiseBroken, lambda _, event: broken.append(event))
    broken.clear()
    yield
    events._handlers[PromiseBroken].pop()


def promise(placed: Placed, amount: int = 400, due: date = DUE, account: int | None = None) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        return payments.make_promise(
            session, account_id=account or placed.account_ids[0], amount_minor=amount, due_date=due,
            made_with="agent",
        )  # fmt: skip


def states(placed: Placed) -> list[tuple[str, int]]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(select(PromiseToPay.state, PromiseToPay.paid_minor).order_by(PromiseToPay.id))
        return [(state, paid) for state, paid in rows]


def settle() -> None:
    with runtime.current().database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "payments.settle_promises")
    jobs.drain()


def test_a_promise_is_kept_as_soon_as_enough_is_paid(placed: Placed) -> None:
    promise(placed)
    pay(placed, 379)
    assert states(placed) == [("open", 379)]
    pay(placed, 1, "more")
    assert states(placed) == [("kept", 380)]  # 95 percent of 400


@pytest.mark.parametrize(
    ("paid", "days", "state"),
    [(0, 13, "open"), (0, 14, "broken"), (200, 14, "partly_kept"), (400, 13, "kept")],
)  # due on the 20th, ten days on; the grace ends with the 23rd
def test_a_promise_ends_when_its_grace_is_over(placed: Placed, paid: int, days: int, state: str) -> None:
    promise(placed)
    clock.advance(timedelta(days=days))
    if paid:
        pay(placed, paid, received_at=clock.now() - timedelta(days=1))
    settle()
    assert states(placed) == [(state, paid)]
    assert len(broken) == (state == "broken")


def test_money_after_the_grace_does_not_count(placed: Placed) -> None:
    promise(placed)
    clock.advance(timedelta(days=14))
    pay(placed, 400)
    settle()
    assert states(placed) == [("broken", 0)]


def test_money_before_the_promise_does_not_count(placed: Placed) -> None:
    pay(placed, 400)
    clock.advance(timedelta(hours=1))
    promise(placed)
    clock.advance(timedelta(days=14))
    settle()
    assert states(placed) == [("broken", 0)]


def test_a_refund_opens_a_kept_promise_again(placed: Placed) -> None:
    promise(placed)
    pay(placed, 400)
    go_back(placed, 400)
    assert states(placed) == [("open", 0)]


def test_work_rests_until_the_promise_is_due_and_a_broken_one_is_negotiated(
    placed: Placed, platform: runtime.Runtime
) -> None:
    promise(placed)
    with platform.database.transaction(placed.scope) as session:
        hold = session.execute(select(Hold)).scalar_one()
        assert hold.kind == "promise"
        assert hold.until is not None
        assert hold.until.date() == date(2026, 3, 24)
        assert session.execute(select(Account.stage)).scalar_one() == "promised"
    clock.advance(timedelta(days=15))
    settle()
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Account.stage)).scalar_one() == "negotiating"


def test_a_newer_promise_replaces_the_open_one(placed: Placed, platform: runtime.Runtime) -> None:
    promise(placed)
    promise(placed, 300, date(2026, 3, 25))
    assert [state for state, _ in states(placed)] == ["cancelled", "open"]
    with platform.database.transaction(placed.scope) as session:
        running = session.execute(select(Hold.until).where(Hold.ended_at.is_(None))).scalar_one()
        assert running is not None
        assert running.date() == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("amount", "due", "match"),
    [
        (0, DUE, "amount"),
        (1001, DUE, "amount"),
        (400, date(2026, 3, 9), "day"),
        (400, date(2026, 7, 1), "day"),
    ],
)
def test_what_cannot_be_promised_is_refused(placed: Placed, amount: int, due: date, match: str) -> None:
    with pytest.raises(UserError, match=match):
        promise(placed, amount, due)
    assert states(placed) == []


def test_an_account_of_another_tenant_cannot_be_promised_for(
    placed: Placed, platform: runtime.Runtime, world: World
) -> None:
    other = place(platform, world.tenant())
    with pytest.raises(NotFound):
        promise(placed, account=other.account_ids[0])
