"""A person writes to one debtor: kept, read through, submitted under law and strategy, sent as written."""

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, update

from recupero.contacts import told
from recupero.contacts.told import NewFact
from recupero.kernel import audit, clock, runtime
from recupero.kernel.database import Scope
from recupero.outreach import jobs
from recupero.outreach import queries as outreach
from recupero.outreach.orders import drafts
from recupero.outreach.orders.drafts import Given
from recupero.outreach.sending.execution import execute
from recupero.outreach.tables import Action
from recupero.placements import service as placements
from recupero.placements.tables import Debtor, Portfolio
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.portals.conftest import Visitor

WORDS = {
    "channel": "email", "template": "follow_up", "tone": "kind", "subject": "Su cuenta",
    "body": "Hola {{ name }}, hablemos. {{ link }} {{ code }} <b>", "not_before": "",
}  # fmt: skip
GIVEN_JSON: dict[str, Any] = {name: value for name, value in WORDS.items() if value}
GIVEN = Given("email", "follow_up", "kind", "Su cuenta", WORDS["body"])


@pytest.fixture
def placed(world: World, noon: object) -> Placed:
    return place(world.tenant(), timezone="America/Santiago")[0]


def signed_in(app: Flask, role: Role, scope: Scope) -> Visitor:
    return Visitor(app.test_client(), runtime.current()).sign_in(role, scope)


def actions(scope: Scope) -> list[Action]:
    with runtime.current().database.transaction(scope) as session:
        return list(session.execute(select(Action).order_by(Action.id)).scalars())


def wants_yes(scope: Scope) -> None:
    with runtime.current().database.transaction(scope) as session:
        session.execute(update(Portfolio).values(strategy={"needs_yes": [{"template": "follow_up"}]}))


def sent(scope: Scope) -> str:
    """What the outbox got of the one action that is due."""
    platform = runtime.current()
    (agency,) = (one for one in tenancy.agency_scopes(platform.database) if one.agency_id == scope.agency())
    jobs.dispatch_agency(agency)
    assert execute(platform.database, scope, [actions(scope)[-1].id]) == 1
    with platform.database.transaction(scope) as session:
        return outreach.outbox(session)[0].body


def test_a_draft_is_kept_read_through_submitted_and_sent_as_written(app: Flask, placed: Placed) -> None:
    agent, new = signed_in(app, Role.AGENT, placed.scope), f"/accounts/{placed.account_id}/drafts/new"
    assert "Write a message" in agent.text(f"/accounts/{placed.account_id}")
    assert "{{ code }}" in agent.text(new)
    tried = agent.send(new, **WORDS, step="try")
    assert "Hola Ana Prueba" in tried.text
    assert "the law allows it now" in tried.text
    assert actions(placed.scope) == []
    kept = agent.send(new, **WORDS, step="keep").headers["Location"]
    assert "Hola {{ name }}" in agent.text(kept)
    agent.send(kept, **WORDS | {"subject": "Hablemos"}, step="keep")
    assert "Hablemos" in agent.text("/drafts")
    colleague = signed_in(app, Role.AGENT, placed.scope)
    assert "Hablemos" in colleague.text(kept)
    assert colleague.send(kept, **WORDS, step="keep").status_code == 403
    assert agent.send(kept, **WORDS, step="submit").status_code == 302
    (action,) = actions(placed.scope)
    assert (action.state, action.due_at, action.decision_id) == ("scheduled", clock.now(), None)
    assert agent.send(kept, f"/accounts/{placed.account_id}", **WORDS, step="submit").status_code == 422
    body = sent(placed.scope)
    assert "hablemos" in body
    assert "{{" not in body
    assert "Closed" in agent.text(kept)
    assert signed_in(app, Role.COMPLIANCE_OFFICER, placed.scope).get("/drafts").status_code == 403


def test_every_fault_and_the_law_are_told_before_it_is_kept(app: Flask, placed: Placed, world: World) -> None:
    agent, new = signed_in(app, Role.AGENT, placed.scope), f"/accounts/{placed.account_id}/drafts/new"
    for typed, field in (
        ({"subject": ""}, "subject"), ({"body": "{{ debt }}"}, "body"), ({"body": "{{ link }}"}, "body"),
        ({"body": "{{ name"}, "body"), ({"channel": "pigeon"}, "channel"),
        ({"not_before": "soon"}, "not_before"),
    ):  # fmt: skip
        answer = agent.send(new, **WORDS | typed, step="keep")
        assert answer.status_code == 422, typed
        assert f'id="{field}-error"' in answer.text, typed
    with runtime.current().database.transaction(placed.scope) as session:
        hold_id = placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=None, kind="dispute", source="test"
        )
    refused = agent.send(new, **WORDS, step="submit")
    assert refused.status_code == 422
    assert "on hold" in refused.text
    with runtime.current().database.transaction(placed.scope) as session:
        placements.end_hold(session, hold_id, by="test")
        assert drafts.lines(session) == []  # nothing half-done
    assert "address" in agent.send(new, **WORDS | {"channel": "letter"}, step="submit").text
    discarded = agent.send(new, **WORDS, step="keep").headers["Location"]
    agent.send(discarded, step="discard")
    assert "No drafts yet" in agent.text("/drafts")
    stranger = signed_in(app, Role.AGENT, world.tenant())
    assert stranger.get(discarded).status_code == 404
    assert stranger.get(new).status_code == 404


def test_own_words_need_somebody_elses_yes_and_come_before_the_plan(app: Flask, placed: Placed) -> None:
    wants_yes(placed.scope)
    plan([placed], after=timedelta(days=1))
    with runtime.current().database.transaction(placed.scope) as session:
        session.execute(update(Action).values(decision_id=1))
    supervisor = signed_in(app, Role.SUPERVISOR, placed.scope)
    supervisor.send(f"/accounts/{placed.account_id}/drafts/new", **WORDS, step="submit")
    planned, action = actions(placed.scope)
    assert (planned.state, planned.reason) == ("cancelled", "draft")
    assert (action.state, action.reason) == ("proposed", "needs_yes:template")
    assert "somebody else has to agree" in supervisor.client.post(
        f"/proposals/{action.id}",
        data={"csrf_token": _token(supervisor, f"/proposals/{action.id}"), "do": "approve"},
        follow_redirects=True,
    ).text  # fmt: skip
    assert actions(placed.scope)[-1].state == "proposed"
    other = signed_in(app, Role.SUPERVISOR, placed.scope)
    assert "hablemos" in other.text(f"/proposals/{action.id}")
    other.send(f"/proposals/{action.id}", do="approve")
    assert "hablemos" in sent(placed.scope)


def test_it_waits_for_its_first_day_where_the_debtor_lives(placed: Placed) -> None:
    easter, day = "Pacific/Easter", clock.today("Pacific/Easter") + timedelta(days=3)
    with runtime.current().database.transaction(placed.scope) as session:
        debtor = session.get_one(Debtor, (placed.scope.tenant(), placed.debtor_id))
        debtor.timezone, debtor.region = easter, None
        given = replace(GIVEN, not_before=day)
        draft = drafts.write(session, placed.account_id, given, actor="user:1")
        due = drafts.submit(session, draft, actor="user:1").due_at
    assert due.astimezone(ZoneInfo(easter)).date() == day


def _token(visitor: Visitor, page: str) -> str:
    return visitor.text(page).split('name="csrf_token" value="')[1].split('"')[0]


def test_machines_write_drafts_too(app: Flask, placed: Placed, world: World) -> None:
    platform = runtime.current()
    api, where = machine(app, platform, placed.scope), f"/api/v1/accounts/{placed.account_id}/drafts"
    words = GIVEN_JSON
    assert "debt" in str(api.send(where, 422, **words | {"body": "{{ debt }}"}))
    one = f"/api/v1/drafts/{api.send(where, **words)['id']}"
    api.send(one, 200, "PUT", **words | {"channel": "sms", "body": "{{ name }}: {{ link }} {{ code }}"})
    read = api.get(f"{one}/message")
    assert read["message"]["segments"] >= 1
    assert read["against"] is None
    assert api.get(where)["items"][0]["channel"] == "sms"
    assert api.send(f"{one}/submit", 200)["state"] == "scheduled"
    api.send(f"{one}/submit", 409)
    api.send(one, 409, "PUT", **words)
    other = api.send(where, **words)["id"]
    assert api.call("DELETE", f"/api/v1/drafts/{other}").status_code == 204
    assert machine(app, platform, world.tenant()).call("GET", f"{one}/message").status_code == 404
    reader = machine(app, platform, placed.scope, Permission.ACCOUNTS_READ)
    assert reader.call("GET", where).status_code == 403


def test_outside_lawful_hours_a_draft_waits_for_the_next_ones_and_is_refused_where_none_come(
    app: Flask, placed: Placed, world: World
) -> None:
    clock.advance(timedelta(hours=10))  # ten at night in Santiago
    agent = signed_in(app, Role.AGENT, placed.scope)
    assert agent.send(f"/accounts/{placed.account_id}/drafts/new", **WORDS, step="submit").status_code == 302
    (action,) = actions(placed.scope)
    there = action.due_at.astimezone(ZoneInfo("America/Santiago"))
    assert (action.state, there.date()) == ("scheduled", date(2026, 3, 11))
    assert 7 <= there.hour <= 9
    (left_alone,) = place(world.tenant(), country="US", timezone="America/Chicago")
    with runtime.current().database.transaction(left_alone.scope) as session:
        told.state(
            session, NewFact("event", "cease_request", date(2026, 3, 1)), debtor_id=left_alone.debtor_id,
            account_id=None, actor="user:1",
        )  # fmt: skip
    agent = signed_in(app, Role.AGENT, left_alone.scope)
    refused = agent.send(f"/accounts/{left_alone.account_id}/drafts/new", **WORDS, step="submit")
    assert refused.status_code == 422
    assert "The law does not allow this contact" in refused.text
    assert actions(left_alone.scope) == []


def all_left_alone(scope: Scope) -> None:
    """Everybody of the creditor is in its control group."""
    with runtime.current().database.transaction(scope) as session:
        tenancy_service.configure_tenant(session, scope.tenant(), actor="system", control_share=1.0)


def test_who_is_left_alone_on_purpose_is_written_to_knowingly_only(app: Flask, placed: Placed) -> None:
    agent, new = signed_in(app, Role.AGENT, placed.scope), f"/accounts/{placed.account_id}/drafts/new"
    assert "control group" not in agent.text(new)
    all_left_alone(placed.scope)
    assert "control group" in agent.text(new)
    refused = agent.send(new, **WORDS, step="submit")
    assert (refused.status_code, 'id="knowing-error"' in refused.text) == (422, True)
    assert actions(placed.scope) == []
    kept = agent.send(new, **WORDS, step="keep").headers["Location"]
    api = machine(app, runtime.current(), placed.scope)
    other = f"/api/v1/drafts/{api.send(f'/api/v1/accounts/{placed.account_id}/drafts', **GIVEN_JSON)['id']}"
    assert "control group" in api.send(f"{other}/submit", 409)["message"]
    agent.send("/drafts/many", "/drafts", do="submit", draft=kept.rpartition("/")[2], confirmed="yes")
    assert actions(placed.scope) == []  # many at once say nothing of one
    agent.send(kept, **WORDS, step="submit", knowing="yes")
    api.send(f"{other}/submit?knowing=true", 200)
    assert [one.state for one in actions(placed.scope)] == ["scheduled", "scheduled"]
    with runtime.current().database.transaction(placed.scope) as session:
        submitted = select(audit.AuditEvent).where(audit.AuditEvent.action == "outreach.submit_draft")
        told = [one.details for one in session.execute(submitted).scalars()]
    assert [one.get("control") for one in told] == [True, True]


def keep_drafts(agent: Visitor, *placed: Placed) -> list[str]:
    """A kept draft to each; their ids."""
    kept = (agent.send(f"/accounts/{one.account_id}/drafts/new", **WORDS, step="keep") for one in placed)
    return [one.headers["Location"].rpartition("/")[2] for one in kept]


def test_several_drafts_are_seen_handed_in_and_taken_back_at_once(
    app: Flask, world: World, noon: object
) -> None:
    scope = world.tenant()
    good, held, other = place(scope, 3, timezone="America/Santiago")
    agent = signed_in(app, Role.AGENT, scope)
    first, second, third = keep_drafts(agent, good, held, other)
    with runtime.current().database.transaction(scope) as session:
        placements.open_hold(
            session, debtor_id=held.debtor_id, account_id=None, kind="dispute", source="test"
        )
    page = agent.send("/drafts/many", "/drafts", do="submit", draft=[first, second]).text
    assert "on hold" in page
    assert f'name="draft" value="{first}"' in page
    assert f'name="draft" value="{second}"' not in page
    assert actions(scope) == []
    agent.send("/drafts/many", "/drafts", do="submit", draft=[first, second], confirmed="yes")
    (action,) = actions(scope)
    assert (action.account_id, action.state) == (good.account_id, "scheduled")
    colleague = signed_in(app, Role.AGENT, scope)
    (undo,) = re.findall(r"/drafts/many/\d+/undo", agent.text("/drafts"))
    assert colleague.send(undo, "/drafts").status_code == 404
    agent.send(undo, "/drafts")
    assert [(one.state, one.reason) for one in actions(scope)] == [("cancelled", "taken_back")]
    agent.send("/drafts/many", "/drafts", do="discard", all="yes", shown=[first, third], confirmed="yes")
    (undo,) = re.findall(r"/drafts/many/\d+/undo", agent.text("/drafts"))
    agent.send(undo, "/drafts")
    agent.send(f"/drafts/{first}", **WORDS, step="submit")  # once more
    with runtime.current().database.transaction(scope) as session:
        states = {str(one.draft.id): one.action_state for one in drafts.lines(session)}
    assert states == {first: "scheduled", second: None, third: None}


def test_what_went_out_is_not_taken_back_and_nobody_orders_about_others_drafts(
    app: Flask, placed: Placed
) -> None:
    agent, colleague = (signed_in(app, Role.AGENT, placed.scope) for _ in range(2))
    (draft,) = keep_drafts(agent, placed)
    colleague.send("/drafts/many", "/drafts", do="discard", draft=draft, confirmed="yes")
    agent.send("/drafts/many", "/drafts", do="submit", draft=draft, confirmed="yes")
    assert "hablemos" in sent(placed.scope)
    (undo,) = re.findall(r"/drafts/many/\d+/undo", agent.text("/drafts"))
    agent.send(undo, "/drafts")
    assert [one.state for one in actions(placed.scope)] == ["closed"]
