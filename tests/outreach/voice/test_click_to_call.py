"""An agent clicks, their telephone rings, and when they take it the person is called; each side's end stands
in the call's record."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from plugins.channels.voice.tests.twilio_calls import AGENT
from recupero.kernel import clock, runtime
from recupero.outreach.calls import calls, runs
from recupero.outreach.script_tables import CallLeg
from recupero.outreach.tables import Action
from recupero.outreach.voice import clicking
from recupero.placements.tables import ContactPoint
from recupero.tenancy import users
from recupero.tenancy.permissions import Role
from tests.outreach.placed import Placed, plan
from tests.outreach.voice.telephone import Telephone, contact


@pytest.fixture
def clicked(telephone: Telephone, placed: Placed) -> Telephone:
    """A call of an agent was reserved, and their telephone rings."""
    plan([placed], "call")
    with runtime.current().database.transaction(placed.scope) as session:
        user = users.create(
            session, email="eva@example.com", name="Eva", password="long enough 1", role=Role.AGENT,
            tenant_ids=None, locale="es", actor="system",
        )  # fmt: skip
        users.set_phone(session, user.id, AGENT)
        contact_id = calls.start_call(session, account_id=placed.account_id).contact_id
        assert contact_id is not None
        runs.begin(session, contact_id, placed.account_id, led_by="agent")
        user_id = user.id
    assert clicking.ring(runtime.current().database, placed.scope, contact_id, user_id=user_id) == []
    return telephone


def legs(placed: Placed) -> list[tuple[str, str, int | None]]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(select(CallLeg).order_by(CallLeg.id)).scalars()
        return [(leg.leg, leg.status, leg.seconds) for leg in rows]


def test_the_agent_is_rung_first_and_then_the_person(clicked: Telephone, placed: Placed) -> None:
    assert [call["to"] for call in clicked.twilio.calls] == [AGENT]
    with runtime.current().database.transaction(placed.scope) as session:
        number = session.execute(select(ContactPoint.value).where(ContactPoint.kind == "phone")).scalar_one()
    said = clicked.answered(AnsweredBy="human")
    assert said.dialled == number
    clicked.ask(said.following, DialCallStatus="completed", DialCallDuration="90")
    clicked.end(seconds=95)
    assert legs(placed) == [
        ("agent", "ringing", None), ("agent", "answered", None), ("person", "ringing", None),
        ("person", "answered", 90), ("agent", "answered", 95),
    ]  # fmt: skip
    found = contact(placed.scope)
    assert (found.state, found.cost_units) == ("reserved", 95)  # its result is the agent's to write
    with runtime.current().database.transaction(placed.scope) as session:
        runs.finish(session, found.id, "NOAN", actor="user:1")


def test_what_the_law_forbids_by_the_time_the_agent_takes_it_is_not_dialled(
    clicked: Telephone, placed: Placed
) -> None:
    clock.advance(timedelta(hours=12))  # it is ten at night in Bogotá
    said = clicked.answered(AnsweredBy="human")
    assert (said.dialled, said.hangs_up) == ("", True)
    assert "No se llamó a nadie" in said.text
    clicked.end(seconds=5)
    assert (contact(placed.scope).state, contact(placed.scope).reason) == ("failed", "never_rang")


def test_an_agent_who_does_not_take_it_has_called_nobody(clicked: Telephone, placed: Placed) -> None:
    clicked.to = AGENT
    clicked.end("no-answer", 0)
    found = contact(placed.scope)
    assert (found.state, found.reason) == ("failed", "never_rang")
    with runtime.current().database.transaction(placed.scope) as session:
        assert session.execute(select(Action.state)).scalar_one() == "scheduled"
        assert calls.start_call(session, account_id=placed.account_id).contact_id is not None
