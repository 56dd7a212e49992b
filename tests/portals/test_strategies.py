"""A portfolio's strategy is changed on its page or through the API; each change is a version."""

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel import audit, runtime
from recupero.kernel.database import Scope
from recupero.placements import browse, strategies
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.decisions.debts import debt, portfolio
from tests.factories import World
from tests.portals.conftest import Visitor

TYPED = {
    "version": "1", "channel_0": "sms", "channel_1": "", "channel_2": "sms", "pace_days": "2.5",
    "max_contacts_30d": "6", "promise_reminder_days": "", "tolerance_minor": "1,500",
    "minimum_value_minor": "", "budget_minor": "", "exploration": "0", "daily_sms": "10",
    "costs_minor_sms": "40", "tones_follow_up": "firm",
}  # fmt: skip
READ = {
    "channels": ["sms"], "pace_days": 2.5, "max_contacts_30d": 6, "tolerance_minor": 1500,
    "exploration": 0.0, "daily": {"sms": 10}, "costs_minor": {"sms": 40}, "tones": {"follow_up": "firm"},
}  # fmt: skip


@pytest.fixture
def placed(world: World, noon: datetime) -> tuple[Scope, int]:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0)
        debt(session, book, days_late=30)
    return scope, book


def page(placed: tuple[Scope, int]) -> str:
    return f"/tenants/{placed[0].tenant()}/portfolios/{placed[1]}/strategy"


def decided(scope: Scope) -> list[tuple[str | int | None, ...]]:
    plan_tenant(runtime.current().database, scope)
    with runtime.current().database.transaction(scope) as session:
        found = session.execute(
            select(Decision.channel, Decision.strategy_version).order_by(Decision.id.desc())
        )
        return [tuple(row) for row in found.all()]


def test_a_changed_strategy_is_a_version_that_the_next_plan_uses(
    visitor: Visitor, placed: tuple[Scope, int]
) -> None:
    scope, book = placed
    assert decided(scope)[0] == ("email", 1)
    supervisor = visitor.sign_in(Role.SUPERVISOR, scope)
    assert "Empty: 5" in supervisor.text(page(placed))
    assert supervisor.send(page(placed), **TYPED).status_code == 302
    with runtime.current().database.transaction(scope) as session:
        assert browse.portfolio(session, book).strategy == READ
        (version,) = strategies.versions(session, book)
        assert (version.version, version.strategy) == (2, READ)
        entry = session.execute(
            select(audit.AuditEvent).order_by(audit.AuditEvent.id.desc()).limit(1)
        ).scalar_one()
        assert (entry.action, entry.details["before"]) == ("placements.set_strategy", {"exploration": 0})
    assert decided(scope)[0] == ("sms", 2)
    shown = supervisor.text(page(placed))
    assert 'value="1,500"' in shown or 'value="1500"' in shown
    assert "Version 2" in shown
    assert "Ana Prueba" in shown
    stale = supervisor.send(page(placed), **TYPED | {"pace_days": "9"})
    assert stale.status_code == 422
    assert "else changed this strategy meanwhile" in stale.text
    assert supervisor.send(page(placed), **TYPED | {"version": "2"}).status_code == 302
    with runtime.current().database.transaction(scope) as session:
        assert browse.portfolio(session, book).strategy_version == 2  # it said the same


FAULTS = [
    ({"pace_days": "often"}, "pace_days"),
    ({"pace_days": "400"}, "pace_days"),
    ({"max_contacts_30d": "-1"}, "max_contacts_30d"),
    ({"exploration": "60"}, "exploration"),
    ({"channel_0": "", "channel_2": ""}, "channel_0"),
    ({"channel_0": "pigeon"}, "channel_0"),
    ({"daily_sms": "x"}, "daily_sms"),
    ({"daily_sms": "-1"}, "daily_sms"),
    ({"tolerance_minor": "1.5.5"}, "tolerance_minor"),
    ({"tones_follow_up": "loud"}, ""),
]


def test_each_fault_stands_at_its_field_and_nothing_is_kept(
    visitor: Visitor, placed: tuple[Scope, int]
) -> None:
    supervisor = visitor.sign_in(Role.SUPERVISOR, placed[0])
    for typed, field in FAULTS:
        answer = supervisor.send(page(placed), **TYPED | typed)
        assert answer.status_code == 422, typed
        assert (f'id="{field}-error"' if field else 'role="alert"') in answer.text, typed
    with runtime.current().database.transaction(placed[0]) as session:
        assert browse.portfolio(session, placed[1]).strategy == {"exploration": 0}


def test_machines_set_it_too_and_others_do_not(app: Flask, placed: tuple[Scope, int], world: World) -> None:
    scope, book = placed
    platform = runtime.current()
    api = machine(app, platform, scope)
    where = f"/api/v1/portfolios/{book}/strategy"
    assert api.get(where) == {"strategy": {"exploration": 0}, "version": 1}
    wild = api.send(where, 422, "PUT", strategy={"pace_day": 3})
    assert "pace_day" in str(wild)
    assert api.send(where, 200, "PUT", strategy={"pace_days": 3}, instead_of=1)["version"] == 2
    api.send(where, 409, "PUT", strategy={}, instead_of=1)
    assert [one["version"] for one in api.get(f"{where}/versions")["items"]] == [2]
    machine(app, platform, scope, Permission.ACCOUNTS_WORK).send(where, 403, "PUT", strategy={})
    machine(app, platform, world.tenant()).send(where, 404, "PUT", strategy={})
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, scope)
    assert agent.get(page(placed)).status_code == 403
    new = {"name": "Otra", "country": "CL", "currency": "CLP", "product": "card"}
    api.send("/api/v1/portfolios", 422, tenant_id=scope.tenant(), strategy={"pace_days": "x"}, **new)


def test_a_condition_for_a_yes_takes_several_values(visitor: Visitor, placed: tuple[Scope, int]) -> None:
    scope, book = placed
    supervisor = visitor.sign_in(Role.SUPERVISOR, scope)
    typed: dict[str, Any] = {
        "needs_yes_0_channel": ["sms", "letter"], "needs_yes_0_tone": "firm", "needs_yes_2_everything": "yes",
    }  # fmt: skip
    assert supervisor.send(page(placed), **{**TYPED, **typed}).status_code == 302
    with runtime.current().database.transaction(scope) as session:
        kept = browse.portfolio(session, book).strategy["needs_yes"]
    assert kept == [{"channel": ["sms", "letter"], "tone": "firm"}, {"everything": True}]
    shown = supervisor.text(page(placed))
    for value in ("sms", "letter"):
        assert f'name="needs_yes_0_channel" value="{value}" checked' in shown
    assert "or Letter" in shown
    typed = {"version": "2", "needs_yes_0_tone": ["firm", "shrill"]}
    wrong = supervisor.send(page(placed), **{**TYPED, **typed})
    assert wrong.status_code == 422
    assert 'name="needs_yes_0_tone" value="firm" checked' in wrong.text
