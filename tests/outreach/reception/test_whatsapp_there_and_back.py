"""There and back with the plug-in for WhatsApp: an approved template goes out, Meta's signed news find their
message by reference or key, a pressed STOP closes the channel."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from plugins.channels.whatsapp.tests.cloud_api import (
    VERIFY,
    WHOLE,
    CloudApi,
    change,
    running,
    signed,
    webhook,
)
from recupero.contacts.queries import permissions_of
from recupero.contacts.tables import Contact, MessageCopy
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict
from recupero.outreach.conversations import conversations, replies
from recupero.outreach.conversations.queries import conversations as conversations_of
from recupero.outreach.tables import Action, ActionEvent
from recupero.tenancy import service as tenancy
from recupero_sdk.inbound import InboundRequest
from tests.outreach.placed import Placed, place, plan
from tests.outreach.reception.test_messages import phone
from tests.outreach.test_carrying_out import run


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@contextmanager
def sent(scope: Scope, api: CloudApi, templates: str = WHOLE) -> Iterator[Placed]:
    """One message of the tenant has gone out from this number, in an approved template."""
    (placed,) = place(scope)
    plan([placed], "whatsapp")
    with connected(scope, api, templates):
        run()
        yield placed


@contextmanager
def connected(scope: Scope, api: CloudApi, templates: str = WHOLE) -> Iterator[None]:
    """The tenant's WhatsApp messages go over this number."""
    with running(api) as config:
        with runtime.current().database.transaction(scope) as session:
            tenancy.configure_plugin(
                session, kind="channel", key="whatsapp", enabled=True,
                settings={**config.settings, "templates": templates},
                secret_values=dict(config.secrets), actor="system",
            )  # fmt: skip
        yield


def tell(client: FlaskClient, scope: Scope, api: CloudApi, **told: object) -> TestResponse:
    """Meta calls the creditor's address, signed with the app's secret."""
    body = webhook(change(number=api.number, **told))
    headers = signed(InboundRequest("POST", "", {}, {}, body)).headers
    answer = client.post(
        f"/channels/whatsapp/{scope.tenant()}", data=body, content_type="application/json",
        headers=dict(headers),
    )  # fmt: skip
    jobs.drain()
    return answer


def all_of(scope: Scope, table: Any) -> list[Any]:
    with runtime.current().database.transaction(scope) as session:
        return list(session.execute(select(table).order_by(table.id)).scalars())


def test_a_reading_is_news_of_the_message(scope: Scope, client: FlaskClient) -> None:
    api = CloudApi()
    with sent(scope, api):
        (message,) = api.taken
        assert message["template"]["name"] == "recupero_whole_notice"
        for status in ("sent", "delivered", "read", "read"):
            news = {"id": message["id"], "status": status, "biz_opaque_callback_data": "of no use here"}
            assert tell(client, scope, api, statuses=[news]).status_code == 200
    (contact,) = all_of(scope, Contact)
    assert (contact.state, contact.reference) == ("delivered", message["id"])


def test_news_settle_a_message_whose_receipt_never_came_by_its_key(scope: Scope, client: FlaskClient) -> None:
    api = CloudApi(hang_up_at=1)
    with sent(scope, api):
        assert [action.state for action in all_of(scope, Action)] == ["unknown"]
        key = api.taken[0]["biz_opaque_callback_data"]
        news = {"id": "wamid.lost", "status": "delivered", "biz_opaque_callback_data": key}
        tell(client, scope, api, statuses=[news])
    (contact,) = all_of(scope, Contact)
    assert (contact.state, contact.reference) == ("delivered", "wamid.lost")


def test_who_presses_stop_is_left_alone(scope: Scope, client: FlaskClient) -> None:
    api = CloudApi()
    with sent(scope, api) as placed:
        (message,) = api.taken
        pressed = {
            "from": message["to"], "id": "wamid.theirs", "timestamp": "1", "type": "button",
            "button": {"payload": "STOP", "text": "No quiero más mensajes"},
            "context": {"id": message["id"]},
        }  # fmt: skip
        assert tell(client, scope, api, messages=[pressed]).status_code == 200
    with runtime.current().database.transaction(scope) as session:
        assert "whatsapp" in permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out


def test_who_stops_it_wrote_as_well_so_that_the_confirmation_goes_within_the_window(
    scope: Scope, client: FlaskClient, noon: object
) -> None:
    api, (placed,), at = CloudApi(), place(scope), clock.now() - timedelta(minutes=1)
    with connected(scope, api), runtime.current().database.transaction(scope) as session:
        tell(client, scope, api, messages=[wrote(placed, at, "STOP")])
        assert conversations.heard_at(session, [placed.debtor_id]) == {(placed.debtor_id, "whatsapp"): at}
        assert conversations_of(session)[0].waiting_since is None


def wrote(placed: Placed, at: datetime, words: str = "Quiero hablar con una persona") -> dict[str, Any]:
    """A message of the debtor, as Meta tells it."""
    number = phone(placed).removeprefix("+")
    told = {"from": number, "id": f"wamid.{at.timestamp()}", "timestamp": str(int(at.timestamp()))}
    return told | {"type": "text", "text": {"body": words}}


@pytest.mark.parametrize(("minutes", "goes"), [(1437, True), (1438, False), (3000, False)])
def test_a_person_answers_within_the_window_and_is_told_when_it_is_over(
    scope: Scope, client: FlaskClient, noon: object, minutes: int, goes: bool
) -> None:
    api, (placed,), said = CloudApi(), place(scope), clock.now() - timedelta(minutes=minutes)
    with connected(scope, api), runtime.current().database.transaction(scope) as session:
        tell(client, scope, api, messages=[wrote(placed, said)])
        last = replies.last_to_answer(session, placed.debtor_id)
        assert replies.closes_at(session, placed.debtor_id, last) == said + timedelta(minutes=1438)
        if goes:
            replies.reply(session, placed.debtor_id, "Le llamamos hoy.", actor="user:1")
        else:
            with pytest.raises(Conflict, match="only for a day after"):
                replies.reply(session, placed.debtor_id, "Le llamamos hoy.", actor="user:1")


def test_an_answer_that_the_law_puts_off_beyond_the_window_is_refused_at_once(
    scope: Scope, client: FlaskClient, noon: object
) -> None:
    api = CloudApi()
    with sent(scope, api) as placed, runtime.current().database.transaction(scope) as session:
        tell(client, scope, api, messages=[wrote(placed, clock.now())])
        with pytest.raises(Conflict, match="when the law allows an answer"):  # two days between messages
            replies.reply(session, placed.debtor_id, "Le llamamos hoy.", actor="user:1")


def test_an_approved_template_for_answers_carries_them_after_the_window(
    scope: Scope, client: FlaskClient, noon: object
) -> None:
    api, (placed,) = CloudApi(), place(scope)
    with (
        connected(scope, api, "reply.es = recupero_answer@es: text"),
        runtime.current().database.transaction(scope) as session,
    ):
        tell(client, scope, api, messages=[wrote(placed, clock.now() - timedelta(days=3))])
        last = replies.last_to_answer(session, placed.debtor_id)
        assert replies.closes_at(session, placed.debtor_id, last) is None
        replies.reply(session, placed.debtor_id, "Le llamamos hoy.", actor="user:1")


def test_approved_words_never_go_in_place_of_what_a_person_wrote(
    scope: Scope, client: FlaskClient, noon: object
) -> None:
    api, (placed,) = CloudApi(), place(scope)
    with connected(scope, api, "reply.es = recupero_thanks@es: code"):
        with runtime.current().database.transaction(scope) as session:
            tell(client, scope, api, messages=[wrote(placed, clock.now() - timedelta(days=3))])
            replies.reply(session, placed.debtor_id, "Le llamamos hoy.", actor="user:1")
        jobs.drain()
    assert api.taken == []
    assert [(one.state, one.reason) for one in all_of(scope, Action)] == [("blocked", "approved_words")]


def test_meta_s_question_is_answered_and_what_is_not_signed_changes_nothing(
    scope: Scope, client: FlaskClient
) -> None:
    api = CloudApi()
    with sent(scope, api):
        address = f"/channels/whatsapp/{scope.tenant()}"
        asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "77"}
        answer = client.get(address, query_string=asked)
        assert (answer.status_code, answer.text) == (200, "77")
        assert client.get(address, query_string={**asked, "hub.verify_token": "x"}).status_code == 401
        body = webhook(change(number=api.number, statuses=[{"id": api.taken[0]["id"], "status": "read"}]))
        assert client.post(address, data=body, content_type="application/json").status_code == 401
    assert [contact.state for contact in all_of(scope, Contact)] == ["sent"]


def test_an_approved_template_says_what_the_law_wants_or_nothing_goes_out(scope: Scope) -> None:
    api = CloudApi()
    short = WHOLE.replace(" Usted {{10}}, {{11}}.", "").replace("rights, not_execution, ", "")
    short = short.replace("{{12}} {{13}}", "{{10}} {{11}}")
    with sent(scope, api, short):
        assert api.taken == []
    (action,) = all_of(scope, Action)
    assert (action.state, action.reason) == ("blocked", "content:CL-37-no-threat-dicom")
    with runtime.current().database.transaction(scope) as session:
        events = session.execute(select(ActionEvent).where(ActionEvent.state == "blocked")).scalars()
        (event,) = events
    named = [rule["details"]["items"] for rule in (event.details or {})["rules"]]
    assert named == ["not_execution", "rights"]


def test_what_the_person_read_is_what_is_kept(scope: Scope) -> None:
    with sent(scope, CloudApi()):
        (kept,) = all_of(scope, MessageCopy)
    assert kept.body.startswith("Hola Ana Prueba")
    assert "/p/" in kept.body
