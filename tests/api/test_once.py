"""A request that moves money takes effect once under its `Idempotency-Key`, also where it is sent again
before the first has ended: real connections, real locks."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from recupero.kernel import runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.placements.tables import Account
from tests.api.conftest import Machine, machine
from tests.ledger.placed import Placed, place

KEY = {"Idempotency-Key": "transfer-000123"}
WAIT = 20.0


@pytest.fixture
def placed(platform: runtime.Runtime, scope: Scope) -> Placed:
    return place(platform, scope, [{"principal": 100_000}])


def waiting(platform: runtime.Runtime, count: int) -> None:
    """Until so many transactions wait for a lock."""
    query = text("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
    end = time.monotonic() + WAIT
    while True:
        with platform.database.transaction(PLATFORM) as session:
            if session.execute(query).scalar_one() >= count:
                return
        assert time.monotonic() < end, f"{count} requests should wait for each other"
        time.sleep(0.01)


def in_flight(
    platform: runtime.Runtime, placed: Placed, *requests: Callable[[], tuple[int, Any]]
) -> list[tuple[int, Any]]:
    """What the requests answer, each sent while those before it have not ended: somebody else holds the
    account on which the first books."""
    with ThreadPoolExecutor(len(requests)) as pool, ExitStack() as held:
        session = held.enter_context(platform.database.transaction(placed.scope))
        session.execute(select(Account.id).where(Account.id.in_(placed.account_ids)).with_for_update())
        sent: list[Future[tuple[int, Any]]] = []
        for request in requests:
            sent.append(pool.submit(request))
            waiting(platform, len(sent))
        held.close()
        return [one.result(timeout=WAIT) for one in sent]


def paying(api: Machine, placed: Placed, amount: int = 25_000) -> Callable[[], tuple[int, Any]]:
    def send() -> tuple[int, Any]:
        body = {"account_id": placed.account_ids[0], "amount_minor": amount, "currency": "CLP"}
        answer = api.call("POST", "/api/v1/payments", json=body, headers=KEY)
        return answer.status_code, answer.json

    return send


def test_the_same_request_sent_again_before_the_first_has_ended_books_once(
    api: Machine, platform: runtime.Runtime, placed: Placed
) -> None:
    first, again, third = in_flight(platform, placed, *[paying(api, placed)] * 3)
    assert first[0] == 201
    assert first == again == third
    assert len(api.get("/api/v1/payments")["items"]) == 1
    assert api.get(f"/api/v1/accounts/{placed.account_ids[0]}")["balance_minor"] == 75_000


def test_another_body_under_the_key_is_a_conflict_also_while_the_first_runs(
    api: Machine, platform: runtime.Runtime, placed: Placed
) -> None:
    first, other = in_flight(platform, placed, paying(api, placed), paying(api, placed, 30_000))
    assert (first[0], other[0], other[1]["field"]) == (201, 409, "Idempotency-Key")
    assert [one["amount_minor"] for one in api.get("/api/v1/payments")["items"]] == [25_000]


def test_a_key_is_the_callers_own(
    app: Flask, api: Machine, platform: runtime.Runtime, scope: Scope, placed: Placed
) -> None:
    """Two programs that count their requests alike book both."""
    other = machine(app, platform, scope)
    first, second = in_flight(platform, placed, paying(api, placed), paying(other, placed))
    assert (first[0], second[0]) == (201, 201)
    assert first[1]["id"] != second[1]["id"]
    assert api.get(f"/api/v1/accounts/{placed.account_ids[0]}")["balance_minor"] == 50_000
