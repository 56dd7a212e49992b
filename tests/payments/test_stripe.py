"""Stripe end to end: the official SDK against a local server, and webhooks signed with the real scheme."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from recupero_stripe.gateway import StripeGateway
from sqlalchemy import select

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.ledger.books import TRUST, Book
from recupero.payments.incoming import paying_back
from recupero.payments.incoming_tables import GatewayPayout
from recupero.payments.tables import Charge, Payment
from recupero.tenancy import service as tenancy
from recupero_sdk.gateways import ChargeRequest, GatewayRefused
from recupero_sdk.settings import PluginConfig
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.stripe_server import (
    API_KEY,
    CUT,
    LEFT_OUT,
    PUBLISHED,
    SHAPES,
    WEBHOOK_SECRET,
    StripeServer,
    serve,
    sign,
)
from tests.payments.test_events import charge, check, events_of


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with serve() as server:
        yield server


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def switch_on(scope: Scope, stripe: StripeServer, **settings: str) -> None:
    with runtime.current().database.transaction(scope) as session:
        tenancy.configure_plugin(
            session, kind="gateway", key="stripe", enabled=True,
            settings={"api_base": stripe.url, **settings},
            secret_values={"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET}, actor="system",
        )  # fmt: skip


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer) -> Placed:
    made = place(platform, world.tenant(), [{"principal": 90_000}])
    switch_on(made.scope, stripe)
    return made


def post(client: FlaskClient, placed: Placed, sent: tuple[bytes, dict[str, str]]) -> int:
    return client.post(f"/webhooks/stripe/{placed.scope.tenant()}", data=sent[0], headers=sent[1]).status_code


def state(made: Charge) -> tuple[str, str | None]:
    with runtime.current().database.transaction(Scope(1, (made.tenant_id,))) as session:
        found = session.get_one(Charge, (made.tenant_id, made.id))
        return found.state, found.reference


def test_a_worker_makes_one_link_with_an_inline_price_and_our_numbers(
    placed: Placed, stripe: StripeServer
) -> None:
    made = charge(placed, 40_000)
    assert state(made)[0] == "open"
    (link,) = stripe.links.values()
    assert stripe.amounts[link["id"]] == (40_000, "clp")
    assert link["metadata"] == {
        "recupero_tenant": str(placed.scope.tenant()), "recupero_charge": str(made.id),
    }  # fmt: skip
    assert link["restrictions"]["completed_sessions"]["limit"] == 1
    assert stripe.requests[0][1] == made.idempotency_key


def test_outages_are_retried_with_the_same_key_and_never_make_a_second_link(
    placed: Placed, stripe: StripeServer
) -> None:
    stripe.outages += [500, 429]
    made = charge(placed, 40_000)
    assert state(made) == ("wanted", None)
    for _ in range(4):
        clock.advance(timedelta(minutes=20))
        jobs.drain()
    assert state(made)[0] == "open"
    assert len(stripe.links) == 1
    assert {key for path, key, _ in stripe.requests if path == "/v1/payment_links"} == {made.idempotency_key}


def test_a_long_outage_ends_and_the_debtor_may_ask_again(placed: Placed, stripe: StripeServer) -> None:
    stripe.outages += [500] * jobs.MAX_ATTEMPTS
    made = charge(placed, 40_000)
    for _ in range(jobs.MAX_ATTEMPTS):
        clock.advance(timedelta(minutes=40))
        jobs.drain()
    assert state(made) == ("failed", None)
    assert state(charge(placed, 40_000))[0] == "open"


def test_a_lost_connection_is_retried_by_the_sdk_with_the_same_key(
    placed: Placed, stripe: StripeServer
) -> None:
    stripe.outages.append(0)
    made = charge(placed, 40_000)
    assert state(made)[0] == "open"
    assert [key for _, key, _ in stripe.requests] == [made.idempotency_key] * 2
    assert len(stripe.links) == 1


def test_what_stripe_refuses_is_not_asked_again(
    platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 90_000}])
    with platform.database.transaction(placed.scope) as session:
        tenancy.configure_plugin(
            session, kind="gateway", key="stripe", enabled=True, settings={"api_base": stripe.url},
            secret_values={"api_key": "sk_test_wrong", "webhook_secret": WEBHOOK_SECRET}, actor="system",
        )  # fmt: skip
    made = charge(placed, 40_000)
    assert state(made) == ("failed", None)
    assert len(stripe.requests) == 1


def test_another_amount_deactivates_the_link_before_it(placed: Placed, stripe: StripeServer) -> None:
    first = charge(placed, 40_000)
    second = charge(placed, 50_000)
    assert (state(first)[0], state(second)[0]) == ("cancelled", "open")
    assert [link["active"] for link in stripe.links.values()] == [False, True]


def test_a_connected_account_is_charged_on_its_behalf(
    platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 90_000}])
    switch_on(placed.scope, stripe, account="acct_1")
    charge(placed, 40_000)
    assert stripe.accounts == ["acct_1"]


def test_a_completed_session_is_booked_once(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    made = charge(placed, 40_000)
    link = state(made)[1] or ""
    sent = stripe.event("checkout.session.completed", stripe.session(link), clock.now())
    assert [post(client, placed, sent) for _ in range(2)] == [200, 200]
    jobs.drain()
    assert check(placed)[Book.TRUST_CASH] == 40_000
    assert state(made)[0] == "paid"


def test_an_asynchronous_payment_is_booked_when_it_succeeds(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    made = charge(placed, 40_000)
    link = state(made)[1] or ""
    session = stripe.session(link, paid=False)
    post(client, placed, stripe.event("checkout.session.completed", session, clock.now()))
    jobs.drain()
    assert state(made)[0] == "pending"
    assert Book.TRUST_CASH not in check(placed)
    post(client, placed, stripe.event("checkout.session.async_payment_succeeded", session, clock.now()))
    jobs.drain()
    assert check(placed)[Book.TRUST_CASH] == 40_000


def in_trust(placed: Placed) -> tuple[int, int, int]:
    """Received, refunded, charged back."""
    held = check(placed)
    return held[Book.TRUST_CASH], held.get(Book.REFUNDS, 0), held.get(Book.CHARGEBACKS, 0)


def test_refunds_and_disputes_in_any_order(client: FlaskClient, placed: Placed, stripe: StripeServer) -> None:
    made = charge(placed, 40_000)
    link = state(made)[1] or ""
    paid = stripe.event("checkout.session.completed", stripe.session(link), clock.now())
    clock.advance(timedelta(minutes=1))
    part = stripe.event("charge.refunded", stripe.charge(link, refunded=10_000), clock.now())
    more = stripe.event("charge.refunded", stripe.charge(link, refunded=15_000), clock.now())
    for sent in (more, paid, part):
        assert post(client, placed, sent) == 200
        jobs.drain()
    assert in_trust(placed) == (40_000, -15_000, 0)
    clock.advance(timedelta(minutes=1))
    post(
        client,
        placed,
        stripe.event("charge.dispute.created", stripe.dispute(link, "needs_response"), clock.now()),
    )
    jobs.drain()
    assert in_trust(placed) == (40_000, -15_000, -25_000)
    clock.advance(timedelta(minutes=1))
    post(client, placed, stripe.event("charge.dispute.closed", stripe.dispute(link, "won"), clock.now()))
    jobs.drain()
    assert in_trust(placed) == (40_000, -15_000, 0)


def test_events_of_the_creditors_own_shop_are_not_ours(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    made = charge(placed, 40_000)
    session = {
        **stripe.session(state(made)[1] or ""),
        "payment_link": None,
        "metadata": {},
        "payment_intent": "pi_x",
    }
    post(client, placed, stripe.event("checkout.session.completed", session, clock.now()))
    post(client, placed, stripe.event("invoice.paid", {"object": "invoice"}, clock.now()))
    jobs.drain()
    assert events_of(placed) == [
        ("refused", "names no charge of this creditor"), ("done", "says nothing about our charges"),
    ]  # fmt: skip
    assert Book.TRUST_CASH not in check(placed)


def test_wrong_secret_stale_and_unreadable_events_are_turned_away(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    thing = {"object": "charge"}
    assert post(client, placed, stripe.event("charge.refunded", thing, clock.now(), "whsec_other")) == 401
    assert (
        post(client, placed, stripe.event("charge.refunded", thing, clock.now() - timedelta(minutes=6)))
        == 400
    )
    assert post(client, placed, (b"no json", sign(b"no json", clock.now()))) == 400
    assert post(client, placed, (b"{}", sign(b"{}", clock.now()))) == 400
    assert post(client, placed, (b"{}", {"Stripe-Signature": "nonsense"})) == 401
    assert events_of(placed) == []


def test_the_sandbox_is_closed_where_real_money_is_taken(client: FlaskClient, placed: Placed) -> None:
    tenant = placed.scope.tenant()
    assert client.post(f"/webhooks/sandbox/{tenant}", data=b"{}").status_code == 404
    assert client.get(f"/sandbox/pay/{tenant}-0123456789abcdef01234567").status_code == 404


@pytest.mark.parametrize(
    ("currency", "minor", "units"),
    [("CLP", 5000, 5000), ("USD", 5000, 5000), ("KWD", 5120, 5120), ("ISK", 50, 5000)],
)
def test_each_currency_is_asked_for_in_stripes_units_and_booked_in_ours(
    client: FlaskClient, platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer,
    currency: str, minor: int, units: int,
) -> None:  # fmt: skip
    placed = place(platform, world.tenant(), [{"principal": 9000}], currency=currency)
    switch_on(placed.scope, stripe)
    made = charge(placed, minor)
    link = state(made)[1] or ""
    assert stripe.amounts[link] == (units, currency.lower())
    post(client, placed, stripe.event("checkout.session.completed", stripe.session(link), clock.now()))
    jobs.drain()
    with platform.database.transaction(placed.scope) as session:
        assert session.execute(select(Payment.amount_minor, Payment.currency)).one() == (minor, currency)


def test_an_amount_that_stripe_cannot_take_is_refused_before_it_is_sent(
    platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 9000}], currency="KWD")
    switch_on(placed.scope, stripe)
    with pytest.raises(UserError, match=r"in steps of 0\.010 KWD"):
        charge(placed, 5124)
    assert stripe.requests == []


def test_a_dispute_in_all_its_words(client: FlaskClient, placed: Placed, stripe: StripeServer) -> None:
    """A question moves no money; a dispute takes it; funds that come back are ours again; lost is lost."""
    made = charge(placed, 40_000)
    link = state(made)[1] or ""
    dispute = partial(stripe.dispute, link)
    said = [
        ("checkout.session.completed", stripe.session(link), 40_000),
        ("charge.dispute.created", dispute("warning_needs_response"), 40_000),
        ("charge.dispute.created", dispute("needs_response"), 0),
        ("charge.dispute.funds_withdrawn", dispute("needs_response"), 0),
        ("charge.dispute.updated", dispute("under_review"), 0),
        ("charge.dispute.funds_reinstated", dispute("won"), 40_000),
        ("charge.dispute.closed", dispute("won"), 40_000),
        ("charge.dispute.created", dispute("needs_response"), 0),
        ("charge.dispute.closed", dispute("lost"), 0),
    ]
    for kind, thing, left in said:
        clock.advance(timedelta(minutes=1))
        sent = stripe.event(kind, thing, clock.now())
        assert [post(client, placed, sent) for _ in range(2)] == [200, 200]
        jobs.drain()
        assert trust(placed) == left, kind


def trust(placed: Placed) -> int:
    books = check(placed)
    return sum(books.get(book, 0) for book in TRUST)


def test_a_declined_card_is_no_payment_and_the_next_try_is(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    made = charge(placed, 40_000)
    link = state(made)[1] or ""
    post(client, placed, stripe.event("payment_intent.payment_failed", stripe.intent(link), clock.now()))
    jobs.drain()
    assert state(made)[0] == "failed"
    post(client, placed, stripe.event("checkout.session.completed", stripe.session(link), clock.now()))
    jobs.drain()
    assert (state(made)[0], trust(placed)) == ("paid", 40_000)


def test_an_async_payment_that_fails(client: FlaskClient, placed: Placed, stripe: StripeServer) -> None:
    made = charge(placed, 40_000)
    link = state(made)[1] or ""
    for kind in ("checkout.session.completed", "checkout.session.async_payment_failed"):
        post(client, placed, stripe.event(kind, stripe.session(link, paid=False), clock.now()))
        jobs.drain()
    assert (state(made)[0], trust(placed)) == ("failed", 0)


@pytest.mark.parametrize("order", [("paid", "failed"), ("failed", "paid")])
def test_payouts_are_kept_and_one_that_failed_failed(
    client: FlaskClient, placed: Placed, stripe: StripeServer, order: tuple[str, str]
) -> None:
    payout = stripe.payout(39_000, "clp")
    events = {
        name: stripe.event(f"payout.{name}", payout, clock.now() + timedelta(seconds=number))
        for number, name in enumerate(("paid", "failed"))
    }
    for name in order:
        post(client, placed, events[name])
        jobs.drain()
    with runtime.current().database.transaction(placed.scope) as session:
        found = session.execute(
            select(GatewayPayout.reference, GatewayPayout.amount_minor, GatewayPayout.state)
        ).all()
    assert [tuple(row) for row in found] == [(payout["id"], 39_000, "failed")]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_refund_that_fails_is_as_if_never_made_and_is_to_be_paid_back_another_way(
    client: FlaskClient, placed: Placed, stripe: StripeServer, order: tuple[int, ...]
) -> None:
    """In any order, each twice; the failure is told by three events."""
    made = charge(placed, 40_000)
    link = state(made)[1] or ""
    refund = stripe.refund(link, 30_000, "failed")
    told = [
        ("checkout.session.completed", stripe.session(link)),
        ("charge.refunded", stripe.charge(link, refunded=30_000)),
        ("refund.failed", refund),
        ("charge.refund.updated", refund),
    ]
    start = clock.now()
    sent = [stripe.event(kind, thing, start + timedelta(minutes=n)) for n, (kind, thing) in enumerate(told)]
    clock.advance(timedelta(minutes=4))
    for _ in range(2):
        for which in order:
            assert post(client, placed, sent[which]) == 200
            jobs.drain()
    assert trust(placed) == 40_000
    with runtime.current().database.transaction(placed.scope) as session:
        (task,) = paying_back.tasks(session)
        assert (task.amount_minor, task.failed_minor) == (30_000, 30_000)
        paying_back.paid_back(session, task.id, means="transfer", reference="transfer 7", actor="user:2")
    assert trust(placed) == 10_000
    with runtime.current().database.transaction(placed.scope) as session:
        assert list(paying_back.tasks(session)) == []


def test_a_refund_that_fails_and_one_that_arrives_after_it(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    """Stripe's sum of all refunds is lower after the failure, so the next one tells the same sum again."""
    link = state(charge(placed, 40_000))[1] or ""
    said = [
        ("checkout.session.completed", stripe.session(link), 40_000),
        ("charge.refunded", stripe.charge(link, refunded=30_000), 10_000),
        ("refund.updated", stripe.refund(link, 30_000, "failed"), 40_000),
        ("charge.refunded", stripe.charge(link, refunded=30_000), 10_000),
    ]
    for kind, thing, left in said:
        clock.advance(timedelta(minutes=1))
        post(client, placed, stripe.event(kind, thing, clock.now()))
        jobs.drain()
        assert trust(placed) == left, kind
    with runtime.current().database.transaction(placed.scope) as session:
        assert list(paying_back.tasks(session)) == []
        assert [task.amount_minor for task in paying_back.tasks(session, state="void")] == [30_000]


def test_a_failed_refund_without_amount_is_refused(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    thing = {**SHAPES["refund"], "amount": 0, "currency": "clp", "payment_intent": "pi_1"}
    post(client, placed, stripe.event("refund.failed", thing, clock.now()))
    jobs.drain()
    assert events_of(placed) == [("refused", "a failed refund without reference or amount")]


def test_the_same_key_with_other_parameters_is_an_error(stripe: StripeServer) -> None:
    config = PluginConfig({"api_base": stripe.url}, {"api_key": API_KEY})
    request = ChargeRequest("key-1", 5000, "CLP", "Shop", "https://example.com/thanks")
    made = StripeGateway().create_charge(request, config)
    assert StripeGateway().create_charge(request, config) == made
    with pytest.raises(GatewayRefused, match="IdempotencyError"):
        StripeGateway().create_charge(replace(request, amount_minor=6000), config)
    assert len(stripe.links) == 1


def test_the_shapes_kept_here_are_stripes_own() -> None:
    """The cut in the repository holds nothing that the published file does not say."""
    if not PUBLISHED.exists():
        pytest.skip(LEFT_OUT)
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))["resources"]
    for name, cut in json.loads(CUT.read_text(encoding="utf-8")).items():
        assert not _beyond(cut, published[name]), name


def _beyond(cut: dict[str, object], whole: dict[str, object]) -> list[str]:
    found = []
    for key, value in cut.items():
        other = whole.get(key, KeyError)
        if isinstance(value, dict) and isinstance(other, dict):
            found += _beyond(value, other)
        elif value != other:
            found.append(key)
    return found
