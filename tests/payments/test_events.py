"""Providers' events: believed for their signature, stored once, booked in any order and number."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.ledger import queries as ledger
from recupero.ledger.books import Book
from recupero.payments import service as payments
from recupero.payments.charging import inbox
from recupero.payments.gateways import gateways
from recupero.payments.queries import in_suspense, refused_events
from recupero.payments.tables import Charge, Payment, ProviderEvent
from recupero.placements import service as placements
from recupero.tenancy import service as tenancy
from recupero_sdk.gateways import Charge as MadeCharge
from recupero_sdk.gateways import ChargeRequest, PaymentEventKind, PretendGateway
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_booking import pay


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object) -> Placed:
    return place(platform, world.tenant(), [{"principal": 1000}])


def charge(placed: Placed, amount: int = 400) -> Charge:
    """An open charge of the debtor's link, its page made by the worker."""
    database = runtime.current().database
    with database.transaction(placed.scope) as session:
        payments.ensure_links(session, {placed.debtor_id: placed.account_ids})
    with database.transaction(placed.scope) as session:
        from recupero.payments.tables import PaymentLink

        link = session.execute(select(PaymentLink.id)).scalar_one()
        charge_id = payments.start_charge(session, link, amount)
    jobs.drain()
    with database.transaction(placed.scope) as session:
        return session.get_one(Charge, (placed.scope.tenant(), charge_id))


def event(
    made: Charge,
    kind: PaymentEventKind = PaymentEventKind.SUCCEEDED,
    *,
    amount: int | None = None,
    currency: str | None = None,
    reference: str | None = None,
    metadata: dict[str, str] | None = None,
) -> tuple[bytes, dict[str, str]]:
    """A signed event of the sandbox."""
    scope = Scope(1, (made.tenant_id,))
    with runtime.current().database.transaction(scope) as session:
        gateway, config = gateways.open_gateway(session, "sandbox")
    assert isinstance(gateway, PretendGateway)
    default = {"recupero_tenant": str(made.tenant_id), "recupero_charge": str(made.id)}
    request = ChargeRequest(
        made.idempotency_key, made.amount_minor if amount is None else amount,
        currency or made.currency, "", "",
        default if metadata is None else metadata,
    )  # fmt: skip
    body, headers = gateway.pretend(
        MadeCharge(reference or made.reference or "", made.url or ""), request, kind, config, now=clock.now()
    )
    return body, dict(headers)


def post(client: FlaskClient, made: Charge, sent: tuple[bytes, dict[str, str]]) -> int:
    return client.post(f"/webhooks/sandbox/{made.tenant_id}", data=sent[0], headers=sent[1]).status_code


def check(placed: Placed) -> dict[Book, int]:
    with runtime.current().database.transaction(placed.scope) as session:
        assert ledger.check(session) == []
        return {book: amount for (_, _, book), amount in ledger.trial_balance(session).items() if amount}


def events_of(placed: Placed) -> list[tuple[str, str | None]]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(
            select(ProviderEvent.state, ProviderEvent.note)
            .where(ProviderEvent.tenant_id == placed.scope.tenant())
            .order_by(ProviderEvent.id)
        )
        return [(state, note) for state, note in rows]


def test_an_event_is_answered_at_once_and_booked_by_a_worker(client: FlaskClient, placed: Placed) -> None:
    made = charge(placed)
    assert post(client, made, event(made)) == 200
    assert Book.TRUST_CASH not in check(placed)
    jobs.drain()
    assert check(placed)[Book.TRUST_CASH] == 400


def test_an_event_told_many_times_is_booked_once(client: FlaskClient, placed: Placed) -> None:
    made = charge(placed)
    sent = event(made)
    assert [post(client, made, sent) for _ in range(3)] == [200] * 3
    jobs.drain()
    assert post(client, made, sent) == 200
    jobs.drain()
    assert check(placed)[Book.TRUST_CASH] == 400
    assert events_of(placed) == [("done", None)]


def test_a_wrong_signature_is_turned_away(client: FlaskClient, placed: Placed) -> None:
    made = charge(placed)
    body, headers = event(made)
    assert post(client, made, (body.replace(b"400", b"401"), headers)) == 401
    assert post(client, made, (body, {"Sandbox-Signature": "t=1,v1=00"})) == 401
    assert post(client, made, (body, {})) == 401
    assert events_of(placed) == []


def test_a_new_signing_secret_counts_at_once(
    client: FlaskClient, placed: Placed, platform: runtime.Runtime
) -> None:
    made = charge(placed)
    old = event(made)
    assert post(client, made, old) == 200
    with platform.database.transaction(placed.scope) as session:
        tenancy.configure_plugin(
            session, kind="gateway", key="sandbox", enabled=True, settings={},
            secret_values={"signing_secret": "new"}, actor="user:1",
        )  # fmt: skip
    assert post(client, made, event(made)) == 200
    assert post(client, made, old) == 401


def test_a_stale_event_is_turned_away(client: FlaskClient, placed: Placed) -> None:
    made = charge(placed)
    sent = event(made)
    clock.advance(timedelta(minutes=6))
    assert post(client, made, sent) == 400
    assert events_of(placed) == []


def test_an_unknown_creditor_or_gateway_is_not_found(client: FlaskClient, placed: Placed) -> None:
    body, headers = event(charge(placed))
    assert client.post("/webhooks/sandbox/987654321", data=body, headers=headers).status_code == 404
    assert client.post("/webhooks/nothing/1", data=body, headers=headers).status_code == 404
    assert client.post(f"/webhooks/stripe/{placed.scope.tenant()}", data=b"{}", headers={}).status_code == 404


def test_an_event_of_another_tenants_charge_books_nothing(
    client: FlaskClient, placed: Placed, platform: runtime.Runtime, world: World
) -> None:
    other = place(platform, world.tenant(), [{"principal": 1000}])
    theirs = charge(other)
    # signed with our secret, posted to our door, but it names their charge
    mine = charge(placed)
    mine_as_theirs = Charge(
        tenant_id=mine.tenant_id, id=theirs.id, idempotency_key="x", amount_minor=400, currency="CLP",
        reference=theirs.reference, url=theirs.url,
    )  # fmt: skip
    assert post(client, mine, event(mine_as_theirs)) == 200
    jobs.drain()
    assert events_of(placed) == [("refused", "names no charge of this creditor")]
    assert Book.TRUST_CASH not in check(placed)
    assert Book.TRUST_CASH not in check(other)
    with platform.database.transaction(placed.scope) as session:
        assert len(refused_events(session)) == 1


def test_an_amount_that_nobody_asked_for_waits_in_suspense_for_a_person(
    client: FlaskClient, placed: Placed, platform: runtime.Runtime
) -> None:
    made = charge(placed)
    assert post(client, made, event(made, amount=350)) == 200
    jobs.drain()
    assert check(placed)[Book.SUSPENSE] == -350
    assert events_of(placed) == [("done", "asked 400 CLP, received 350 CLP")]
    with platform.database.transaction(placed.scope) as session:
        assert [one.note for one in in_suspense(session)] == ["asked 400 CLP, received 350 CLP"]


def test_an_unknown_currency_is_kept_for_a_person(client: FlaskClient, placed: Placed) -> None:
    made = charge(placed)
    assert post(client, made, event(made, currency="QQQ")) == 200
    jobs.drain()
    assert events_of(placed) == [("refused", "unknown currency 'QQQ'")]
    assert Book.TRUST_CASH not in check(placed)


def test_a_refund_before_its_payment_and_twice_ends_in_the_same_books(
    client: FlaskClient, placed: Placed
) -> None:
    made = charge(placed)
    paid = event(made)
    before = check(placed)
    clock.advance(timedelta(seconds=30))
    refund = event(made, PaymentEventKind.REFUNDED)
    for sent in (refund, paid, refund, paid):
        assert post(client, made, sent) == 200
        jobs.drain()
    back = -check(placed)[Book.REFUNDS]
    assert check(placed) == before | {Book.TRUST_CASH: back, Book.REFUNDS: -back}


def test_a_late_failure_does_not_undo_a_payment(
    client: FlaskClient, placed: Placed, platform: runtime.Runtime
) -> None:
    made = charge(placed)
    post(client, made, event(made))
    post(client, made, event(made, PaymentEventKind.FAILED))
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        assert session.get_one(Charge, (made.tenant_id, made.id)).state == "paid"
    assert check(placed)[Book.TRUST_CASH] == 400


def test_a_paid_link_withdraws_its_other_charge(
    client: FlaskClient, placed: Placed, platform: runtime.Runtime
) -> None:
    first = charge(placed)
    second = charge(placed, 700)
    with platform.database.transaction(placed.scope) as session:
        assert session.get_one(Charge, (first.tenant_id, first.id)).state == "cancelled"
    post(client, second, event(second))
    post(client, first, event(first))  # paid in another window before its page was closed
    jobs.drain()
    assert check(placed)[Book.TRUST_CASH] == 1100
    assert check(placed)[Book.SUSPENSE] == -100


def test_an_unreadable_body_is_a_bad_request(client: FlaskClient, placed: Placed) -> None:
    made = charge(placed)
    big = client.post(f"/webhooks/sandbox/{made.tenant_id}", data=b"x" * (1024 * 1024 + 1))
    assert big.status_code == 413


def test_events_need_no_login_but_nothing_else_is_open_there(client: FlaskClient) -> None:
    assert client.get("/webhooks/sandbox/1").status_code == 405


def test_money_stays_once_when_the_event_is_processed_again_by_hand(
    client: FlaskClient, placed: Placed, platform: runtime.Runtime
) -> None:
    made = charge(placed)
    post(client, made, event(made))
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        stored = session.execute(select(ProviderEvent.id)).scalar_one()
        inbox.process_event(session, stored)
        assert session.execute(select(func.count()).select_from(Payment)).scalar_one() == 1


def test_a_recalled_account_is_not_paid_here_any_more_and_its_page_is_closed(
    placed: Placed, platform: runtime.Runtime
) -> None:
    made = charge(placed)
    with platform.database.transaction(placed.scope) as session:
        placements.recall_accounts(session, placed.account_ids)
        assert session.get_one(Charge, (made.tenant_id, made.id)).state == "cancelled"
        assert payments.payable(session, made.link_id).total_minor == 0


def test_a_direct_payment_withdraws_what_was_asked_before_it(
    placed: Placed, platform: runtime.Runtime
) -> None:
    made = charge(placed)
    pay(placed, 700, kind="direct")
    with platform.database.transaction(placed.scope) as session:
        assert session.get_one(Charge, (made.tenant_id, made.id)).state == "cancelled"
        assert payments.payable(session, made.link_id).total_minor == 300
