"""The state machine: whatever is asked of an action, only what may follow follows, and each step is noted."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.outreach.actions.states import FOLLOWS, STATES, WAITING, Move, before, move, move_all
from recupero.outreach.tables import Action, ActionEvent
from tests.factories import World
from tests.outreach.placed import place, plan


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(asked=some.lists(some.tuples(some.sampled_from(STATES), some.booleans()), min_size=1, max_size=12))
def test_any_walk_keeps_to_the_machine(scope: Scope, asked: list[tuple[str, bool]]) -> None:
    plan(place(scope))
    with runtime.current().database.transaction(scope) as session:
        action_id = session.execute(select(Action.id).order_by(Action.id.desc()).limit(1)).scalar_one()
        expected = ["scheduled"]
        for state, with_others in asked:
            why = f"to {state}"
            one = [Move(action_id, state, why)]
            moved = move_all(session, [action_id], state, why) if with_others else move(session, one)
            if state in FOLLOWS[expected[-1]]:
                assert moved == [action_id]
                expected.append(state)
            else:
                assert moved == []
        noted = session.execute(
            select(ActionEvent.state).where(ActionEvent.action_id == action_id).order_by(ActionEvent.id)
        ).scalars()
        assert list(noted) == expected
        session.expire_all()
        assert session.get_one(Action, (scope.tenant(), action_id)).state == expected[-1]


def test_what_was_reserved_is_never_claimed_again() -> None:
    assert before("claimed") == ["scheduled"]
    assert "claimed" not in FOLLOWS["reserved"]
    assert "claimed" not in FOLLOWS["unknown"]
    assert all("reserved" not in FOLLOWS[state] for state in STATES if state not in WAITING)


def test_what_has_ended_stays_ended() -> None:
    for state in ("failed", "blocked", "cancelled", "expired"):
        assert FOLLOWS[state] == frozenset()
    assert FOLLOWS["closed"] == {"answered", "failed"}  # a mail that nobody confirmed may come back


def test_events_are_never_changed(scope: Scope) -> None:
    plan(place(scope))
    with pytest.raises(DBAPIError), runtime.current().database.transaction(scope) as session:
        session.execute(update(ActionEvent).values(state="closed"))
