"""Our payments against Stripe's record: gaps are booked, fees kept, differences told, nothing twice."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from recupero.kernel import clock, jobs, periodic, runtime
from recupero.ledger import trust
from recupero.ledger.books import Book
from recupero.payments.charging import reconcile
from recupero.payments.incoming import bank_control, statements
from recupero.payments.incoming_tables import Reconciliation
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.stripe_server import StripeServer, serve
from tests.payments.test_events import charge, check
from tests.payments.test_stripe import post, state, switch_on


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with serve() as server:
        yield server


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer) -> Placed:
    made = place(platform, world.tenant(), [{"principal": 90_000}])
    switch_on(made.scope, stripe)
    return made


def link_of(placed: Placed, amount: int = 40_000) -> str:
    return state(charge(placed, amount))[1] or ""


def run(placed: Placed) -> Reconciliation:
    found = reconcile.reconcile(runtime.current().database, placed.scope)
    assert found is not None
    return found


def kinds(found: Reconciliation) -> list[tuple[str, bool]]:
    return [(one["kind"], one["mended"]) for one in found.findings]


def test_a_webhook_that_never_came_is_booked_and_one_that_comes_late_changes_nothing(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    link = link_of(placed)
    late = stripe.event("checkout.session.completed", stripe.session(link), clock.now())
    paid = stripe.record_paid(link, fee=1_500)
    stripe.record_refund(paid, 5_000)
    stripe.record_refund(paid, 10_000)
    found = run(placed)
    assert (found.state, kinds(found)) == (
        "findings", [("missing_payment", True), ("missing_reversal", True)],
    )  # fmt: skip
    books = check(placed)
    assert (books[Book.REFUNDS], books[Book.GATEWAY_FEES]) == (-15_000, 1_500)
    assert books[Book.TRUST_CASH] == 40_000 - 1_500
    post(client, placed, late)
    jobs.drain()
    assert check(placed) == books
    again = run(placed)
    assert (again.state, again.findings) == ("clean", [])
    assert check(placed) == books


def test_a_refund_that_failed_is_mended_and_one_after_it(placed: Placed, stripe: StripeServer) -> None:
    """Refunds of 5,000 (stays), 10,000 (fails) and 3,000 (made before that, stays), and 10,000 once more."""
    paid = stripe.record_paid(link_of(placed))
    refunds = []
    for amount in (5_000, 10_000, 3_000):
        clock.advance(timedelta(minutes=5))
        refunds.append(stripe.record_refund(paid, amount))
    run(placed)
    assert check(placed)[Book.REFUNDS] == -18_000
    clock.advance(timedelta(minutes=5))
    stripe.record_failure(refunds[1], clock.now())
    assert kinds(run(placed)) == [("missing_reversal", True)]
    assert check(placed)[Book.REFUNDS] == -8_000
    assert run(placed).state == "clean"
    clock.advance(timedelta(minutes=5))
    stripe.record_refund(paid, 10_000)
    assert kinds(run(placed)) == [("missing_reversal", True)]
    assert check(placed)[Book.REFUNDS] == -18_000
    assert run(placed).state == "clean"


def test_disputes_and_payouts_are_mended(placed: Placed, stripe: StripeServer) -> None:
    link = link_of(placed)
    stripe.record_paid(link)
    clock.advance(timedelta(minutes=5))
    lost = stripe.record("disputes", stripe.dispute(link, "needs_response"))
    payout = stripe.record("payouts", stripe.payout(12_000, "clp"))
    assert kinds(run(placed)) == [
        ("missing_payment", True), ("missing_reversal", True), ("missing_payout", True),
    ]  # fmt: skip
    assert check(placed)[Book.CHARGEBACKS] == -40_000
    lost["status"], payout["status"] = "won", "failed"
    clock.advance(timedelta(minutes=5))
    lost["balance_transactions"] = [{"fee": 900, "currency": "clp", "created": int(clock.now().timestamp())}]
    assert kinds(run(placed)) == [("missing_reversal", True), ("missing_payout", True)]
    books = check(placed)
    assert Book.CHARGEBACKS not in books
    assert books[Book.GATEWAY_FEES] == 900
    assert run(placed).state == "clean"


def test_a_question_of_the_cards_bank_is_no_dispute(placed: Placed, stripe: StripeServer) -> None:
    link = link_of(placed)
    stripe.record_paid(link)
    stripe.record("disputes", stripe.dispute(link, "warning_needs_response"))
    assert kinds(run(placed)) == [("missing_payment", True)]


def test_every_page_of_the_list_is_read(placed: Placed, stripe: StripeServer) -> None:
    link = link_of(placed)
    mine = stripe.record_paid(link)
    for number in range(230):  # the creditor's own shop sells, too
        stripe.record(
            "charges", {**mine, "id": f"ch_shop{number}", "metadata": {}, "payment_intent": f"pi_s{number}"}
        )
    found = run(placed)
    assert (found.compared, kinds(found)) == (231, [("missing_payment", True)])
    assert [asked for path, _, asked in stripe.requests if path == "/v1/charges"][2]["starting_after"]


def test_other_amounts_and_payments_that_stripe_does_not_know_wait_for_a_person(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    known, unknown = link_of(placed), ""
    post(client, placed, stripe.event("checkout.session.completed", stripe.session(known), clock.now()))
    jobs.drain()
    stripe.record_paid(known)["amount"] = 39_999
    unknown = link_of(placed, 10_000)
    post(client, placed, stripe.event("checkout.session.completed", stripe.session(unknown), clock.now()))
    jobs.drain()
    books = check(placed)
    clock.advance(timedelta(hours=2))
    found = run(placed)
    assert kinds(found) == [("amount_differs", False), ("unknown_to_gateway", False)]
    assert [one["reference"] for one in found.findings] == [f"pi_{known}", f"pi_{unknown}"]
    assert check(placed) == books


def test_a_fee_in_another_currency_is_told_and_not_booked(placed: Placed, stripe: StripeServer) -> None:
    link = link_of(placed)
    stripe.record_paid(link, fee=150)
    stripe.transactions[f"txn_{link}"]["currency"] = "usd"
    found = run(placed)
    assert kinds(found) == [("missing_payment", True), ("fee_currency", False)]
    assert Book.GATEWAY_FEES not in check(placed)


def test_a_stripe_that_is_away_is_said_and_the_next_run_goes_on(placed: Placed, stripe: StripeServer) -> None:
    stripe.outages += [503]
    found = run(placed)
    assert (found.state, found.compared) == ("failed", 0)
    assert "GatewayUnavailable" in (found.problem or "")
    assert run(placed).state == "clean"


def test_the_sandbox_has_no_record(platform: runtime.Runtime, world: World, noon: object) -> None:
    assert reconcile.reconcile(platform.database, world.tenant()) is None


def test_the_daily_job_asks_for_each_creditor(placed: Placed, stripe: StripeServer) -> None:
    stripe.record_paid(link_of(placed))
    assert "payments.reconcile" in periodic.ask_due()
    jobs.drain()
    with runtime.current().database.transaction(placed.scope) as session:
        (found,) = reconcile.latest(session)
    assert kinds(found) == [("missing_payment", True)]


def test_a_payout_clears_its_line_at_the_bank_and_bank_and_books_agree(
    placed: Placed, stripe: StripeServer
) -> None:
    stripe.record_paid(link_of(placed), fee=1_000)
    stripe.record("payouts", stripe.payout(30_000, "clp"))
    run(placed)
    text = "Fecha;Monto;Glosa;Saldo\n11/03/2026;30.000;STRIPE;30.000\n"
    with runtime.current().database.transaction(placed.scope) as session:
        taken = statements.take_file(session, text.encode(), file_name="b.csv", actor="user:1", account="1")
        assert taken.matched == 1
        (position,) = bank_control.bank_positions(session)
        assert trust.balance(session, "CLP") == 39_000
    assert (position.at_gateway_minor, position.difference_minor) == (9_000, 0)
