"""What the work brings is seen by agency and creditor, and who is left alone on the page of their account."""

import json
from datetime import timedelta

import numpy as np
import pytest
from flask import Flask

from recupero.decisions.history.control import Group, draws
from recupero.kernel import clock, runtime
from recupero.tenancy import queries
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.decisions.debts import debt, portfolio, receive
from tests.factories import World
from tests.portals.conftest import Visitor

pytestmark = pytest.mark.usefixtures("noon")


def test_the_page_compares_and_the_account_says_who_is_left_alone(visitor: Visitor, world: World) -> None:
    scope = world.tenant(control=0.2)
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        owed = [debt(session, book) for _ in range(30)]
        receive(session, owed[0], 5_000, clock.now() + timedelta(hours=1))
    clock.advance(timedelta(days=1))
    inside = draws(scope.tenant(), np.array([each.person_id for each in owed])) < 0.2
    place = f"/tenants/{scope.tenant()}/uplift"
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = visitor.text(place)
    assert "too few to tell" in page
    assert "Recovered per person" in page
    assert place in visitor.text(f"/tenants/{scope.tenant()}")
    assert place in visitor.text(f"/reports/{scope.tenant()}")
    assert visitor.get(f"{place}?portfolio={book}&from=2026-03-01&to=2026-03-11").status_code == 200
    for group, share in (("worked", ~inside), ("left", inside)):
        rows = json.loads(visitor.text(f"{place}/accounts?group={group}&as=json"))
        paid = 5_000 if share[0] else 0
        assert (len(rows), sum(row["recovered"]["minor"] for row in rows)) == (share.sum(), paid)
        payers = json.loads(visitor.text(f"{place}/accounts?group={group}&paid=yes&as=json"))
        assert len(payers) == int(share[0])
    assert len(json.loads(visitor.text(f"{place}/accounts?portfolio={book}&as=json"))) == 30
    for wrong in ("portfolio=x", "from=yesterday", "to=2026-03-01", "to=9999-12-31"):
        assert visitor.get(f"{place}?{wrong}").status_code == 422, wrong
    assert visitor.get(f"{place}?portfolio=999999999").status_code == 404
    left = next(each for each, one in zip(owed, inside, strict=True) if one)
    worked = next(each for each, one in zip(owed, inside, strict=True) if not one)
    assert "left alone on purpose since" in visitor.text(f"/accounts/{left.account_id}")
    assert "left alone on purpose since" not in visitor.text(f"/accounts/{worked.account_id}")


def test_who_manages_the_house_changes_the_share_and_nobody_else(visitor: Visitor, world: World) -> None:
    scope = world.tenant(control=0.02)
    place = f"/tenants/{scope.tenant()}/uplift"
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    for typed in ("20.01", "-1", "many", ""):
        assert visitor.send(place, share=typed).status_code == 422, typed
    assert visitor.send(place, share="3,5").status_code == 302
    with world.platform.database.transaction(scope) as session:
        assert Group.of(queries.tenant(session).settings).share == 0.035
    assert "3.5%" in visitor.text(place)


def test_a_creditor_sees_its_own_and_changes_nothing(visitor: Visitor, world: World) -> None:
    scope, other = world.tenant(), world.tenant()
    clock.advance(timedelta(hours=1))
    visitor.sign_in(Role.CREDITOR_VIEWER, scope)
    place = f"/tenants/{scope.tenant()}/uplift"
    assert 'name="share"' not in visitor.text(place)
    assert visitor.send(place, "/report", share="5").status_code == 403
    assert visitor.get(f"/tenants/{other.tenant()}/uplift").status_code == 404


def test_the_same_through_the_api(app: Flask, platform: runtime.Runtime, world: World) -> None:
    scope, other = world.tenant(), world.tenant()
    clock.advance(timedelta(hours=1))
    client = machine(
        app, platform, scope, Permission.TENANCY_READ, Permission.TENANCY_MANAGE, Permission.REPORTS_READ
    )
    place = f"/api/v1/tenants/{scope.tenant()}"
    assert client.get(f"{place}/control") == {"share": 0.0, "since": None}
    changed = client.send(f"{place}/control", 200, "PUT", share=0.1)
    assert (changed["share"], changed["since"] is None) == (0.1, False)
    assert client.call("PUT", f"{place}/control", json={"share": 0.5}).status_code == 422
    clock.advance(timedelta(hours=1))
    found = client.get(f"{place}/uplift")
    assert (found["treated"]["people"], found["per_person_minor"]["verdict"]) == (0, "too_few")
    early = client.call("GET", f"{place}/uplift", query_string={"to": "2020-01-01T00:00:00+00:00"})
    assert early.status_code == 422
    assert client.call("GET", f"/api/v1/tenants/{other.tenant()}/uplift").status_code == 404
