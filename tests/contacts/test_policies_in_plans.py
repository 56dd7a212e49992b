"""A plan leaves out what house rules refuse and names the rule; what was planned before keeps to them too."""

import pytest
from sqlalchemy import select

from recupero.decisions.service import plan_tenant
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.outreach.tables import Action
from recupero_sdk.law import CHANNELS
from tests.contacts.test_policies import decree
from tests.decisions import debts
from tests.factories import World
from tests.outreach.placed import place, plan
from tests.outreach.test_carrying_out import run, states


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


def owe(scope: Scope) -> debts.Debt:
    with runtime.current().database.transaction(scope) as session:
        return debts.debt(session, debts.portfolio(session, exploration=0))


def test_a_channel_that_the_house_does_not_use_is_blocked_by_its_rule(scope: Scope) -> None:
    owe(scope)
    decree(scope, unused=CHANNELS)
    result = plan_tenant(runtime.current().database, scope)
    assert result.planned == 0
    assert result.blocked["CL-AGENCY-no-email"] == 1


def test_hours_of_the_house_move_what_is_planned(scope: Scope) -> None:
    owe(scope)
    decree(scope, scope.tenant(), weekdays="17:00-18:00", saturday="closed", sunday="closed")
    assert plan_tenant(runtime.current().database, scope).planned == 1
    with runtime.current().database.transaction(scope) as session:
        due = session.execute(select(Action.due_at)).scalar_one()
    assert due.hour == 20  # five in the afternoon in Santiago


def test_what_was_planned_before_the_house_became_stricter_is_not_sent(scope: Scope) -> None:
    placed = place(scope)
    plan(placed)
    decree(scope, unused=["email"])
    run()
    ((state, reason),) = states(placed)
    assert state != "closed"
    assert reason == "law:CL-AGENCY-no-email"
