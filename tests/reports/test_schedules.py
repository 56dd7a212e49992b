"""Scheduled reports go out by real SMTP, once for each period whatever dies meanwhile; what fails is seen."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from sqlalchemy import update

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.reports.schedules import sending, service
from recupero.reports.schedules.jobs import look_for_due
from recupero.reports.schedules.tables import ReportMail
from recupero.tenancy import service as tenancy
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.factories import World
from tests.portals.conftest import Visitor

SETTINGS: dict[str, Any] = {
    "report": "recovery", "form": "xlsx", "every": "month", "day": 5,
    "recipients": "cfo@example.com, ops@example.com",
}  # fmt: skip


@dataclass
class Relay:
    """A mail server that keeps what arrives and answers as it is told."""

    port: int = 0
    answer: str = "250 OK"
    hang_up: bool = False
    arrived: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.hang_up:
            transport: Any = server.transport
            transport.abort()
        elif self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.arrived.append(message_from_bytes(content, policy=policy.default))
            self.to += envelope.rcpt_tos
        return self.answer


@pytest.fixture
def relay() -> Iterator[Relay]:
    found = Relay()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found.port = free.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=found.port)
    controller.start()
    yield found
    controller.stop()


@pytest.fixture
def scope(world: World, noon: datetime, relay: Relay) -> Scope:
    """A creditor whose mails go through the relay."""
    found = world.tenant()
    with runtime.current().database.transaction(found) as session:
        tenancy.configure_plugin(
            session, kind="channel", key="email", enabled=True, actor="user:1",
            settings={"host": "127.0.0.1", "port": str(relay.port), "security": "none",
                      "sender": "agency@example.com"},
        )  # fmt: skip
    return found


def schedule(scope: Scope, **other: Any) -> int:
    with runtime.current().database.transaction(scope) as session:
        return service.add(session, **{**SETTINGS, **other}, actor="user:1").id


def tick(until: datetime | None = None) -> None:
    """What the scheduler and the workers do at that moment."""
    if until is not None:
        clock.set_to(until)
    look_for_due(None)
    jobs.drain()


def states(scope: Scope) -> list[tuple[str, str, int]]:
    with runtime.current().database.transaction(scope) as session:
        return [(mail.period, mail.state, mail.attempts) for mail in reversed(service.mails(session))]


def april(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 4, day, hour, tzinfo=UTC)


def test_a_report_goes_out_on_its_day_once_for_each_period(scope: Scope, relay: Relay) -> None:
    schedule(scope)
    tick()
    tick(april(5, 10))  # six in the morning in Santiago
    assert relay.arrived == []
    tick(april(5))
    tick(april(5, 13))
    assert states(scope) == [("2026-03", "sent", 0)]
    (mail,) = relay.arrived
    assert relay.to == ["cfo@example.com", "ops@example.com"]
    assert mail["From"] == "agency@example.com"
    assert mail["Date"].datetime == april(5)
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (str(mail.get_body((kind,)).get_content()) for kind in ("plain", "html"))
    page = f"/reports/{scope.tenant()}?period=2026-03"
    assert "Recuperado: $0" in text.splitlines()
    assert page in text
    assert f'{page}">http' in html
    assert "Recuperado</th>" in html
    (file,) = mail.iter_attachments()
    assert file.get_filename() is not None
    assert bytes(file.get_content()).startswith(b"PK")
    tick(datetime(2026, 6, 5, 12, tzinfo=UTC))  # nothing ran for two months: both are made up for
    assert states(scope) == [
        ("2026-03", "sent", 0), ("2026-05", "sent", 0), ("2026-04", "sent", 0),
    ]  # fmt: skip
    assert len(relay.arrived) == 3


def test_a_quarter_goes_out_after_it_has_ended(scope: Scope, relay: Relay) -> None:
    schedule(scope, every="quarter", report="compliance", form="json")
    for month in (4, 5, 6):
        tick(datetime(2026, month, 5, 12, tzinfo=UTC))
    assert states(scope) == [("2026-01..2026-03", "sent", 0)]
    (file,) = relay.arrived[0].iter_attachments()
    assert b'"seal"' in bytes(file.get_content())


def test_a_refused_mail_is_tried_again_then_seen_as_failed_and_sent_again_by_hand(
    scope: Scope, relay: Relay
) -> None:
    made = schedule(scope)
    relay.answer = "451 busy"
    tick(april(5))
    for pause in sending.PAUSES:
        clock.advance(pause + timedelta(minutes=1))
        jobs.drain()
    assert states(scope) == [("2026-03", "failed", len(sending.PAUSES) + 1)]
    relay.answer = "250 OK"
    tick(april(9))
    assert relay.arrived == []
    with runtime.current().database.transaction(scope) as session:
        (mail,) = service.mails(session)
        assert mail.problem is not None
        assert "451" in mail.problem
        service.again(session, made, mail.id, actor="user:1")
    jobs.drain()
    assert (states(scope), len(relay.arrived)) == ([("2026-03", "sent", 0)], 1)


def test_a_worker_that_died_before_the_words_is_made_up_for_and_after_them_a_person_decides(
    scope: Scope, relay: Relay
) -> None:
    schedule(scope)
    database = runtime.current().database
    clock.set_to(april(5))
    with database.transaction(scope) as session:
        assert service.note_due(session) == 1
        assert service.note_due(session) == 0
    claimed = sending._claim(database, scope)  # and then it died
    assert claimed is not None
    tick()
    assert relay.arrived == []
    tick(april(5, 14))
    assert len(relay.arrived) == 1
    with database.transaction(scope) as session:
        session.execute(update(ReportMail).values(state="waiting"))
    claimed = sending._claim(database, scope)
    assert claimed is not None
    sending._hand_over(database, scope, claimed)  # and then it died
    tick(april(5, 16))
    assert [state for _period, state, _tries in states(scope)] == ["unknown"]
    assert len(relay.arrived) == 1


def test_a_connection_that_breaks_after_the_words_leaves_it_unknown(scope: Scope, relay: Relay) -> None:
    schedule(scope)
    relay.hang_up = True
    tick(april(5))
    tick(april(5, 20))
    assert [state for _period, state, _tries in states(scope)] == ["unknown"]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"report": "gossip"}, "report"), ({"report": "compliance"}, "form"), ({"every": "day"}, "every"),
        ({"day": 31}, "day"), ({"recipients": "nobody"}, "recipients"),
        ({"recipients": "a@b.cl\nBcc: x@y.cl"}, "recipients"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(scope: Scope, wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(UserError) as refused:
        schedule(scope, **wrong)
    assert refused.value.field == where


def test_a_machine_sets_one_up(app: Flask, platform: runtime.Runtime, scope: Scope, relay: Relay) -> None:
    api = machine(app, platform, scope)
    made = api.send("/api/v1/report-schedules", tenant_id=scope.tenant(), **SETTINGS)
    path = f"/api/v1/report-schedules/{made['id']}"
    relay.answer = "550 no"
    tick(april(5))
    (mail,) = api.get(f"{path}/mails")["items"]
    assert mail["state"] == "waiting"
    assert api.call("POST", f"{path}/mails/{mail['id']}/again").status_code == 404  # it goes by itself
    changed = api.send(path, 200, "PUT", **{**SETTINGS, "day": 7, "active": False})
    assert (changed["day"], changed["active"]) == (7, False)
    assert api.call("DELETE", path).status_code == 204
    assert api.get("/api/v1/report-schedules")["items"] == []
    reader = machine(app, platform, scope, Permission.REPORTS_READ)
    assert reader.call("GET", "/api/v1/report-schedules").status_code == 403


def test_a_creditors_administrator_sets_one_up_on_the_page(
    app: Flask, platform: runtime.Runtime, scope: Scope, relay: Relay
) -> None:
    visitor = Visitor(app.test_client(), platform).sign_in(Role.CREDITOR_ADMINISTRATOR, scope)
    refused = visitor.send("/schedules", **{**SETTINGS, "recipients": "nobody"})
    assert refused.status_code == 422
    assert "nobody" in refused.text
    made = visitor.send("/schedules", **SETTINGS)
    assert made.status_code == 302
    tick(april(5))
    assert "2026-03" in visitor.text(made.location)
    assert visitor.send(made.location, **{**SETTINGS, "day": "40"}).status_code == 422
    assert "cfo@example.com" in visitor.text("/schedules")
    visitor.send(f"{made.location}/remove", _page=made.location)
    assert "cfo@example.com" not in visitor.text("/schedules")
