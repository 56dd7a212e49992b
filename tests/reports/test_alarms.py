"""Roll-ups are proven day by day: where they do not hold, people and machines see it until they do."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs, periodic
from recupero.kernel.audit import AuditEvent
from recupero.reports import alarms, rollups
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor
from tests.reports.rows import Rows, moment


@pytest.fixture
def rows(world: World) -> Iterator[Rows]:
    with clock.simulated(moment("2026-04-20")):
        yield Rows(world.platform, world.tenant())


def a_day_later() -> None:
    """What the scheduler and the workers do."""
    clock.advance(timedelta(days=1))
    periodic.ask_due()
    jobs.drain()


def gauge(app: Flask) -> str:
    shown = app.test_client().get("/metrics").text
    return next(line for line in shown.splitlines() if line.startswith("recupero_report_alarms "))


def actions(session: Session) -> list[str]:
    query = select(AuditEvent.action).where(AuditEvent.action.startswith("reports.alarm"))
    return list(session.execute(query.order_by(AuditEvent.id)).scalars())


def test_a_figure_that_does_not_hold_is_seen_until_it_is_made_anew(app: Flask, rows: Rows) -> None:
    portfolio = rows.portfolio()
    rows.payment(rows.account(portfolio, rows.batch(portfolio), "2026-04-02", 1_000), "2026-04-10", 300)
    visitor = Visitor(app.test_client(), rows.platform)
    visitor.sign_in(Role.SUPERVISOR, rows.scope)
    database = rows.platform.database
    a_day_later()
    assert gauge(app) == "recupero_report_alarms 0.0"
    with database.transaction(rows.scope) as session:
        session.execute(
            text("UPDATE report_flows SET received_minor = received_minor + 1")
        )  # as a defect would
    a_day_later()
    a_day_later()
    with database.transaction(rows.scope) as session:
        assert alarms.standing(session) == 1  # April, which is all the months that there are
        assert actions(session) == ["reports.alarm"]
    assert gauge(app) == "recupero_report_alarms 1.0"
    assert "Reports do not hold what was booked: 1 difference." in visitor.text("/")
    with database.transaction(rows.scope) as session:
        rollups.rebuild(session)
    a_day_later()
    with database.transaction(rows.scope) as session:
        assert alarms.standing(session) == 0
        assert actions(session) == ["reports.alarm", "reports.alarm_cleared"]
    assert gauge(app) == "recupero_report_alarms 0.0"
