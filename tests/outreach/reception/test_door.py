"""The door for providers: believed for a signature only, stored once, answered at once."""

import json

import pytest
from sqlalchemy import select

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict
from recupero.outreach.conversations import queries, refusals
from recupero.outreach.conversations.events import LONGEST_TEXT
from recupero.outreach.conversations.tables import ChannelEvent
from recupero.outreach.reception import working
from tests.factories import World
from tests.outreach.two_way import Provider, switch_on

NEWS = {"id": "e1", "reference": "ref-1", "fate": "delivered"}


def stored(scope: Scope) -> list[tuple[str, str, str]]:
    with runtime.current().database.transaction(scope) as session:
        rows = session.execute(
            select(ChannelEvent.connector, ChannelEvent.event_id, ChannelEvent.state).order_by(
                ChannelEvent.id
            )
        )
        return [(row[0], row[1], row[2]) for row in rows]


def test_a_signed_event_is_stored_once_and_answered_as_the_connector_says(provider: Provider) -> None:
    for _time in range(3):
        answer = provider.tell(NEWS)
        assert (answer.status_code, answer.text, answer.mimetype) == (202, "<taken/>", "text/xml")
    assert stored(provider.scope) == [("pigeon", "e1", "new")]


def test_the_query_is_part_of_what_is_signed(provider: Provider) -> None:
    assert provider.tell(NEWS, query="?message=4-7&x=%C3%B1").status_code == 202
    with runtime.current().database.transaction(provider.scope) as session:
        assert session.execute(select(ChannelEvent.named)).scalar_one() == "4-7"


def test_an_unsigned_request_is_refused_and_leaves_nothing(provider: Provider) -> None:
    assert provider.client.post(provider.path, json=[NEWS]).status_code == 401
    assert provider.tell(NEWS, secret="stones").status_code == 401
    assert provider.client.get(f"{provider.path}?challenge=7&token=guess").status_code == 401
    assert stored(provider.scope) == []
    told = refusals.of(provider.scope.tenant(), "pigeon")
    assert told is not None
    assert (told.count, told.reason) == (3, "the token is wrong")


def test_what_a_connector_cannot_read_is_counted_and_set_aside_once_and_the_rest_is_taken(
    provider: Provider,
) -> None:
    nameless = {"reference": "ref-2", "fate": "delivered"}
    assert provider.tell(nameless, NEWS, nameless).status_code == 202
    (event, aside) = stored(provider.scope)
    assert event == ("pigeon", "e1", "new")
    assert aside[2] == "quarantined"
    with runtime.current().database.transaction(provider.scope) as session:
        (shown,) = queries.unplaced(session)
    assert (shown.kind, shown.reason, shown.subject) == ("unread", "unreadable", "an event has no ID")
    assert json.loads(shown.text) == nameless
    told = refusals.of(provider.scope.tenant(), "pigeon")
    assert told is not None
    assert (told.count, told.reason) == (2, "an event has no ID")


def test_what_could_not_be_read_is_kept_no_longer_than_a_message_and_can_be_dismissed(
    provider: Provider,
) -> None:
    assert provider.tell(NEWS, {"text": "x\x00\ud800" * 20_000}).status_code == 202
    with runtime.current().database.transaction(provider.scope) as session:
        (shown,) = queries.unplaced(session)
        assert len(shown.text) <= LONGEST_TEXT + 10
        with pytest.raises(Conflict):
            working.assign(session, shown.id, 1, actor="user:1")
        working.dismiss(session, shown.id, actor="user:1")
        assert queries.unplaced(session) == []


def test_a_provider_proves_the_address_by_get(provider: Provider) -> None:
    answer = provider.client.get(f"{provider.path}?challenge=7&token=feathers")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "7", "text/plain")


def test_a_fault_of_the_connector_is_500_and_its_provider_tells_it_again(provider: Provider) -> None:
    assert provider.tell_raw(json.dumps("burst").encode()).status_code == 500
    assert stored(provider.scope) == []


def test_a_signed_request_in_which_nothing_can_be_read_is_400_and_set_aside_once(provider: Provider) -> None:
    for _time in range(2):
        assert provider.tell_raw(b"\xff{ ya pagu\xc3\xa9").status_code == 400
    assert provider.tell_raw(b" ").status_code == 400
    assert provider.tell_raw(b"{ no soy yo", secret="stones").status_code == 401
    with runtime.current().database.transaction(provider.scope) as session:
        (shown,) = queries.unplaced(session)
        raw = session.connection().exec_driver_sql("SELECT payload FROM channel_events").scalar_one()
    assert (shown.reason, shown.subject, shown.text) == ("unreadable", "this is no JSON", "\ufffd{ ya pagué")
    assert b"pagu" not in bytes(raw)
    told = refusals.of(provider.scope.tenant(), "pigeon")
    assert told is not None
    assert told.count == 4


def test_a_large_body_is_refused_unread(provider: Provider) -> None:
    assert provider.tell_raw(b"x" * (16 * 1024 * 1024 + 1)).status_code == 413


ELSEWHERE = (
    "/channels/pigeon/0", "/channels/pigeon/x", "/channels/none/{tenant}", "/channels/outbox/{tenant}",
    "/channels/pigeon/99999999999999999999",
)  # fmt: skip


@pytest.mark.parametrize("path", ELSEWHERE)
def test_other_addresses_are_not_there(provider: Provider, path: str) -> None:
    answer = provider.client.post(path.format(tenant=provider.scope.tenant()), json=[NEWS])
    assert answer.status_code == 404
    assert "Acreedor" not in answer.text
    assert "tenant-" not in answer.text


def test_a_connector_that_was_switched_off_hears_nothing(provider: Provider) -> None:
    switch_on(provider.scope, enabled=False)
    assert provider.tell(NEWS).status_code == 404


def test_each_creditor_hears_its_own(provider: Provider, world: World) -> None:
    other = world.tenant()
    switch_on(other, "straw")
    theirs = Provider(provider.client, other, provider.pigeon, "straw")
    assert theirs.tell(NEWS).status_code == 202
    assert provider.tell(NEWS, secret="straw").status_code == 401
    assert stored(provider.scope) == []
    assert provider.tell(NEWS).status_code == 202
    assert len(stored(provider.scope)) == len(stored(other)) == 1


def test_what_is_stored_is_encrypted(provider: Provider) -> None:
    provider.tell({"id": "m1", "channel": "sms", "sender": "+56911112222", "text": "mi clave secreta"})
    with runtime.current().database.transaction(provider.scope) as session:
        raw = session.connection().exec_driver_sql("SELECT payload FROM channel_events").scalar_one()
    assert b"secreta" not in bytes(raw)
    assert b"56911112222" not in bytes(raw)
