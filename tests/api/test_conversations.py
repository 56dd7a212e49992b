"""Conversations over the API: read, answer, place what nobody knows, read a carrier's file."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from recupero.kernel import jobs
from recupero.kernel.database import Scope
from tests.api.conftest import Machine
from tests.outreach.placed import place
from tests.outreach.reception.test_messages import phone, says
from tests.outreach.reception.test_news import written_to
from tests.outreach.two_way import Pigeon, Provider, installed, switch_on


@pytest.fixture
def pigeon(scope: Scope, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pigeon]:
    with installed(monkeypatch) as found:
        switch_on(scope)
        yield found


@pytest.fixture
def provider(app: Flask, scope: Scope, pigeon: Pigeon) -> Provider:
    return Provider(app.test_client(), scope, pigeon)


def test_a_conversation_is_read_and_answered(provider: Provider, api: Machine) -> None:
    placed = place(provider.scope)[0]
    says(provider, "quiero hablar con una persona", phone(placed), files=[["a.txt", "text/plain", 2, "hi"]])
    (talk,) = api.get("/api/v1/conversations")["items"]
    assert (talk["debtor_id"], talk["channel"]) == (placed.debtor_id, "sms")
    api.send(f"/api/v1/conversations/{placed.debtor_id}/replies", text="Le llamamos hoy.")
    jobs.drain()
    whole = api.get(f"/api/v1/conversations/{placed.debtor_id}")
    assert [(line["direction"], line["state"]) for line in whole["lines"]] == [
        ("inbound", "received"), ("outbound", "sent"),
    ]  # fmt: skip
    assert whole["waiting_since"] is None
    file = whole["lines"][0]["files"][0]
    assert api.call("GET", f"/api/v1/conversations/files/{file['id']}").data == b"hi"


def test_those_that_wait_and_those_that_a_person_has_are_asked_for(provider: Provider, api: Machine) -> None:
    asks, thanks = place(provider.scope, 2)
    says(provider, "quiero hablar con una persona", phone(asks))
    says(provider, "gracias", phone(thanks))

    def found(**query: Any) -> set[int]:
        return {one["debtor_id"] for one in api.get("/api/v1/conversations", **query)["items"]}

    both, person = {asks.debtor_id, thanks.debtor_id}, {asks.debtor_id}
    assert found() == both
    assert found(handed_over=True) == found(waiting=True) == person
    api.send(f"/api/v1/conversations/{asks.debtor_id}/replies", text="Le llamamos hoy.")
    assert (found(handed_over=True), found(waiting=True), found(waiting=False)) == (person, set(), both)
    assert found(tenant_id=provider.scope.tenant()) == both
    assert found(tenant_id=provider.scope.tenant() + 1_000_000) == set()


def test_what_nobody_could_place_is_placed(provider: Provider, api: Machine) -> None:
    placed = place(provider.scope)[0]
    says(provider, "soy yo", "+56900000001")
    says(provider, "spam", "+56900000002")
    first, second = api.get("/api/v1/conversations/unplaced")["items"]
    assert (first["text"], first["reason"]) == ("soy yo", "unknown_sender")
    assert (first["subject"], first["files"]) == ("", [])
    path = "/api/v1/conversations/unplaced"
    assert api.send(f"{path}/{first['id']}", 200, account_id=placed.account_id)["contact_id"]
    assert api.send(f"{path}/{second['id']}", 200) == {"contact_id": None}
    api.send(f"{path}/{second['id']}", 409)
    assert api.get("/api/v1/conversations/unplaced")["items"] == []


def test_a_carriers_file_is_read(provider: Provider, api: Machine) -> None:
    _placed, reference = written_to(provider)
    answer = api.call(
        "POST", f"/api/v1/tenants/{provider.scope.tenant()}/channels/pigeon/files",
        data={"file": (io.BytesIO(f"reference,reason\n{reference},moved\nx\n".encode()), "back.csv")},
    )  # fmt: skip
    assert answer.json == {"events": 1, "new": 1, "problems": [{"line": 3, "problem": "has no reason"}]}
