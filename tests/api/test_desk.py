"""An agent's desk through the API: what the pages do, for the agent whom the key names."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from plugins.channels.voice.tests.twilio_calls import AGENT, Twilio, running
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.outreach.conversations.tables import Conversation
from recupero.outreach.understanding import hand_overs
from recupero.placements.tables import Account, Debtor, Portfolio
from recupero.tenancy import service, users
from recupero.tenancy.permissions import Permission, Role
from recupero.tenancy.tables import User
from tests.api.conftest import Machine, machine
from tests.factories import World
from tests.outreach.desk.test_next_best import agent
from tests.outreach.placed import Placed, place, plan

TERMS = {
    "settlement_floor_percent": 60, "max_instalments": 12,
    "offer_limits": [{"role": "agent", "settlement_floor_percent": 80, "max_instalments": 6}],
}  # fmt: skip
DESK = "/api/v1/desk"


@pytest.fixture
def placed(scope: Scope) -> Placed:
    """An account whose creditor settles from 60 percent, agents from 80, and whose call is due."""
    (found,) = place(scope, timezone="America/Santiago")
    with runtime.current().database.transaction(scope) as session:
        session.get_one(Debtor, (scope.tenant(), found.debtor_id)).birth_date = "1985-04-02"
        account = session.get_one(Account, (scope.tenant(), found.account_id))
        session.get_one(Portfolio, (scope.tenant(), account.portfolio_id)).terms = TERMS
    plan([found], "call")
    return found


def number_of(placed: Placed) -> str:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.get_one(Account, (placed.scope.tenant(), placed.account_id)).client_account


def called(api: Machine, placed: Placed, user_id: int) -> str:
    """The address of the sitting, in a call that was begun."""
    taken = api.send(f"{DESK}/agents/{user_id}/next", status=200)["sitting"]
    here = f"{DESK}/sittings/{taken['id']}"
    assert api.send(f"{here}/call", status=200, contact_point_id=placed.points["phone"])["contact_id"]
    return here


def proven(api: Machine, placed: Placed, user_id: int) -> str:
    """The same with a person who proved who they are."""
    here = called(api, placed, user_id)
    assert api.send(f"{here}/answer", status=200, step="greeting", answer="speaking") == {"step": "identity"}
    facts = {"birth_date": "1985-04-02", "client_account": number_of(placed)}
    assert api.send(f"{here}/identity", status=200, step="identity", facts=facts)["proven"]
    return here


def test_a_call_goes_from_the_next_account_to_its_result(api: Machine, placed: Placed, scope: Scope) -> None:
    me, colleague = agent(scope), agent(scope, "eva")
    here = called(api, placed, me)
    shown = api.get(here)
    assert (shown["agent_id"], shown["account_id"], shown["why"]) == (me, placed.account_id, "queue")
    assert (shown["facts"], shown["talk"]["proven"]) == (None, False)
    assert "125" not in str(shown["talk"])
    assert api.call("GET", f"{here}/offers").status_code == 409
    api.send(f"{here}/offers/preview", status=409, kind="full", amount_minor=1000, due="2026-03-20")
    api.send(f"{here}/links", status=409, channel="email")
    nobody = api.send(f"{DESK}/agents/{colleague}/next", status=200)
    assert nobody["sitting"] is None
    taken = api.send(f"{DESK}/agents/{colleague}/take", status=409, account_id=placed.account_id)
    assert "a colleague has this person" in taken["message"]
    again = api.send(f"{DESK}/agents/{me}/next", status=200)["sitting"]
    assert f"{DESK}/sittings/{again['id']}" == here  # asked again, it is theirs
    api.send(f"{here}/back", status=409)  # the call was begun
    api.send(f"{here}/notes", text="Pregunta por su jefe")
    clock.advance(timedelta(seconds=90))
    assert api.call("POST", f"{here}/hung-up").status_code == 204
    clock.advance(timedelta(seconds=20))
    api.send(f"{here}/finish", status=409, code="PTPF")  # nobody proved who they are
    assert api.call("POST", f"{here}/finish", json={"code": "NOAN"}).status_code == 204
    assert api.call("GET", here).status_code == 409
    own = api.get(f"{DESK}/agents/{me}")
    assert own["sitting"] is None
    assert own["day"] == {
        "worked": 1, "reached": 0, "agreed": 0, "talk_seconds": 90, "wrap_seconds": 20,
    }  # fmt: skip


def test_what_is_offered_is_computed_within_the_agents_limits_and_agreed_once(
    api: Machine, placed: Placed, scope: Scope
) -> None:
    here = proven(api, placed, agent(scope))
    facts = api.get(here)["facts"]
    assert (facts["balance_minor"], facts["currency"]) == (125_000, "CLP")
    found = api.get(f"{here}/offers")
    assert (found["limits"]["floor_minor"], found["limits"]["max_instalments"]) == (100_000, 6)
    assert {one["kind"] for one in found["options"]} == {"full", "plan", "settlement"}
    assert all(one["may_agree"] and one["approver"] is None for one in found["options"])

    def ask(**asked: Any) -> Any:
        return api.send(f"{here}/offers/preview", status=200, **asked)

    assert ask(kind="settlement", amount_minor=100_000)["saved_minor"] == 25_000
    assert ask(kind="settlement", amount_minor=90_000)["approver"] == "supervisor"
    assert ask(kind="plan", instalments=14, first_on="2026-03-16")["approver"] == "creditor"
    wrong = api.send(
        f"{here}/offers/preview", status=422, kind="full", amount_minor=125_001, due="2026-03-20"
    )
    assert wrong["field"] == "amount_minor"
    assert api.send(f"{here}/offers/preview", status=422, kind="full", amount_minor=5)["field"] == "due"
    body, key = {"kind": "plan", "instalments": 5, "first_on": "2026-03-16"}, {"Idempotency-Key": "plan-0001"}
    first = api.send(f"{here}/offers", headers=key, **body)
    assert (first["kind"], first["state"]) == ("plan", "running")
    assert api.send(f"{here}/offers", headers=key, **body) == first
    api.send(f"{here}/offers", headers=key, status=409, **{**body, "instalments": 4})
    assert len(api.get(f"/api/v1/accounts/{placed.account_id}/plans")["items"]) == 1
    api.send(f"{here}/offers", status=422, kind="settlement", amount_minor=90_000)  # says no why
    asked = api.send(f"{here}/offers", kind="settlement", amount_minor=90_000, why="Paga hoy")
    assert asked["state"] == "asked"
    assert api.get(here)["talk"]["results"][0] == "PLAN"


def test_a_link_a_call_back_and_a_hand_over_go_with_the_result(
    api: Machine, placed: Placed, scope: Scope
) -> None:
    me, eva = agent(scope), agent(scope, "eva", skills=["hardship"])
    here = proven(api, placed, me)
    assert {one["channel"] for one in api.get(f"{here}/links")["ways"]} >= {"email"}
    assert api.call("POST", f"{here}/links", json={"channel": "email"}).status_code == 204
    assert api.get(f"{here}/links")["sent"]["channel"] == "email"
    moments = api.get(f"{here}/call-backs")["moments"]
    night = (clock.now() + timedelta(hours=14)).isoformat()
    refused = api.send(f"{here}/finish", status=422, code="CBRQ", call_back=night)
    assert refused["field"] == "call_back"
    assert api.send(f"{here}/finish", status=422, code="CBRQ")["field"] == "call_back"
    done = {"code": "CBRQ", "call_back": moments[3], "matter": "hardship", "note": "Perdió su trabajo"}
    key = {"Idempotency-Key": "finish-0001"}
    for _again in range(2):
        assert api.call("POST", f"{here}/finish", json=done, headers=key).status_code == 204
    assert [one["account_id"] for one in api.get(f"{DESK}/agents/{me}")["coming"]] == [placed.account_id]
    with runtime.current().database.transaction(scope) as session:
        given = hand_overs.open_for(session, placed.debtor_id)
        assert given is not None
        assert given.why == "hardship"
        assert session.execute(select(Conversation.assigned_to)).scalar_one() == eva


def test_the_supervisor_sees_frees_and_sets_goals(api: Machine, placed: Placed, scope: Scope) -> None:
    me = agent(scope)
    here = called(api, placed, me)
    goals = [{"period": "day", "measure": "worked", "target": 40}]
    answer = api.call("PUT", f"{DESK}/agents/{me}/goals", json={"goals": goals})
    assert answer.status_code == 204
    (shown,) = [one for one in api.get(f"{DESK}/agents")["items"] if one["id"] == me]
    assert (shown["goals"], shown["sitting"]["account_id"]) == (goals, placed.account_id)
    assert api.call("POST", f"{here}/free").status_code == 204
    api.send(f"{here}/finish", status=409, code="NOAN")


def test_nobody_to_call_is_told_from_when_on(api: Machine, placed: Placed, scope: Scope) -> None:
    me = agent(scope)
    clock.advance(timedelta(hours=12))  # it is midnight
    found = api.send(f"{DESK}/agents/{me}/next", status=200)
    assert found["sitting"] is None
    assert clock.now().isoformat() < found["next_at"]
    clock.advance(timedelta(hours=10))  # it is ten, and the plan's call has not expired
    assert api.send(f"{DESK}/agents/{me}/next", status=200)["sitting"] is not None


def test_a_key_speaks_for_agents_of_its_creditors_and_lets_through_what_it_may(
    app: Flask, api: Machine, placed: Placed, scope: Scope, world: World
) -> None:
    database = runtime.current().database
    with database.transaction(scope) as session:
        boss = users.create(
            session, email="boss@example.com", name="Boss", password="correct horse battery",
            role=Role.SUPERVISOR, tenant_ids=None, locale="es", actor="system", languages=[], skills=[],
        ).id  # fmt: skip
        viewer = users.create(
            session, email="eye@example.com", name="Eye", password="correct horse battery",
            role=Role.CREDITOR_VIEWER, tenant_ids=scope.tenant_ids, locale="es", actor="system",
            languages=[], skills=[],
        ).id  # fmt: skip
    assert api.call("POST", f"{DESK}/agents/{viewer}/next").status_code == 404
    sibling = machine(app, world.platform, world.tenant(Scope(scope.agency_id)))
    here = proven(api, placed, boss)
    assert sibling.call("GET", here).status_code == 404
    assert sibling.call("POST", f"{DESK}/agents/{boss}/next").status_code == 409  # what they have is not told
    reader = machine(app, world.platform, scope, Permission.ACCOUNTS_READ)
    assert reader.call("GET", here).status_code == 403
    worker = machine(app, world.platform, scope, Permission.ACCOUNTS_WORK)
    beyond = {"kind": "plan", "instalments": 8, "first_on": "2026-03-16"}
    assert not worker.send(f"{here}/offers/preview", status=200, **beyond)["may_agree"]
    assert api.send(f"{here}/offers/preview", status=200, **beyond)["may_agree"]
    trail = api.get("/api/v1/audit")["items"]
    assert {one["actor"].partition(":")[0] for one in trail if one["action"] == "outreach.desk_relayed"} == {
        "key"
    }


def test_models_advise_after_the_proof_what_to_offer_and_when_to_call(
    api: Machine, placed: Placed, scope: Scope
) -> None:
    me = agent(scope)
    here = called(api, placed, me)
    assert api.call("GET", f"{here}/offers/advised").status_code == 409  # nothing of the debt as yet
    assert api.get(f"{here}/call-backs/best") == {"best": None}  # nothing has been learned yet
    api.send(f"{here}/answer", status=200, step="greeting", answer="speaking")
    facts = {"birth_date": "1985-04-02", "client_account": number_of(placed)}
    api.send(f"{here}/identity", status=200, step="identity", facts=facts)
    found = api.get(f"{here}/offers/advised")
    assert (found["owed_minor"], found["currency"], found["learned"]) == (125_000, "CLP", False)
    settled = [one["total_minor"] for one in found["offers"] if one["kind"] == "settlement"]
    assert settled
    assert min(settled) >= 100_000  # the agent's own limit, not the creditor's
    assert found["offers"] == sorted(found["offers"], key=lambda one: -one["expected_minor"])


def test_a_call_is_rung_through_the_api_and_what_became_of_it_is_told(
    api: Machine, placed: Placed, scope: Scope
) -> None:
    me, twilio = agent(scope), Twilio()
    here = called(api, placed, me)
    with running(twilio) as config:
        with runtime.current().database.transaction(scope) as session:
            service.configure_plugin(
                session, kind="channel", key="voice", enabled=True, settings=dict(config.settings),
                secret_values=dict(config.secrets), actor="system",
            )  # fmt: skip
        assert api.call("POST", f"{here}/ring").get_json()["field"] == "phone"  # where calls ring for them
        with runtime.current().database.transaction(scope) as session:
            session.get_one(User, (scope.agency(), me)).phone = AGENT
        assert api.send(f"{here}/ring", status=200) == {"rung": True, "refusals": []}
    assert [call["to"] for call in twilio.calls] == [AGENT]
    assert [(leg["leg"], leg["status"]) for leg in api.get(here)["talk"]["legs"]] == [("agent", "ringing")]
    assert api.call("POST", f"{here}/hung-up").status_code == 204
