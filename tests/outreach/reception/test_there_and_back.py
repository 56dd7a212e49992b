"""There and back with the plug-in for text messages: what the platform sends Twilio takes, Twilio's signed
callbacks find their messages, an answer joins its debtor, and who says BAJA is left alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from plugins.channels.sms.tests.twilio_messages import ACCOUNT, SENDER, Twilio, running, signed
from recupero.contacts.queries import permissions_of
from recupero.contacts.tables import Contact, MessageCopy
from recupero.kernel import jobs, runtime
from recupero.kernel.database import Scope
from recupero.outreach.tables import Action
from recupero.placements.tables import ContactPoint
from recupero.tenancy import service as tenancy
from recupero_sdk.inbound import InboundRequest
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_carrying_out import run


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@contextmanager
def sent(scope: Scope, twilio: Twilio) -> Iterator[Placed]:
    """One message of the tenant has gone out through this account."""
    (placed,) = place(scope)
    plan([placed], "sms")
    with running(twilio) as config:
        with runtime.current().database.transaction(scope) as session:
            tenancy.configure_plugin(
                session, kind="channel", key="sms", enabled=True, settings=dict(config.settings),
                secret_values=dict(config.secrets), actor="system",
            )  # fmt: skip
        run()
        yield placed


def tell(client: FlaskClient, url: str, **form: str) -> TestResponse:
    """Twilio calls an address, signed with the account's token."""
    body = urlencode({"AccountSid": ACCOUNT, **form}).encode()
    parts = urlsplit(url)
    request = signed(InboundRequest("POST", url, {}, dict(parse_qsl(parts.query)), body))
    answer = client.post(
        f"{parts.path}?{parts.query}", data=body, content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": request.headers["x-twilio-signature"]},
    )  # fmt: skip
    jobs.drain()
    return answer


def callback(twilio: Twilio) -> str:
    """The address that the platform gave Twilio with its message."""
    form = next(dict(asked.form()) for asked in twilio.asked if asked.method == "POST")
    return form["StatusCallback"]


def all_of(scope: Scope, table: Any) -> list[Any]:
    with runtime.current().database.transaction(scope) as session:
        return list(session.execute(select(table).order_by(table.id)).scalars())


def test_a_delivery_is_news_of_the_message(scope: Scope, client: FlaskClient) -> None:
    twilio = Twilio()
    with sent(scope, twilio):
        sid = str(twilio.messages[0]["sid"])
        for status in ("sent", "delivered", "delivered"):
            answer = tell(client, callback(twilio), MessageSid=sid, MessageStatus=status)
            assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    (contact,) = all_of(scope, Contact)
    assert (contact.state, contact.reference) == ("delivered", sid)
    assert [action.state for action in all_of(scope, Action)] == ["delivered"]


def test_a_number_that_does_not_exist_is_marked(scope: Scope, client: FlaskClient) -> None:
    twilio = Twilio()
    with sent(scope, twilio):
        sid = str(twilio.messages[0]["sid"])
        tell(client, callback(twilio), MessageSid=sid, MessageStatus="undelivered", ErrorCode="30005")
    numbers = [point.status for point in all_of(scope, ContactPoint) if point.kind == "phone"]
    assert numbers == ["invalid"]


def test_news_settle_a_message_whose_receipt_never_came(scope: Scope, client: FlaskClient) -> None:
    twilio = Twilio(hang_up_at=1)
    with sent(scope, twilio):
        assert [action.state for action in all_of(scope, Action)] == ["unknown"]
        tell(client, callback(twilio), MessageSid="SM" + "7" * 32, MessageStatus="delivered")
    assert [contact.state for contact in all_of(scope, Contact)] == ["delivered"]


@pytest.mark.parametrize("form", [{"Body": "Baja"}, {"Body": "basta ya", "OptOutType": "STOP"}])
def test_who_wants_no_more_is_left_alone(scope: Scope, client: FlaskClient, form: dict[str, str]) -> None:
    twilio = Twilio()
    with sent(scope, twilio) as placed:
        number, url = str(twilio.messages[0]["to"]), callback(twilio).partition("?")[0]
        said = {"MessageSid": "SM" + "8" * 32, "From": number, "To": SENDER, "NumMedia": "0", **form}
        assert tell(client, url, **said).status_code == 200
    with runtime.current().database.transaction(scope) as session:
        assert "sms" in permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out
    assert form["Body"] in [copy.body for copy in all_of(scope, MessageCopy)]


def test_what_is_not_signed_changes_nothing(scope: Scope, client: FlaskClient) -> None:
    twilio = Twilio()
    with sent(scope, twilio):
        parts = urlsplit(callback(twilio))
        sid = str(twilio.messages[0]["sid"])
        form = {"AccountSid": ACCOUNT, "MessageSid": sid, "MessageStatus": "delivered"}
        answer = client.post(f"{parts.path}?{parts.query}", data=form)
        jobs.drain()
    assert answer.status_code == 401
    assert [contact.state for contact in all_of(scope, Contact)] == ["sent"]
