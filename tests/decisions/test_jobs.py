"""Every tenant is planned once a day, each by a job of its own."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from recupero.decisions.tables import PlanRun
from recupero.kernel import clock, jobs, periodic
from recupero.kernel.database import Scope
from tests.decisions.debts import debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def _runs(world: World, scope: Scope) -> int:
    with world.platform.database.transaction(scope) as session:
        return len(session.execute(select(PlanRun)).all())


def _hours_later(hours: float) -> None:
    clock.advance(timedelta(hours=hours))
    periodic.ask_due({"decisions.plan_all"})
    jobs.drain()


def test_each_tenant_has_one_plan_a_day(world: World) -> None:
    agency = world.agency()
    scopes = [world.tenant(agency), world.tenant(agency), world.tenant()]
    for scope in scopes:
        with world.platform.database.transaction(scope) as session:
            debt(session, portfolio(session))
    _hours_later(0)
    _hours_later(3)
    assert [_runs(world, scope) for scope in scopes] == [1, 1, 1]
    _hours_later(21)
    assert [_runs(world, scope) for scope in scopes] == [2, 2, 2]


def test_a_tenant_that_fails_stops_no_other(world: World) -> None:
    good, bad = world.tenant(), world.tenant()
    for scope in (good, bad):
        with world.platform.database.transaction(scope) as session:
            debt(session, portfolio(session, **({"pace_day": 1} if scope is bad else {})))
    _hours_later(0)
    assert (_runs(world, good), _runs(world, bad)) == (1, 1)
    with world.platform.database.transaction(bad) as session:
        (run,) = session.execute(select(PlanRun)).scalars()
    assert (run.planned, run.blocked) == (0, {"strategy_invalid": 1})
