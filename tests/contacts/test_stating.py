"""What is stated and stops work stops it at once: the queue, not only the next question to the law."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from recupero.contacts import stating
from recupero.contacts.told import NewFact
from recupero.kernel import clock, runtime
from recupero.outreach.tables import Action
from recupero.placements import reach
from tests.factories import World
from tests.outreach.placed import Placed, place, plan

DAY = timedelta(days=1)


@pytest.fixture
def waiting(world: World, noon: object) -> Placed:
    """An account with a message and a call for tomorrow."""
    (placed,) = place(world.tenant())
    plan([placed], "email", after=DAY)
    plan([placed], "call", after=DAY)
    return placed


def state(placed: Placed, name: str, *, until: int | None = None) -> int:
    today = clock.now().date()
    last = None if until is None else today + until * DAY
    fact = NewFact("event", name, today - 10 * DAY, last)
    with runtime.current().database.transaction(placed.scope) as session:
        return stating.state(
            session, fact, debtor_id=placed.debtor_id, account_id=placed.account_id, actor="user:1"
        )


def queued(placed: Placed) -> list[tuple[str, str, str | None]]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(select(Action.channel, Action.state, Action.reason).order_by(Action.id))
        return [tuple(row) for row in rows]


def held(placed: Placed) -> set[str]:
    with runtime.current().database.transaction(placed.scope) as session:
        return {one.kind for one in reach.open_holds(session, [placed.debtor_id]).get(placed.debtor_id, ())}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cease_request", "cease"),
        ("dispute", "dispute"),
        ("complaint", "complaint"),
        ("attorney_notice", "attorney"),
        ("suit", "court"),
        ("breathing_space", "breathing_space"),
    ],
)
def test_a_fact_that_stops_work_cancels_what_is_queued_until_it_is_taken_back(
    waiting: Placed, name: str, kind: str
) -> None:
    fact_id = state(waiting, name)
    reason = f"hold:{kind}"
    assert queued(waiting) == [("email", "cancelled", reason), ("call", "cancelled", reason)]
    assert held(waiting) == {kind}
    with runtime.current().database.transaction(waiting.scope) as session:
        stating.end(session, fact_id, actor="user:1")
    assert held(waiting) == set()


@pytest.mark.parametrize(("name", "until"), [("dispute", -1), ("demand", None), ("do_not_call", None)])
def test_what_is_over_or_stops_nothing_leaves_the_queue_alone(
    waiting: Placed, name: str, until: int | None
) -> None:
    state(waiting, name, until=until)
    assert [one[1] for one in queued(waiting)] == ["scheduled", "scheduled"]
    assert held(waiting) == set()
