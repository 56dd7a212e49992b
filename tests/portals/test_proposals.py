"""What waits for a yes is seen with its message, agreed to or declined on a page or through the API."""

import re
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from recupero.decisions.service import plan_tenant
from recupero.kernel import audit, runtime
from recupero.kernel.database import Scope
from recupero.outreach.tables import Action, ActionEvent
from recupero.portals.talks import proposals as pages
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.decisions.debts import debt, portfolio
from tests.factories import World
from tests.portals.conftest import Visitor


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    """A creditor with three proposals."""
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, needs_yes=[{"channel": "email", "from_balance_minor": 1}])
        for _ in range(3):
            debt(session, book)
    plan_tenant(world.platform.database, scope)
    return scope


def states(scope: Scope) -> list[tuple[int, str]]:
    with runtime.current().database.transaction(scope) as session:
        found = session.execute(select(Action.id, Action.state).order_by(Action.id))
        return [(row.id, row.state) for row in found]


def test_people_see_agree_and_decline(app: Flask, scope: Scope) -> None:
    platform = runtime.current()
    officer = Visitor(app.test_client(), platform).sign_in(Role.COMPLIANCE_OFFICER, scope)
    page = officer.text("/proposals")
    (first, _state), (second, _), (third, _) = states(scope)
    assert "Channel, Balance from" in page
    assert "Ana Prueba" not in page.split("<tbody>")[1]  # who may not work accounts sees no names
    assert "Nothing waits for a yes" in officer.text("/proposals?channel=letter")
    shown = officer.text(f"/proposals/{first}")
    assert "As this debtor would read it" in shown
    assert "allows this moment" in shown
    refused = officer.send("/proposals", id=second, do="decline", why="")
    assert refused.status_code == 422
    assert 'id="why-error"' in refused.text
    assert "Choose at least one" in officer.send("/proposals", do="approve").text
    officer.send(f"/proposals/{first}", do="approve")
    officer.send("/proposals", id=second, do="decline", why="Too firm")
    assert [state for _id, state in states(scope)] == ["scheduled", "cancelled", "proposed"]
    officer.send("/proposals", shown=third, all="yes", do="approve")
    assert "Nothing waits for a yes" in officer.text("/proposals")
    assert officer.get(f"/proposals/{third}").status_code == 404
    with platform.database.transaction(scope) as session:
        told = session.execute(
            select(ActionEvent.details).where(ActionEvent.reason == "declined")
        ).scalar_one()
        noted = session.execute(select(audit.AuditEvent.action).order_by(audit.AuditEvent.seq.desc()))
        assert list(noted.scalars())[:2] == ["outreach.approve_action", "outreach.decline_action"]
    assert (told["why"], told["by"].split(":")[0]) == ("Too firm", "user")
    agent = Visitor(app.test_client(), platform).sign_in(Role.AGENT, scope)
    assert agent.get("/proposals").status_code == 403


def test_machines_do_it_too_and_strangers_do_not(app: Flask, scope: Scope, world: World) -> None:
    platform = runtime.current()
    api, ids = machine(app, platform, scope), [action_id for action_id, _state in states(scope)]
    found = api.get("/api/v1/proposals", limit=2)
    assert (len(found["items"]), found["waiting"]) == (2, 3)
    assert found["items"][0]["reason"] == "needs_yes:channel+from_balance_minor"
    one = api.get(f"/api/v1/proposals/{ids[0]}")
    assert (one["against"], one["action"]["id"]) == (None, ids[0])
    assert one["message"]["text"]
    stranger = machine(app, platform, world.tenant())
    stranger.send(f"/api/v1/proposals/{ids[0]}", 404, "GET")
    done = stranger.send("/api/v1/proposals/approve", 200, action_ids=ids)
    assert {each["state"] for each in done["items"]} == {None}
    done = api.send("/api/v1/proposals/approve", 200, action_ids=ids[:2])
    assert [each["state"] for each in done["items"]] == ["scheduled", "scheduled"]
    done = api.send("/api/v1/proposals/approve", 200, action_ids=ids[:1])
    assert done["items"][0]["state"] is None
    api.send("/api/v1/proposals/decline", 422, action_ids=ids[2:], why="")
    done = api.send("/api/v1/proposals/decline", 200, action_ids=ids[2:], why="no")
    assert done["items"][0]["reason"] == "declined"
    machine(app, platform, scope, Permission.ACCOUNTS_WORK).send("/api/v1/proposals", 403, "GET")


def test_more_than_a_page_is_paged_in_the_order_in_which_they_are_due(
    app: Flask, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    platform, ids = runtime.current(), [action_id for action_id, _state in states(scope)]
    with platform.database.transaction(scope) as session:  # due in the other order
        session.execute(update(Action).values(due_at=Action.due_at - Action.id * text("interval '1 minute'")))
    officer = Visitor(app.test_client(), platform).sign_in(Role.COMPLIANCE_OFFICER, scope)
    first = officer.text("/proposals?tone=neutral")
    assert "2 of 3 are shown" in first
    assert re.findall(r'name="shown" value="(\d+)"', first) == [str(ids[2]), str(ids[1])]
    (onward,) = re.findall(r'href="(/proposals[^"]+)" rel="next"', first)
    second = officer.text(onward.replace("&amp;", "&"))
    assert re.findall(r'name="shown" value="(\d+)"', second) == [str(ids[0])]
    assert 'rel="next"' not in second
    assert 'href="/proposals?tone=neutral"' in second
    assert officer.get("/proposals?after=nonsense").status_code == 422
    api = machine(app, platform, scope)
    found = [api.get("/api/v1/proposals", limit=1)]
    while found[-1]["next"]:
        found.append(api.get("/api/v1/proposals", limit=1, after=found[-1]["next"]))
    assert [one["id"] for page in found for one in page["items"]] == ids[::-1]
    assert "begin with the first" in api.call("GET", "/api/v1/proposals?after=9999").text
    assert api.get("/api/v1/proposals", channel="letter")["waiting"] == 0
