"""The API does what its description says, in one shape, for whoever holds the permission."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from recupero.kernel import audit, clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.placements.imports import queueing
from recupero.tenancy.permissions import Permission
from tests.api.conftest import Machine, machine
from tests.decisions import debts
from tests.factories import World
from tests.ledger.placed import place


@pytest.fixture
def owed(platform: runtime.Runtime, scope: Scope) -> debts.Debt:
    with platform.database.transaction(scope) as session:
        return debts.debt(session, debts.portfolio(session), client_account="ACC-77", balance=125_000)


def test_a_key_is_told_who_it_is(api: Machine, scope: Scope) -> None:
    me = api.get("/api/v1/me")
    assert me["tenant_ids"] == list(scope.tenant_ids)
    assert "accounts.read" in me["permissions"]


def test_accounts_come_in_keyset_pages_without_a_gap_or_a_double(
    api: Machine, platform: runtime.Runtime, scope: Scope
) -> None:
    with platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        made = [debts.debt(session, portfolio).account_id for _ in range(7)]
    seen, after = [], 0
    while after is not None:
        page = api.get("/api/v1/accounts", after=after, limit=3)
        seen += [row["id"] for row in page["items"]]
        after = page["next"]
    assert seen == made


def test_a_page_of_several_creditors_goes_by_id_and_leaves_out_what_is_asked_of_one(
    app: Flask, world: World, platform: runtime.Runtime
) -> None:
    agency = world.agency()
    first, second = world.tenant(agency), world.tenant(agency)
    made = []
    for scope in (first, second, first, second, second):
        with platform.database.transaction(scope) as session:
            made.append(debts.debt(session, debts.portfolio(session)).account_id)
    both = machine(app, platform, Scope(first.agency_id, (*first.tenant_ids, *second.tenant_ids)))
    page = both.get("/api/v1/accounts", limit=3)
    assert [row["id"] for row in page["items"]] == made[:3]
    assert [row["id"] for row in both.get("/api/v1/accounts", after=page["next"])["items"]] == made[3:]
    only = both.get("/api/v1/accounts", tenant_id=first.tenant())["items"]
    assert [row["id"] for row in only] == [made[0], made[2]]
    alone = machine(app, platform, first)
    assert alone.get("/api/v1/accounts", tenant_id=second.tenant())["items"] == []


def test_a_text_that_no_column_holds_is_refused(api: Machine) -> None:
    assert api.call("GET", "/api/v1/accounts?client_account=a%00b").status_code == 422


def test_accounts_are_filtered(api: Machine, owed: debts.Debt) -> None:
    found = api.get("/api/v1/accounts", client_account="ACC-77", status="active")["items"]
    assert [row["id"] for row in found] == [owed.account_id]
    assert found[0]["balance_minor"] == 125_000
    assert api.get("/api/v1/accounts", client_account="ACC-78")["items"] == []


def test_lists_of_accounts_hold_nothing_personal(api: Machine, owed: debts.Debt) -> None:
    assert "Ana" not in api.call("GET", "/api/v1/accounts").text


def test_personal_data_is_masked_for_keys_that_only_read(
    app: Flask, platform: runtime.Runtime, scope: Scope, api: Machine, owed: debts.Debt
) -> None:
    reader = machine(app, platform, scope, Permission.ACCOUNTS_READ)
    path = f"/api/v1/accounts/{owed.account_id}"
    assert api.get(path)["debtor"]["name"] == "Ana Prueba"
    assert "Ana" not in reader.call("GET", path).text
    points = f"{path}/contact-points"
    assert {row["value"] for row in api.get(points)["items"]} == {"ana@example.com", "+56221234567"}
    assert "ana@example" not in reader.call("GET", points).text


def test_a_hold_is_opened_and_ended(api: Machine, owed: debts.Debt) -> None:
    path = f"/api/v1/accounts/{owed.account_id}/holds"
    hold = api.send(path, kind="dispute")["id"]
    assert [row["kind"] for row in api.get(path)["items"]] == ["dispute"]
    assert api.call("DELETE", f"{path}/{hold}").status_code == 204
    assert api.get(path)["items"] == []
    assert api.call("DELETE", f"{path}/{hold}").status_code == 404


def test_what_the_law_is_told_is_stated_and_taken_back(api: Machine, owed: debts.Debt) -> None:
    path = f"/api/v1/accounts/{owed.account_id}/law-facts"
    fact = api.send(path, kind="event", name="suit", began_on="2026-02-01", note="Court 4")["id"]
    assert [(row["name"], row["began_on"]) for row in api.get(path)["items"]] == [("suit", "2026-02-01")]
    api.send(path, 422, kind="event", name="rumour", began_on="2026-02-01")
    api.send(path, 422, kind="event", name="suit", began_on="2027-02-01")
    assert api.call("DELETE", f"{path}/{fact}").status_code == 204
    assert api.get(path)["items"] == []
    assert api.call("DELETE", f"{path}/{fact}").status_code == 404


def test_a_payment_books_once_under_its_key(api: Machine, platform: runtime.Runtime, scope: Scope) -> None:
    (account,) = place(platform, scope, [{"principal": 125_000}]).account_ids
    body = {"account_id": account, "amount_minor": 25_000, "currency": "CLP"}
    key = {"Idempotency-Key": "transfer-000123"}
    first = api.send("/api/v1/payments", headers=key, **body)
    assert api.send("/api/v1/payments", headers=key, **body) == first
    assert len(api.get("/api/v1/payments")["items"]) == 1
    assert api.get(f"/api/v1/accounts/{account}")["balance_minor"] == 100_000
    refused = api.send("/api/v1/payments", 409, headers=key, **{**body, "amount_minor": 1})
    assert refused["field"] == "Idempotency-Key"


def test_a_payment_without_a_key_or_in_another_currency_is_refused(api: Machine, owed: debts.Debt) -> None:
    body = {"account_id": owed.account_id, "amount_minor": 25_000, "currency": "CLP"}
    assert api.send("/api/v1/payments", 422, **body)["field"] == "Idempotency-Key"
    key = {"Idempotency-Key": "transfer-000123"}
    wrong = api.send("/api/v1/payments", 422, headers=key, **{**body, "currency": "USD"})
    assert wrong["field"] == "currency"
    assert wrong["message"] == "the account is kept in CLP: send the amount in that currency"


def test_a_payment_link_stays_the_same(api: Machine, owed: debts.Debt) -> None:
    first = api.send("/api/v1/payment-links", account_ids=[owed.account_id])
    assert "/p/" in first["url"]
    assert api.send("/api/v1/payment-links", account_ids=[owed.account_id]) == first
    (line,) = api.get("/api/v1/payment-links")["items"]
    assert first["url"] not in str(line)


def test_a_promise_is_taken_and_rests_the_account(api: Machine, owed: debts.Debt, noon: datetime) -> None:
    path = f"/api/v1/accounts/{owed.account_id}/promises"
    due = (clock.now() + timedelta(days=5)).date().isoformat()
    api.send(path, amount_minor=50_000, due_date=due)
    assert [(row["state"], row["due_date"]) for row in api.get(path)["items"]] == [("open", due)]
    assert api.send(path, 422, amount_minor=500_000, due_date=due)["field"] == "amount_minor"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "dispute", "until": "yesterday"}, "until"),
        ({"kind": "boredom"}, "kind"),
        ({"kind": "promise"}, "kind"),
        ({}, "kind"),
        ({"kind": "dispute", "whom": 1}, "whom"),
    ],
)
def test_what_a_schema_refuses_is_named_by_its_field(
    api: Machine, owed: debts.Debt, body: dict[str, Any], field: str
) -> None:
    refused = api.send(f"/api/v1/accounts/{owed.account_id}/holds", 422, **body)
    assert refused["field"] == field
    assert refused["message"]


def test_errors_have_one_shape(api: Machine, app: Flask) -> None:
    for answer, status in (
        (api.call("GET", "/api/v1/nowhere"), 404),
        (api.call("GET", "/api/v1/accounts/999"), 404),
        (api.call("DELETE", "/api/v1/me"), 405),
        (api.call("POST", "/api/v1/plans", data="{", content_type="application/json"), 400),
        (app.test_client().get("/api/v1/me"), 401),
    ):
        assert answer.status_code == status
        assert set(answer.json or {}) <= {"message", "field", "row"}
        assert (answer.json or {})["message"]


def test_a_key_does_only_what_it_may(app: Flask, platform: runtime.Runtime, scope: Scope) -> None:
    reader = machine(app, platform, scope, Permission.REPORTS_READ)
    assert reader.call("GET", "/api/v1/me").status_code == 200
    assert reader.call("GET", "/api/v1/accounts").status_code == 403


def test_nobody_gives_what_they_do_not_have(app: Flask, platform: runtime.Runtime, scope: Scope) -> None:
    clerk = machine(app, platform, scope, Permission.TENANCY_MANAGE)
    tenants = list(scope.tenant_ids)
    clerk.send("/api/v1/api-keys", 403, name="more", permissions=["accounts.read"], tenant_ids=tenants)
    made = clerk.send("/api/v1/api-keys", name="same", permissions=["tenancy.manage"], tenant_ids=tenants)
    assert made["key"].startswith("rcp_")
    user = {"email": "x@example.com", "name": "X", "password": "correct horse", "tenant_ids": tenants}
    clerk.send("/api/v1/users", 403, **user, role="supervisor")
    clerk.send("/api/v1/users", 422, **user, role="platform_operator")


def test_users_are_added_and_shut_out(api: Machine, scope: Scope) -> None:
    made = api.send(
        "/api/v1/users", email="nueva@example.com", name="Nueva", password="correct horse", role="agent",
        tenant_ids=list(scope.tenant_ids),
    )  # fmt: skip
    assert "password" not in made
    assert api.call("PATCH", f"/api/v1/users/{made['id']}", json={"active": False}).status_code == 204
    assert [row["active"] for row in api.get("/api/v1/users")["items"]] == [False]


def test_a_file_is_tried_then_placed_and_placing_it_again_adds_nothing(
    api: Machine, scope: Scope, noon: datetime
) -> None:
    portfolio = api.send(
        "/api/v1/portfolios",
        tenant_id=scope.tenant(),
        name="Tarjetas",
        country="CL",
        currency="CLP",
        product="card",
    )["id"]
    rows = (
        "cuenta,nombre,rut,vencimiento,saldo\n"
        "A-1,Ana Soto,11.111.111-1,01/12/2025,150000\n"
        "A-2,Luis Paz,x,01/12/2025,-1\n"
    )

    def send(**fields: Any) -> Any:
        data = {"portfolio_id": portfolio, "file": (io.BytesIO(rows.encode()), "enero.csv"), **fields}
        answer = api.call("POST", "/api/v1/imports", data=data)
        assert answer.status_code == 201, answer.text
        return answer.json

    tried = send(dry_run="true")
    assert (tried["rows"], tried["batch_id"]) == (2, None)
    assert api.get("/api/v1/imports")["items"] == []
    placed = send()
    assert placed["accepted"] == 1
    assert [row["row_count"] for row in api.get("/api/v1/imports")["items"]] == [2]
    batch = f"/api/v1/imports/{placed['batch_id']}"
    assert api.get(f"{batch}/issues")["items"][0]["row_number"] == 3
    rejects = api.call("GET", f"{batch}/rejects").text
    assert "Luis Paz" in rejects
    assert "national_id: the national id has the wrong length" in rejects
    spanish = api.call("GET", f"{batch}/rejects", headers={"Accept-Language": "es"}).text
    assert "total: el importe es negativo; national_id: la identificación tiene" in spanish
    assert send()["accepted"] == 0


def test_a_large_file_is_accepted_and_asked_for_until_it_has_ended(
    api: Machine, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "LARGE", 10)
    portfolio = api.send("/api/v1/portfolios", tenant_id=scope.tenant(), name="Grande", country="CL",
                         currency="CLP", product="card")["id"]  # fmt: skip
    rows = "cuenta,nombre,rut,vencimiento,saldo\nA-1,Ana Soto,11.111.111-1,01/12/2025,150000\n"
    data = {"portfolio_id": portfolio, "file": (io.BytesIO(rows.encode()), "enero.csv")}
    answer = api.call("POST", "/api/v1/imports", data=data)
    assert (answer.status_code, answer.json["status"]) == (202, "queued")
    assert api.get(answer.headers["Location"])["status"] == "queued"
    jobs.drain()
    ended = api.get(answer.headers["Location"])
    assert (ended["status"], ended["accepted"], ended["rows_done"]) == ("done", 1, 1)


def test_a_file_for_an_unknown_portfolio_is_not_found(api: Machine) -> None:
    data = {"portfolio_id": 999, "file": (io.BytesIO(b"a,b\n1,2\n"), "x.csv")}
    assert api.call("POST", "/api/v1/imports", data=data).status_code == 404


def test_a_plan_is_asked_for_once(api: Machine, scope: Scope) -> None:
    assert api.send("/api/v1/plans", 202, tenant_id=scope.tenant()) == {"asked": True}
    assert api.send("/api/v1/plans", 202, tenant_id=scope.tenant()) == {"asked": False}


def test_a_report_comes_as_json_and_as_files(api: Machine, scope: Scope, owed: debts.Debt) -> None:
    path = f"/api/v1/tenants/{scope.tenant()}/report"
    made = api.get(path, period="2026-03")
    assert made["currencies"][0]["totals"]["placed"] == {"value": 125_000}
    for form, magic in (("pdf", b"%PDF"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
        assert api.call("GET", f"{path}.{form}?period=2026-03").data.startswith(magic)
    assert api.call("GET", f"{path}.doc").status_code == 404
    assert api.call("GET", f"{path}?period=marzo").json["field"] == "period"  # type: ignore[index]


def test_the_audit_trail_is_read_and_proven(api: Machine, scope: Scope) -> None:
    actions = [row["action"] for row in api.get("/api/v1/audit")["items"]]
    assert "tenancy.create_api_key" in actions
    assert api.get("/api/v1/audit/proof")["problems"] == []


def test_the_law_answers_for_an_account(api: Machine, owed: debts.Debt) -> None:
    verdict = api.get(f"/api/v1/accounts/{owed.account_id}/law", channel="email")
    assert isinstance(verdict["allowed"], bool)
    for part in ("contacts", "actions", "decisions", "payments", "next"):
        api.get(f"/api/v1/accounts/{owed.account_id}/{part}")
    assert "items" in api.get("/api/v1/law/packs")


def test_the_description_is_served_without_a_key_and_as_a_page(app: Flask) -> None:
    client = app.test_client()
    spec = client.get("/api/openapi.json").json or {}
    assert "/api/v1/accounts" in spec["paths"]
    page = client.get("/api/docs").text
    assert "/api/v1/accounts/{account_id}/holds" in page
    assert "http" not in page.replace("http://localhost", "").replace("http://www.w3.org", "")


def test_a_receipt_is_entered_once_under_its_key(
    api: Machine, platform: runtime.Runtime, scope: Scope
) -> None:
    place(platform, scope)
    path, key = f"/api/v1/tenants/{scope.tenant()}/receipts", {"Idempotency-Key": "counter-000007"}
    body = {"means": "cash", "amount_minor": 700, "currency": "CLP", "received_on": "2026-01-05"}
    first = api.send(path, headers=key, **body)
    assert api.send(path, headers=key, **dict(reversed(body.items()))) == first
    assert len(api.get("/api/v1/receipts")["items"]) == 1
    refused = api.send(path, 409, headers=key, **{**body, "amount_minor": 701})
    assert refused["field"] == "Idempotency-Key"
    assert api.send(path, 422, headers={"Idempotency-Key": "short"}, **body)["field"] == "Idempotency-Key"
    assert api.send(path, **body)["id"] != first["id"]
    # One that was refused leaves nothing: mended, it is taken under the same key.
    again = {"Idempotency-Key": "counter-000008"}
    api.send(path, 422, headers=again, **{**body, "received_on": "2999-01-01"})
    assert api.send(path, headers=again, **body)["id"] != first["id"]


def test_every_request_that_moves_money_says_how_it_is_sent_once(app: Flask) -> None:
    paths = app.test_client().get("/api/openapi.json").get_json()["paths"]
    keyed = {
        path.removeprefix("/api/v1"): one["required"]
        for path, operations in paths.items()
        for one in operations.get("post", {}).get("parameters", [])
        if one.get("name") == "Idempotency-Key"
    }
    assert keyed.pop("/payments") is True
    assert set(keyed.values()) == {False}
    ends = ("receipts", "approve", "assign", "refund", "paid-back", "book", "issue", "payout", "fees")
    of_the_desk = {path.rsplit("/", 1)[1] for path in keyed if path.startswith("/desk/")}
    assert {path.rsplit("/", 1)[1] for path in keyed if not path.startswith("/desk/")} == {
        *ends, "invoice-payments",
    }  # fmt: skip
    assert of_the_desk >= {"offers", "links", "finish"}


def test_how_a_debtor_wants_to_be_reached_is_read_and_set(
    app: Flask, platform: runtime.Runtime, scope: Scope, world: World, api: Machine, owed: debts.Debt
) -> None:
    path = f"/api/v1/accounts/{owed.account_id}/preferences"
    before = api.get(path)
    assert (before["channel"], before["begins"], before["ends"]) == (None, None, None)
    wish: dict[str, Any] = {"channel": "email", "begins": "17:00", "ends": "20:30", "language": "pt"}
    assert api.send(path, 200, "PUT", **wish) == wish
    assert api.get(path) == wish
    with platform.database.transaction(scope) as session:
        event = audit.page(session, holding="outreach.preference_kept")[0]
    assert event.actor.startswith("key:")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"channel": "pigeon"}, "channel"), ({"language": "xx"}, "language"), ({"begins": "late"}, "begins"),
        ({"ends": "16:00"}, "ends"),
    ]  # fmt: skip
    for change, field in wrong:
        assert api.send(path, 422, "PUT", **{**wish, **change})["field"] == field
    open_again: dict[str, Any] = {"channel": None, "begins": None, "ends": None, "language": "es"}
    assert api.send(path, 200, "PUT", **open_again) == open_again
    reader = machine(app, platform, scope, Permission.ACCOUNTS_READ)
    assert reader.get(path) == open_again
    reader.send(path, 403, "PUT", **wish)
    machine(app, platform, world.tenant()).send(path, 404, "PUT", **wish)
