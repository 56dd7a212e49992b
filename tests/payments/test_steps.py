"""A gateway that takes a currency in steps only: Stripe charges dinars in tens of their smallest unit."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.errors import Conflict, UserError
from recupero.ledger.books import Book
from recupero.payments import service as payments
from recupero.payments.agreements import settlements
from recupero.payments.gateways import charges
from recupero.payments.offers.offer_tables import PlanInstalment
from recupero.payments.offers.plan_schedule import Choice, Limits, preview
from recupero.payments.offers.policy import Offerer
from recupero.payments.tables import Charge, PaymentLink
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.stripe_server import StripeServer, serve
from tests.payments.test_events import check
from tests.payments.test_plans import agree
from tests.payments.test_stripe import post, state, switch_on
from tests.portals.debtor.test_account import prove, send


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with serve() as server:
        yield server


@pytest.fixture
def placed(platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer) -> Placed:
    made = place(platform, world.tenant(), [{"principal": 9_004}], currency="KWD")
    switch_on(made.scope, stripe)
    return made


@pytest.fixture
def path(platform: runtime.Runtime, placed: Placed) -> str:
    with platform.database.transaction(placed.scope) as session:
        url = payments.ensure_links(session, {placed.debtor_id: placed.account_ids})[placed.debtor_id]
    return url.removeprefix(platform.config.base_url)


def payable(placed: Placed) -> charges.Payable:
    with runtime.current().database.transaction(placed.scope) as session:
        return charges.payable(session, session.execute(select(PaymentLink.id)).scalar_one())


def all_charges(placed: Placed) -> list[Charge]:
    with runtime.current().database.transaction(placed.scope) as session:
        return list(session.execute(select(Charge).order_by(Charge.id)).scalars())


def paid(app: Flask, placed: Placed, stripe: StripeServer, made: Charge) -> None:
    link = state(made)[1] or ""
    sent = stripe.event("checkout.session.completed", stripe.session(link), clock.now())
    assert post(app.test_client(), placed, sent) == 200
    jobs.drain()


def test_everything_is_paid_but_what_stripe_cannot_take_which_stays_and_is_said(
    app: Flask, placed: Placed, path: str, stripe: StripeServer
) -> None:
    client = app.test_client()
    prove(client, path)
    page = client.get(path).text
    assert re.search(r"KWD\s?0[.,]004|0[.,]004\s?KWD", page), "what stays on the account"
    send(client, path, f"{path}/pay", full="1")
    jobs.drain()
    (made,) = all_charges(placed)
    assert (state(made)[0], made.amount_minor) == ("open", 9_000)
    paid(app, placed, stripe, made)
    assert check(placed)[Book.RECEIVABLE] == 4
    assert (payable(placed).total_minor, payable(placed).rest_minor) == (0, 4)
    assert [one.state for one in all_charges(placed)] == ["paid"], "no charge over the rest is tried"
    page = client.get(path).text
    assert f"{path}/pay" not in page
    assert re.search(r"0[.,]004", page)
    assert re.search(r"0[.,]004", client.get(f"{path}/thanks").text)
    send(client, f"{path}/stop", f"{path}/pay", full="1")  # the page itself offers no form to pay any more
    with runtime.current().database.transaction(placed.scope) as session, pytest.raises(Conflict):
        charges.start_charge(session, made.link_id, 4)
    jobs.drain()
    assert len(all_charges(placed)) == 1
    assert len(stripe.links) == 1


def test_an_amount_off_the_step_is_refused_where_it_is_typed(
    app: Flask, placed: Placed, path: str, stripe: StripeServer
) -> None:
    client = app.test_client()
    prove(client, path)
    answer = send(client, path, f"{path}/pay", amount="5,124")
    assert answer.status_code in (200, 422)
    assert "0.010 KWD" in answer.text
    jobs.drain()
    assert (all_charges(placed), stripe.requests) == ([], [])


def test_a_charge_that_is_made_anew_is_one_that_stripe_takes(
    app: Flask, placed: Placed, path: str, stripe: StripeServer
) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        link_id = session.execute(select(PaymentLink.id)).scalar_one()
        charges.start_charge(session, link_id, 9_000)
    jobs.drain()
    with runtime.current().database.transaction(placed.scope) as session:
        charges.renew(session, link_id)
    jobs.drain()
    assert [(one.state, one.amount_minor) for one in all_charges(placed)] == [
        ("cancelled", 9_000), ("open", 9_000)
    ]  # fmt: skip
    assert all(amount % 10 == 0 for amount, _currency in stripe.amounts.values())


def test_plans_and_settlements_go_in_steps(placed: Placed, path: str) -> None:
    agree(placed)  # three instalments
    with runtime.current().database.transaction(placed.scope) as session:
        amounts = session.execute(select(PlanInstalment.amount_minor)).scalars().all()
        until = clock.now().date() + timedelta(days=5)
        with pytest.raises(UserError, match="in steps of"):
            settlements.propose(session, placed.account_ids, 8_005, until, Offerer("agent", "user:1"))
        settlements.propose(session, placed.account_ids, 8_010, until, Offerer("agent", "user:1"))
    assert sum(amounts) == 9_000
    assert all(amount % 10 == 0 for amount in amounts)
    can = payable(placed)
    assert [can.fitting(amount) for amount in (1, 3_333, 9_003, 99_999)] == [10, 3_340, 9_000, 9_000]


def test_where_people_use_no_cents_instalments_are_whole_and_the_last_takes_them(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 33_730_050}], currency="COP")
    agree(placed)
    with platform.database.transaction(placed.scope) as session:
        amounts = session.execute(
            select(PlanInstalment.amount_minor).order_by(PlanInstalment.number)
        ).scalars()
        assert list(amounts) == [11_243_300, 11_243_300, 11_243_450]


@given(st.integers(1, 10**7), st.integers(1, 12), st.integers(0, 50), st.sampled_from([1, 10, 100]))
def test_instalments_are_multiples_of_the_step_and_sum_to_the_total(
    units: int, count: int, rising: int, step: int
) -> None:
    total, today = max(units, count) * step, clock.now().date()
    choice = Choice(first_on=today, instalments=count, step_percent=rising)
    try:
        made = preview(
            total, Limits(12, 1, 60), choice, today=today, is_working=lambda _: True, unit_minor=step
        )
    except UserError:
        assert units < count * 100, "only where a share would be nothing"
        return
    assert sum(one.amount_minor for one in made.instalments) == total
    assert all(one.amount_minor % step == 0 for one in made.instalments)


def test_all_that_is_too_little_for_stripe_is_not_asked_for(
    platform: runtime.Runtime, world: World, noon: object, stripe: StripeServer
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 30}], currency="EUR")
    switch_on(placed.scope, stripe)
    with platform.database.transaction(placed.scope) as session:
        payments.ensure_links(session, {placed.debtor_id: placed.account_ids})
    assert (payable(placed).total_minor, payable(placed).owed_minor) == (0, 30)
