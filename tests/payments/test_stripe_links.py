"""The Stripe link behind a platform link: made once whatever Stripe does, closed when it is out of date, made
anew; and money that goes to the creditor itself (Connect)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.errors import Conflict
from recupero.ledger import remittances
from recupero.ledger.books import Book
from recupero.payments import service as payments
from recupero.payments.tables import Charge, Payment, PaymentLink
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.stripe_server import HANG_UP, LOSE_ANSWER, StripeServer, serve
from tests.payments.test_booking import pay
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


def charges(placed: Placed) -> list[tuple[str, int]]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(select(Charge.state, Charge.amount_minor).order_by(Charge.id))
        return [(state, amount) for state, amount in rows]


def report_direct(placed: Placed, amount: int) -> None:
    from recupero.payments.incoming.direct import book_direct

    row = DirectPayment(1, placed.account_ids[0], "payment", amount, "CLP", "2026-03-10", "line-1")
    with runtime.current().database.transaction(placed.scope) as session:
        book_direct(session, DirectPaymentsReported(1, (row,)))
    jobs.drain()


def test_an_answer_that_is_lost_makes_no_second_link(placed: Placed, stripe: StripeServer) -> None:
    stripe.outages.append(LOSE_ANSWER)
    made = charge(placed, 40_000)
    assert state(made)[0] == "open"
    assert len(stripe.links) == 1


def test_a_charge_given_up_in_an_outage_is_asked_again_with_its_key(
    placed: Placed, stripe: StripeServer
) -> None:
    """Stripe had made the link in the first try: it is found by its key, days of retries later."""
    stripe.outages += [LOSE_ANSWER, HANG_UP, HANG_UP] + [429] * (jobs.MAX_ATTEMPTS - 1)
    made = charge(placed, 40_000)
    for _ in range(jobs.MAX_ATTEMPTS):
        clock.advance(timedelta(minutes=40))
        jobs.drain()
    assert charges(placed) == [("failed", 40_000)]
    again = charge(placed, 40_000)
    assert (again.id, state(again)[0]) == (made.id, "open")
    assert len(stripe.links) == 1


def test_a_direct_payment_closes_the_page_and_a_new_one_asks_for_the_rest(
    placed: Placed, stripe: StripeServer
) -> None:
    charge(placed, 90_000)
    report_direct(placed, 30_000)
    assert charges(placed) == [("cancelled", 90_000), ("open", 60_000)]
    assert [link["active"] for link in stripe.links.values()] == [False, True]
    assert [amount for amount, _ in stripe.amounts.values()] == [90_000, 60_000]


def test_what_is_paid_whole_leaves_no_page_open(placed: Placed, stripe: StripeServer) -> None:
    charge(placed, 90_000)
    report_direct(placed, 90_000)
    assert charges(placed) == [("cancelled", 90_000)]
    assert [link["active"] for link in stripe.links.values()] == [False]


def test_a_revoked_link_closes_its_page_and_takes_no_charge(placed: Placed, stripe: StripeServer) -> None:
    charge(placed, 90_000)
    with runtime.current().database.transaction(placed.scope) as session:
        link = session.execute(select(PaymentLink.id)).scalar_one()
        payments.revoke_link(session, link, actor="user:1")
    jobs.drain()
    assert [found["active"] for found in stripe.links.values()] == [False]
    with (
        runtime.current().database.transaction(placed.scope) as session,
        pytest.raises(Conflict, match="no longer valid"),
    ):
        payments.start_charge(session, link, 90_000)


def test_in_connect_mode_the_creditor_is_paid_and_the_fee_stays(
    client: FlaskClient, platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer
) -> None:
    terms = {"commission": {"rates": [], "tax_rate": 1900}}
    placed = place(platform, world.tenant(), [{"principal": 90_000}], rate=2000, terms=terms)
    switch_on(placed.scope, stripe, destination="acct_shop")
    made = charge(placed, 40_000)
    link = stripe.links[state(made)[1] or ""]
    assert link["transfer_data"]["destination"] == link["on_behalf_of"] == "acct_shop"
    assert link["application_fee_amount"] == 8_000 + 1_520
    post(client, placed, stripe.event("checkout.session.completed", stripe.session(link["id"]), clock.now()))
    jobs.drain()
    books = check(placed)
    assert Book.TRUST_CASH not in books
    assert books[Book.CONNECT_PAYMENTS] == 40_000
    assert books[Book.RECEIVABLE] == 50_000
    assert (books[Book.COMMISSION_EARNED], books[Book.COMMISSION_TAX]) == (-8_000, -1_520)
    assert (books[Book.FEES_TAKEN], books[Book.FEES_INVOICED]) == (9_520, -9_520)
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Payment.kind)).scalar_one() == "connect"


@pytest.mark.parametrize("method", ["net", "gross", "combined"])
def test_a_fee_that_stripe_has_left_with_the_agency_is_not_kept_again(
    client: FlaskClient, platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer,
    method: str,
) -> None:  # fmt: skip
    placed = place(platform, world.tenant(), [{"principal": 90_000}], rate=2000)
    switch_on(placed.scope, stripe, destination="acct_shop")
    link = state(charge(placed, 40_000))[1] or ""
    post(client, placed, stripe.event("checkout.session.completed", stripe.session(link), clock.now()))
    jobs.drain()
    pay(placed, 10_000, "transfer")
    day = clock.now().date()
    clock.advance(timedelta(days=1))
    with platform.database.transaction(placed.scope) as session:
        remittances.set_method(session, method, actor="user:1")
        drawn = remittances.draw(session, currency="CLP", period_from=day, period_to=day, actor="user:1")
        remittances.review(session, drawn.id, actor="user:1")
        issued = remittances.issue(session, drawn.id, actor="user:2")
    assert issued.payable_minor == (10_000 if method == "gross" else 8_000)
    assert issued.invoiced_minor == (10_000 if method == "gross" else 8_000)
    books = check(placed)
    assert books.get(Book.FEES_INVOICED, 0) == (2_000 if method == "gross" else 0)
    assert books[Book.FEES_TAKEN] == 8_000


def test_a_refund_in_connect_mode_owes_the_creditor_the_fee(
    client: FlaskClient, platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 90_000}], rate=2000)
    switch_on(placed.scope, stripe, destination="acct_shop")
    link = state(charge(placed, 40_000))[1] or ""
    for sent in (
        stripe.event("charge.refunded", stripe.charge(link, refunded=40_000), clock.now()),
        stripe.event("checkout.session.completed", stripe.session(link), clock.now()),
    ):
        post(client, placed, sent)
        jobs.drain()
    books = check(placed)
    assert books[Book.RECEIVABLE] == 90_000
    assert Book.COMMISSION_EARNED not in books
    assert (books[Book.FEES_TAKEN], books[Book.FEES_INVOICED]) == (8_000, -8_000)


def test_the_fee_too_is_sent_in_stripes_units(
    platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 9_000}], currency="KWD", rate=1537)
    switch_on(placed.scope, stripe, destination="acct_shop")
    made = charge(placed, 5_120)
    link = stripe.links[state(made)[1] or ""]
    assert link["application_fee_amount"] == 780  # 15.37 % of 5.120 is 0.787: Stripe takes tens of fils
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Charge.fee_minor)).scalar_one() == 780
