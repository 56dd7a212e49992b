"""Carrying out over the e-mail plug-in and real SMTP: what each answer of the relay does to action, contact,
contact point and cap."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from aiosmtpd.smtp import AuthResult
from sqlalchemy import select

from plugins.channels.email.tests.relay import Relay, running
from recupero.contacts.tables import Contact, PersonContact
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.outreach import queries, service
from recupero.outreach.channels import rests
from recupero.outreach.tables import Action
from recupero.placements.tables import ContactPoint
from recupero.tenancy import service as tenancy
from tests.factories import World
from tests.outreach.placed import place, plan
from tests.outreach.test_carrying_out import run, states


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@contextmanager
def mail(scope: Scope, relay: Relay, **changes: str) -> Iterator[None]:
    """The tenant sends by this relay."""
    with running(relay) as config:
        configure(scope, {**config.settings, **changes})
        yield


def configure(scope: Scope, settings: dict[str, str], key: str = "email", **secrets: str) -> None:
    with runtime.current().database.transaction(scope) as session:
        tenancy.configure_plugin(
            session, kind="channel", key=key, enabled=True, settings=settings, secret_values=secrets,
            actor="system",
        )  # fmt: skip


def outcomes(scope: Scope) -> list[tuple[str, str | None]]:
    """State of each contact, and how the caps count it: not at all where it never left us."""
    with runtime.current().database.transaction(scope) as session:
        rows = session.execute(
            select(Contact.state, PersonContact.outcome)
            .outerjoin(PersonContact, PersonContact.contact_id == Contact.id)
            .order_by(Contact.id)
        ).all()
    return [(row.state, row.outcome) for row in rows]


def test_a_letter_arrives_with_the_link_and_its_identity_is_kept(scope: Scope) -> None:
    placed, relay = place(scope, 3), Relay()
    plan(placed)
    with mail(scope, relay):
        run()
    assert [state for state, _ in states(placed)] == ["closed"] * 3
    assert relay.connections == 1
    with runtime.current().database.transaction(scope) as session:
        references = set(session.execute(select(Contact.reference)).scalars())
        connectors = set(session.execute(select(Contact.connector)).scalars())
    assert references == {str(letter["Message-ID"]) for letter in relay.arrived}
    assert connectors == {"email"}
    body = relay.arrived[0].get_body(("plain",))
    assert body is not None
    assert "http://127.0.0.1:8000/" in body.get_content()


def test_a_busy_relay_is_tried_again_at_a_later_lawful_moment(scope: Scope) -> None:
    placed, relay = place(scope), Relay(rcpt={1: "451 4.3.2 later"})
    plan(placed)
    with mail(scope, relay):
        run()
        ((state, reason),) = states(placed)
        assert (state, reason) == ("scheduled", "retry: SMTP 451 4.3.2")
        assert outcomes(scope) == [("failed", None)]  # never left us: uses up no cap
        clock.advance(timedelta(minutes=10))
        run()
    assert states(placed) == [("closed", None)]
    assert outcomes(scope) == [("failed", None), ("sent", "delivered")]
    assert len(relay.arrived) == 1


def test_what_a_relay_that_stays_away_cannot_take_in_time_is_given_back(scope: Scope) -> None:
    placed = place(scope)
    plan(placed, lasts=timedelta(hours=3))
    configure(scope, {"host": "127.0.0.1", "port": "1", "security": "none", "sender": "a@b.example"})
    for _ in range(12):
        run()
        clock.advance(timedelta(minutes=20))
    assert states(placed) == [("blocked", "provider_down:email")]
    with runtime.current().database.transaction(scope) as session:
        assert session.execute(select(Action.attempts)).scalar_one() > 2


def test_a_dead_address_is_marked_and_holds_up_nobody(scope: Scope) -> None:
    placed, relay = place(scope, 2), Relay(rcpt={1: "550 5.1.1 unknown"})
    plan(placed)
    with mail(scope, relay):
        run()
    assert states(placed) == [("failed", "permanent: SMTP 550 5.1.1"), ("closed", None)]
    with runtime.current().database.transaction(scope) as session:
        points = session.execute(
            select(ContactPoint.status).where(ContactPoint.kind == "email").order_by(ContactPoint.id)
        ).scalars()
        assert list(points) == ["invalid", "untested"]


def test_a_refused_sender_is_the_agencys_to_mend_and_what_waits_goes_out_then(scope: Scope) -> None:
    placed, relay = place(scope, 3), Relay(mail="554 5.7.1 not allowed")
    plan(placed)
    with mail(scope, relay):
        run()
        run()
    assert states(placed) == [("scheduled", "connector_problem:email")] * 3
    assert outcomes(scope) == [("failed", None)] * 3  # never left us: uses up no cap
    with mail(scope, good := Relay()):
        assert states(placed) == [("scheduled", "connector_mended:email")] * 3
        run()
    assert states(placed) == [("closed", None)] * 3
    assert len(good.arrived) == 3


def test_a_wrong_password_makes_nobodys_message_fail(scope: Scope) -> None:
    placed, relay = place(scope, 30), Relay()
    plan(placed)
    with running(relay, authenticator=_knows, auth_required=True, auth_require_tls=False) as config:
        configure(scope, {**config.settings, "username": "u"}, password="wrong")
        run()
        run()
        assert states(placed) == [("scheduled", "connector_problem:email")] * 30
        with runtime.current().database.transaction(scope) as session:
            (rest,) = rests.resting(session)
            step = queries.why_silent(session, placed[0].account_id)
        assert (rest.refused, rest.reason) == (True, "SMTP 535 5.7.8")
        assert step.next_way is not None
        assert (step.next_way.problem, step.next_way.rests_until) == ("SMTP 535 5.7.8", rest.until)
        configure(scope, {**config.settings, "username": "u"}, password="good")
        run()
    assert {state for state, _ in states(placed)} == {"closed"}
    assert len(relay.arrived) == 30


def _knows(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
    return AuthResult(success=getattr(data, "password", b"") == b"good", handled=False)


def test_a_lost_connection_leaves_one_unknown_that_counts_and_is_not_sent_again(scope: Scope) -> None:
    placed, relay = place(scope, 3), Relay(hang_up_at=2)
    plan(placed)
    with mail(scope, relay):
        run()
        assert [state for state, _ in states(placed)] == ["closed", "unknown", "scheduled"]
        assert outcomes(scope) == [("sent", "delivered"), ("unknown", "unknown"), ("failed", None)]
        clock.advance(timedelta(minutes=30))
        run()
        run()
    assert [state for state, _ in states(placed)] == ["closed", "unknown", "closed"]
    assert [str(letter["To"]) for letter in relay.arrived] == [
        f"deudor{placed[0].debtor_id}@example.com", f"deudor{placed[2].debtor_id}@example.com",
    ]  # fmt: skip


def test_a_person_settles_what_is_unknown(scope: Scope) -> None:
    placed, relay = place(scope, 2), Relay(hang_up_at=1)
    plan(placed)
    with mail(scope, relay):
        run()
    with runtime.current().database.transaction(scope) as session:
        (message,) = queries.unknown(session)
        service.settle_unknown(session, message.contact_id, delivered=True, actor="user:1")
        assert queries.unknown(session) == []
    assert states(placed)[0] == ("closed", "settled by a person")
    assert outcomes(scope)[0] == ("delivered", "delivered")


def test_damaged_settings_keep_what_waits_until_they_are_mended(scope: Scope) -> None:
    placed = place(scope)
    plan(placed)
    configure(scope, {"host": "relay.example"})
    run()
    assert states(placed) == [("scheduled", "connector_problem:email")]
    with mail(scope, Relay()):
        run()
    assert states(placed) == [("closed", None)]


def test_what_settings_cannot_carry_for_hours_is_given_back(scope: Scope) -> None:
    placed = place(scope)
    plan(placed)
    configure(scope, {"host": "relay.example"})
    for _ in range(7):
        run()
        clock.advance(timedelta(hours=1))
    assert states(placed) == [("blocked", "connector_problem:email")]


def test_a_connector_that_did_not_load_is_not_replaced_unseen(scope: Scope) -> None:
    placed = place(scope)
    plan(placed)
    configure(scope, {}, key="pigeon")
    run()
    assert states(placed) == [("scheduled", "connector_problem:pigeon")]


def test_a_channel_without_its_own_connector_stays_in_the_outbox(scope: Scope) -> None:
    placed, relay = place(scope), Relay()
    plan(placed, "sms")
    with mail(scope, relay):
        run()
    assert states(placed) == [("closed", None)]
    assert relay.arrived == []
