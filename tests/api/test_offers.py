"""Plans, settlements and hardship through the API, with the same limits as on pages."""

from datetime import timedelta

import pytest
from flask import Flask

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.tenancy.permissions import Permission
from tests.api.conftest import Machine, machine
from tests.factories import World
from tests.ledger.placed import Placed, place

TERMS = {"settlement_floor_percent": 60, "max_instalments": 6}


@pytest.fixture
def placed(platform: runtime.Runtime, scope: Scope) -> Placed:
    return place(platform, scope, [{"principal": 120_000}], terms=TERMS)


def test_a_plan_is_previewed_agreed_and_cancelled(api: Machine, placed: Placed) -> None:
    account = placed.account_ids[0]
    policy = api.get(f"/api/v1/accounts/{account}/offer-policy")
    assert (policy["floor_minor"], policy["max_instalments"]) == (72_000, 6)
    asked = {"account_ids": [account], "instalments": 4, "every": "monthly", "pay_day": 5}
    seen = api.send("/api/v1/payment-plans/preview", status=200, **asked)
    assert [one["amount_minor"] for one in seen["instalments"]] == [30_000] * 4
    assert (seen["approver"], seen["total_minor"]) == (None, 120_000)
    made = api.send("/api/v1/payment-plans", **asked)
    assert made["state"] == "running"
    assert api.get(f"/api/v1/accounts/{account}/plans")["items"][0]["id"] == made["id"]
    ended = api.send(f"/api/v1/payment-plans/{made['id']}/cancel", status=200, why="asked for")
    assert ended["state"] == "cancelled"


def test_an_exception_waits_for_a_key_that_may_allow_it(
    app: Flask, platform: runtime.Runtime, placed: Placed
) -> None:
    worker = machine(app, platform, placed.scope, Permission.ACCOUNTS_WORK, Permission.OFFERS_APPROVE)
    creditor = machine(app, platform, placed.scope, Permission.OFFERS_APPROVE, Permission.OFFERS_GRANT)
    asked = {"account_ids": placed.account_ids, "instalments": 9}
    worker.send("/api/v1/payment-plans", status=422, **asked)
    made = worker.send("/api/v1/payment-plans", why="long illness", **asked)
    assert (made["state"], made["approver"], made["beyond"]) == ("asked", "creditor", ["max_instalments"])
    decision = {"allow": True, "note": "fine"}
    worker.send(f"/api/v1/payment-plans/{made['id']}/decision", status=403, **decision)
    kept = creditor.send(f"/api/v1/payment-plans/{made['id']}/decision", status=200, **decision)
    assert kept["state"] == "running"


def test_a_settlement_is_offered_accepted_once_and_hardship_rests(api: Machine, placed: Placed) -> None:
    account, until = placed.account_ids[0], (clock.now().date() + timedelta(days=9)).isoformat()
    made = api.send(
        "/api/v1/settlements", account_ids=[account], amount_minor=80_000, valid_until=until, why=None
    )
    assert made["state"] == "offered"
    for _ in range(2):
        taken = api.send(f"/api/v1/settlements/{made['id']}/accept", status=200)
        assert taken["state"] == "accepted"
    api.send(f"/api/v1/settlements/{made['id']}/withdraw", status=409)
    case = api.send(f"/api/v1/accounts/{account}/hardship", kind="illness", hold_days=10)
    api.send(f"/api/v1/accounts/{account}/hardship", status=409, kind="illness")
    answer = api.call(
        "POST", f"/api/v1/accounts/{account}/hardship/{case['id']}/close", json={"outcome": "well"}
    )
    assert answer.status_code == 204


def test_nothing_of_another_creditor_is_offered_on(
    app: Flask, platform: runtime.Runtime, placed: Placed, world: World
) -> None:
    stranger = machine(app, platform, world.tenant())
    stranger.send("/api/v1/payment-plans", status=404, account_ids=placed.account_ids, instalments=2)
    assert stranger.call("GET", f"/api/v1/accounts/{placed.account_ids[0]}/plans").status_code == 404
