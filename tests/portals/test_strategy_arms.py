"""How the arms of a strategy compare is told on a page, through the API and on the command line."""

import json
from contextlib import nullcontext
from datetime import timedelta

import pytest
from click.testing import CliRunner
from flask import Flask

from recupero.decisions.cli import decisions
from recupero.kernel import clock, command, runtime
from recupero.kernel.database import Scope
from recupero.placements import strategies
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.decisions.debts import portfolio
from tests.decisions.test_arms import drawn
from tests.factories import World
from tests.portals.conftest import Visitor


@pytest.fixture
def compared(world: World, noon: object) -> tuple[Scope, int]:
    """A portfolio half of whose people are in an arm, five weeks after it began."""
    scope = world.tenant(control=0)
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        arm = {"name": "Quick <b>", "share": 0.5, "then": {"pace_days": 1}}
        strategies.set_strategy(session, book, {"arms": [arm]}, actor="user:1")
        drawn(session, book, 2, 2)
    clock.advance(timedelta(days=35))
    return scope, book


def test_the_page_holds_each_arm_against_the_people_in_none(
    app: Flask, visitor: Visitor, compared: tuple[Scope, int], world: World
) -> None:
    scope, book = compared
    place = f"/tenants/{scope.tenant()}/portfolios/{book}/strategy/arms"
    visitor.sign_in(Role.SUPERVISOR, scope)
    assert place in visitor.text(f"/tenants/{scope.tenant()}/portfolios/{book}/strategy")
    page = visitor.text(place)
    assert "Too few to know." in page
    assert "Quick &lt;b&gt;" in page
    assert page.count("too few to tell") == 5
    assert "have not passed yet" not in page
    assert "have not passed yet" in visitor.text(f"{place}?days=60")
    for wrong in ("31", "many", ""):
        assert visitor.get(f"{place}?days={wrong}").status_code == 422, wrong
    assert visitor.get(place.replace(str(book), "999999999")).status_code == 404
    with world.platform.database.transaction(scope) as session:
        plain = portfolio(session)
    bare = f"/tenants/{scope.tenant()}/portfolios/{plain}/strategy"
    assert "There are no arms." in visitor.text(f"{bare}/arms")
    assert f"{bare}/arms" not in visitor.text(bare)
    viewer = Visitor(app.test_client(), runtime.current()).sign_in(Role.CREDITOR_VIEWER, scope)
    assert viewer.get(place).status_code == 403


def test_the_same_through_the_api_and_on_the_command_line(
    app: Flask,
    platform: runtime.Runtime,
    compared: tuple[Scope, int],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scope, book = compared
    client = machine(app, platform, scope, Permission.DECISIONS_READ)
    place = f"/api/v1/portfolios/{book}/strategy/arms"
    found = client.get(place)
    (arm,) = found["arms"]
    assert min(arm["arm"]["people"], arm["none"]["people"]) >= 2
    assert (arm["versions"], arm["end"], arm["recovered_minor"]["verdict"]) == ([2, 2], None, "too_few")
    assert client.call("GET", place, query_string={"days": 7}).status_code == 422
    stranger = machine(app, platform, world.tenant(), Permission.DECISIONS_READ)
    assert stranger.call("GET", place).status_code == 404
    reader = machine(app, platform, scope, Permission.REPORTS_READ)
    assert reader.call("GET", place).status_code == 403
    options = ["arms", "--tenant", str(scope.tenant()), "--portfolio", str(book), "--json"]
    monkeypatch.setattr(command, "opened", lambda _data_dir: nullcontext(platform))
    done = CliRunner().invoke(decisions, options)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["arms"][0]["none"] == arm["none"]
