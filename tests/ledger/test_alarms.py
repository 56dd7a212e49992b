"""The books are proved day by day: what is wrong becomes an alarm that people and machines see, until it is
mended."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs, periodic, runtime
from recupero.kernel.audit import AuditEvent
from recupero.ledger import alarms
from recupero.ledger.tables import LedgerAlarm
from recupero.placements.tables import Account
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.portals.conftest import Visitor


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: datetime) -> Placed:
    return place(platform, world.tenant())


def carry(platform: runtime.Runtime, placed: Placed, balance: int) -> None:
    """Make the account carry a balance that need not be the ledger's, as a defect would."""
    with platform.database.transaction(placed.scope) as session:
        session.execute(update(Account).values(balance_minor=balance))


def a_day_later() -> None:
    """What the scheduler and the workers do."""
    clock.advance(timedelta(days=1))
    periodic.ask_due()
    jobs.drain()


def gauge(app: Flask) -> str:
    text = app.test_client().get("/metrics").text
    return next(line for line in text.splitlines() if line.startswith("recupero_ledger_alarms "))


def actions(session: Session) -> list[str]:
    query = select(AuditEvent.action).where(AuditEvent.action.startswith("ledger.alarm"))
    return list(session.execute(query.order_by(AuditEvent.id)).scalars())


def test_an_alarm_is_raised_once_seen_everywhere_and_cleared(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    visitor = Visitor(app.test_client(), platform)
    visitor.sign_in(Role.SUPERVISOR, placed.scope)
    a_day_later()
    assert gauge(app) == "recupero_ledger_alarms 0.0"
    assert "do not hold" not in visitor.text("/")
    carry(platform, placed, 3)
    a_day_later()
    a_day_later()
    with platform.database.transaction(placed.scope) as session:
        (alarm,) = alarms.standing(session)
        assert alarm.problem.endswith("carries 3, its ledger 1000")
        assert actions(session) == ["ledger.alarm"]
    assert gauge(app) == "recupero_ledger_alarms 1.0"
    assert "The books do not hold: 1 problem" in visitor.text("/")
    assert "carries 3, its ledger 1000" in visitor.text("/trust")
    carry(platform, placed, 1000)
    a_day_later()
    with platform.database.transaction(placed.scope) as session:
        assert alarms.standing(session) == []
        assert session.execute(select(LedgerAlarm.cleared_at)).scalar_one() is not None
        assert actions(session) == ["ledger.alarm", "ledger.alarm_cleared"]
    assert gauge(app) == "recupero_ledger_alarms 0.0"


def test_one_creditors_fault_is_no_others_alarm(
    platform: runtime.Runtime, world: World, placed: Placed
) -> None:
    other = place(platform, world.tenant())
    carry(platform, placed, 3)
    a_day_later()
    with platform.database.transaction(other.scope) as session:
        assert alarms.standing(session) == []
