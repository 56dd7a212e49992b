"""Instalments charged to a saved card, against the local Stripe: consent, the day, each way it can end, and
the same books whichever of answer and webhook comes first."""

import itertools
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import PLATFORM
from recupero.kernel.errors import Conflict
from recupero.ledger.books import Book
from recupero.outreach.tables import Action
from recupero.payments import service as payments
from recupero.payments.agreements import plans
from recupero.payments.charging import mandates
from recupero.payments.charging.mandate_tables import AutomaticCharge, Mandate
from recupero.payments.gateways import links
from recupero.payments.offers import hardship
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import PAGE
from recupero.payments.tables import Allocation, Charge, Payment, PaymentLink
from recupero.placements import service as placements
from recupero.placements.tables import ContactPoint, Debtor
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.stripe_server import HANG_UP, LOSE_ANSWER, StripeServer, serve
from tests.payments.test_booking import pay
from tests.payments.test_events import check
from tests.payments.test_plans import look
from tests.payments.test_stripe import post, switch_on

FIRST = date(2026, 3, 20)
WORDS = "I agree that each instalment of this plan is charged to my card."


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with serve() as server:
        yield server


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer) -> Placed:
    return make(platform, world, stripe)


def make(
    platform: runtime.Runtime, world: World, stripe: StripeServer, currency: str = "CLP", of: int = 30_000
) -> Placed:
    """A debtor with a plan of three weekly instalments, the first due on the 20th, and an e-mail."""
    made = place(
        platform, world.tenant(), [{"principal": 2 * of}, {"principal": of}], currency=currency,
        terms={"plan_grace_days": 5},
    )  # fmt: skip
    switch_on(made.scope, stripe)
    with platform.database.transaction(made.scope) as session:
        payments.ensure_links(session, {made.debtor_id: made.account_ids})
        session.add(ContactPoint(
            tenant_id=made.scope.tenant(), debtor_id=made.debtor_id, kind="email", value="maria@example.com",
            value_index=b"x", status="valid", source="test", at_work=False, created_at=clock.now(),
        ))  # fmt: skip
        plans.agree_plan(
            session, account_ids=made.account_ids, offerer=PAGE,
            choice=Choice(FIRST, every="weekly", instalments=3),
        )  # fmt: skip
    return made


def ask(placed: Placed) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        plan = plans.plans_of(session, placed.account_ids)[0]
        link = session.execute(select(PaymentLink.id)).scalar_one()
        mandate = mandates.ask(session, plan_id=plan.id, link_id=link, words=WORDS, asked_with="page")
        mandate_id = mandate.id
    jobs.drain()
    return mandate_id


def consent(client: FlaskClient, placed: Placed, stripe: StripeServer, bank: str = "ok", **card: Any) -> int:
    """The debtor agrees on Stripe's page, and Stripe tells us."""
    mandate_id = ask(placed)
    session = stripe.cards.agree(mandate(placed).reference or "", bank, **card)
    sent = stripe.event("checkout.session.completed", json.loads(json.dumps(session)), clock.now())
    assert [post(client, placed, sent) for _ in range(2)] == [200, 200]
    jobs.drain()
    return mandate_id


def mandate(placed: Placed) -> Mandate:
    with runtime.current().database.transaction(placed.scope) as session:
        return session.execute(select(Mandate).order_by(Mandate.id.desc()).limit(1)).scalar_one()


def on(day: date, hour: int = 12) -> None:
    """That day at an hour in Santiago (three hours behind UTC in March), with the hourly job run."""
    at = clock.now().replace(year=day.year, month=day.month, day=day.day, hour=hour + 3, minute=0)
    clock.set_to(at)
    run()


def run() -> None:
    with runtime.current().database.transaction(PLATFORM) as session:
        jobs.enqueue(session, "payments.charge_cards")
        jobs.enqueue(session, "payments.settle_promises")
    jobs.drain()


def tried(placed: Placed) -> list[tuple[int, str | None, str]]:
    """Each try: attempt, outcome, state of its charge."""
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(
            select(AutomaticCharge.attempt, AutomaticCharge.outcome, Charge.state)
            .join(Charge, Charge.id == AutomaticCharge.charge_id)
            .order_by(AutomaticCharge.id)
        )
        return [tuple(row) for row in rows]


def said(placed: Placed) -> list[tuple[str, str]]:
    with runtime.current().database.transaction(placed.scope) as session:
        rows = session.execute(select(Action.template, Action.channel).order_by(Action.id))
        return [(template, channel) for template, channel in rows if template != "thanks"]


def test_consent_keeps_its_words_limits_and_card(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe, brand="visa", last4="4242", exp_month=8, exp_year=2030)
    kept = mandate(placed)
    assert (kept.state, kept.words, kept.most_minor) == ("active", WORDS, 30_000)
    assert kept.until == date(2026, 4, 6) + timedelta(days=5)  # the last instalment, after Good Friday
    assert (kept.brand, kept.last4, kept.expires) == ("visa", "4242", date(2030, 8, 31))
    (page,) = stripe.cards.sessions.values()
    assert page["custom_text"]["submit"]["message"] == WORDS
    with pytest.raises(Conflict):
        ask(placed)


def test_each_instalment_is_charged_once_on_its_day(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe)
    on(date(2026, 3, 19))
    on(FIRST, hour=6)
    assert stripe.cards.intents == {}, "not before the day, not at night"
    on(FIRST, hour=9)
    run()
    assert look(placed.scope) == [("running", [("paid", 30_000), ("open", 0), ("open", 0)])]
    on(date(2026, 3, 27))
    on(date(2026, 4, 6))
    on(date(2026, 4, 7))
    assert look(placed.scope)[0][0] == "kept"
    assert [one["amount"] for one in stripe.cards.intents.values()] == [30_000] * 3
    assert tried(placed) == [(1, "succeeded", "paid")] * 3
    assert check(placed)[Book.TRUST_CASH] == 90_000
    kept = mandate(placed)
    assert (kept.state, kept.ended_why) == ("ended", "plan_ended")
    assert stripe.cards.methods[kept.method or ""]["customer"] is None, "the card is forgotten"


@pytest.mark.parametrize("first", ["answer", "webhook"])
def test_answer_and_webhook_make_the_same_books(
    client: FlaskClient, placed: Placed, stripe: StripeServer, first: str
) -> None:
    consent(client, placed, stripe)
    if first == "webhook":  # the answer is lost for as long as the worker tries
        stripe.outages += [LOSE_ANSWER, *[HANG_UP] * 2]
    on(FIRST)
    (intent,) = stripe.cards.intents.values()
    sent = stripe.event("payment_intent.succeeded", json.loads(json.dumps(intent)), clock.now())
    for _ in range(2):
        assert post(client, placed, sent) == 200
        jobs.drain()
    clock.advance(timedelta(hours=7))
    run()
    assert len(stripe.cards.intents) == 1
    assert check(placed)[Book.TRUST_CASH] == 30_000
    with runtime.current().database.transaction(placed.scope) as session:
        found = session.execute(select(Payment.external_key, Payment.received_at, Payment.amount_minor)).all()
        lies = session.execute(select(Allocation.account_id, Allocation.amount_minor)).all()
    assert [tuple(one) for one in found] == [
        (f"stripe:{intent['id']}", clock.now().replace(day=20, hour=15), 30_000)
    ]
    assert [tuple(one) for one in lies] == [(placed.account_ids[0], 30_000)]
    assert look(placed.scope)[0][1][0] == ("paid", 30_000)


def test_an_answer_nobody_heard_is_asked_for_again_and_charges_once(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe)
    stripe.outages += [LOSE_ANSWER, *[500] * 40]
    on(FIRST)
    for _ in range(jobs.MAX_ATTEMPTS + 1):
        clock.advance(timedelta(hours=1))
        jobs.drain()
    assert tried(placed) == [(1, None, "pending")]
    stripe.outages.clear()
    stripe.forget_keys()
    on(date(2026, 3, 22))
    assert tried(placed) == [(1, "succeeded", "paid")]
    assert len(stripe.cards.intents) == 1
    assert check(placed)[Book.TRUST_CASH] == 30_000


def test_a_decline_is_tried_twice_more_and_then_the_plan_is_late_as_any_other(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe, "insufficient_funds")
    for day in range(20, 27):
        on(date(2026, 3, day))
    assert tried(placed) == [(number, "declined", "failed") for number in (1, 2, 3)]
    days = [one["created"] for one in stripe.cards.intents.values()]
    assert [later - earlier for earlier, later in itertools.pairwise(days)] == [2 * 86_400] * 2
    assert len({request[1] for request in stripe.requests if request[0] == "/v1/payment_intents"}) == 3
    assert look(placed.scope)[0][0] == "broken"
    assert mandate(placed).ended_why == "plan_ended"


def test_a_second_try_that_goes_through_keeps_the_plan(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe, "insufficient_funds")
    on(FIRST)
    stripe.cards.answers[mandate(placed).method or ""] = "ok"
    on(date(2026, 3, 21))
    assert tried(placed) == [(1, "declined", "failed")]
    on(date(2026, 3, 22))
    assert tried(placed)[1] == (2, "succeeded", "paid")
    assert look(placed.scope)[0] == ("running", [("paid", 30_000), ("open", 0), ("open", 0)])


def test_where_the_bank_wants_its_holder_the_debtor_is_sent_to_their_page(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe, "authentication_required")
    on(FIRST)
    on(date(2026, 3, 22))
    assert tried(placed) == [(1, "needs_payer", "failed")]
    assert said(placed) == [("card_confirmation", "email")]
    pay(placed, 30_000, received_at=clock.now())
    assert look(placed.scope)[0][1][0] == ("paid", 30_000)
    assert mandate(placed).state == "active", "the next instalment is tried again"


@pytest.mark.parametrize("bank", ["lost_card", "expired_card"])
def test_a_card_that_is_gone_ends_the_consent_and_the_debtor_is_told(
    client: FlaskClient, placed: Placed, stripe: StripeServer, bank: str
) -> None:
    consent(client, placed, stripe, bank)
    on(FIRST)
    on(date(2026, 3, 22))
    assert tried(placed) == [(1, "gone", "failed")]
    assert (mandate(placed).state, mandate(placed).ended_why) == ("ended", "gone")
    assert said(placed) == [("card_ended", "email")]


def test_a_detached_card_ends_the_consent(client: FlaskClient, placed: Placed, stripe: StripeServer) -> None:
    consent(client, placed, stripe)
    method = stripe.cards.methods[mandate(placed).method or ""]
    sent = stripe.event("payment_method.detached", {**method, "customer": None}, clock.now())
    post(client, placed, sent)
    jobs.drain()
    assert mandate(placed).ended_why == "gone"
    assert said(placed) == [("card_ended", "email")]
    on(FIRST)
    assert stripe.cards.intents == {}


def test_an_expired_card_is_looked_up_and_one_that_its_bank_renewed_goes_on(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe, exp_month=2, exp_year=2026)
    stripe.cards.methods[mandate(placed).method or ""]["card"].update(exp_year=2029, last4="1881")
    on(FIRST)
    assert (mandate(placed).expires, mandate(placed).last4) == (date(2029, 2, 28), "1881")
    run()
    assert tried(placed) == [(1, "succeeded", "paid")]


def test_an_expired_card_ends_the_consent(client: FlaskClient, placed: Placed, stripe: StripeServer) -> None:
    consent(client, placed, stripe, exp_month=2, exp_year=2026)
    on(FIRST)
    assert (mandate(placed).ended_why, said(placed)) == ("expired", [("card_ended", "email")])
    assert stripe.cards.intents == {}


def test_a_payment_that_takes_days_is_booked_when_it_comes(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe, "processing")
    on(FIRST)
    on(date(2026, 3, 21))
    assert tried(placed) == [(1, "pending", "pending")]
    (intent,) = stripe.cards.intents.values()
    done = {**json.loads(json.dumps(intent)), "status": "succeeded"}
    post(client, placed, stripe.event("payment_intent.succeeded", done, clock.now()))
    jobs.drain()
    assert tried(placed) == [(1, "pending", "paid")]
    assert check(placed)[Book.TRUST_CASH] == 30_000


def test_nothing_is_charged_under_a_hold_and_work_goes_on_after_it(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe)
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=placed.account_ids[1], kind="dispute",
            source="test",
        )  # fmt: skip
    on(FIRST)
    assert tried(placed) == []
    with runtime.current().database.transaction(placed.scope) as session:
        placements.end_holds(session, placed.account_ids, "dispute", by="test")
    on(date(2026, 3, 21))
    assert tried(placed) == [(1, "succeeded", "paid")]


def test_hardship_that_comes_while_the_charge_waits_withdraws_it(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    from recupero.payments.charging import auto_charges

    consent(client, placed, stripe)
    clock.set_to(clock.now().replace(day=20))
    with runtime.current().database.transaction(placed.scope) as session:
        assert auto_charges.charge_due(session) == 1
        hardship.open_case(
            session, debtor_id=placed.debtor_id, kind="illness", severity="low", opened_with="page",
            opened_by="debtor",
        )  # fmt: skip
    jobs.drain()
    assert tried(placed) == [(1, "withdrawn", "cancelled")]
    assert stripe.cards.intents == {}


def test_the_debtor_ends_it_at_any_time(client: FlaskClient, placed: Placed, stripe: StripeServer) -> None:
    mandate_id = consent(client, placed, stripe)
    with runtime.current().database.transaction(placed.scope) as session:
        mandates.revoke(session, mandate_id, actor="debtor")
    jobs.drain()
    on(FIRST)
    kept = mandate(placed)
    assert (kept.ended_why, kept.ended_by, tried(placed)) == ("revoked", "debtor", [])
    assert stripe.cards.methods[kept.method or ""]["customer"] is None
    assert said(placed) == []
    with runtime.current().database.transaction(placed.scope) as session, pytest.raises(Conflict):
        mandates.revoke(session, mandate_id, actor="debtor")


def test_a_consent_withdrawn_while_the_card_is_entered_keeps_no_card(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    mandate_id = ask(placed)
    session_ = stripe.cards.agree(mandate(placed).reference or "")
    with runtime.current().database.transaction(placed.scope) as session:
        mandates.revoke(session, mandate_id, actor="debtor")
    post(client, placed, stripe.event("checkout.session.completed", session_, clock.now()))
    jobs.drain()
    assert (mandate(placed).state, mandate(placed).method) == ("ended", None)
    assert [one["customer"] for one in stripe.cards.methods.values()] == [None]


def test_a_revoked_link_ends_it(client: FlaskClient, placed: Placed, stripe: StripeServer) -> None:
    consent(client, placed, stripe)
    with runtime.current().database.transaction(placed.scope) as session:
        links.revoke_link(session, mandate(placed).link_id, actor="user:1")
    assert mandate(placed).ended_why == "link_revoked"


def test_what_the_debtor_paid_before_is_not_charged(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe)
    pay(placed, 20_000)
    on(FIRST)
    assert [one["amount"] for one in stripe.cards.intents.values()] == [10_000]
    assert look(placed.scope)[0][1][0] == ("paid", 30_000)


def test_a_rest_below_the_smallest_charge_goes_with_the_next_instalment(
    client: FlaskClient, platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer
) -> None:
    placed = make(platform, world, stripe, "MXN", 5_000)
    consent(client, placed, stripe)
    assert mandate(placed).most_minor == 5_999, "with a rest below the ten pesos that Stripe takes"
    pay(placed, 4_200, currency="MXN")
    on(FIRST)
    on(date(2026, 3, 26))
    assert stripe.cards.intents == {}
    assert look(placed.scope)[0] == ("running", [("paid", 4_200), ("open", 0), ("open", 0)])
    on(date(2026, 3, 27))
    on(date(2026, 4, 6))
    assert [one["amount"] for one in stripe.cards.intents.values()] == [5_800, 5_000]
    assert look(placed.scope)[0][0] == "kept"


def test_the_debtors_own_zone_decides_the_day(
    client: FlaskClient, placed: Placed, stripe: StripeServer
) -> None:
    consent(client, placed, stripe)
    with runtime.current().database.transaction(placed.scope) as session:
        session.execute(
            select(Debtor).where(Debtor.id == placed.debtor_id)
        ).scalar_one().timezone = "Pacific/Easter"  # two hours behind Santiago
    on(FIRST, hour=9)
    assert tried(placed) == []
    on(FIRST, hour=10)
    assert len(tried(placed)) == 1


def test_a_recalled_account_is_not_charged(client: FlaskClient, placed: Placed, stripe: StripeServer) -> None:
    consent(client, placed, stripe)
    with runtime.current().database.transaction(placed.scope) as session:
        placements.recall_accounts(session, placed.account_ids)
    on(FIRST)
    assert tried(placed) == []


def test_a_plan_that_has_ended_offers_none(placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        plan = plans.plans_of(session, placed.account_ids)[0]
        assert mandates.bounds(session, plan) is not None
        plans.cancel_plan(session, plan.id, actor="user:1", why="test")
        assert mandates.bounds(session, plan) is None
