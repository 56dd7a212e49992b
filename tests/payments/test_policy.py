"""The creditor's policy limits every offer, whoever makes it, and names who may let more through."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.kernel import runtime
from recupero.kernel.errors import NotFound, UserError
from recupero.payments.offers import policy
from recupero.payments.offers.plan_schedule import Choice, Limits, preview
from recupero.payments.offers.policy import Offerer, OfferPolicy
from recupero.placements.terms import check_terms
from tests.factories import World
from tests.ledger.placed import place

TODAY = date(2026, 3, 10)
AGENT = Offerer("agent", "user:1")
ROWS = [{"role": "agent", "settlement_floor_percent": 80, "max_instalments": 3, "promise_days_ahead": 20},
        {"desk": "court", "max_instalments": 2}]  # fmt: skip
TERMS: dict[str, Any] = {
    "settlement_floor_percent": 60, "max_instalments": 6, "minimum_instalment_minor": 50,
    "minimum_instalment_percent": 10, "promise_minimum_percent": 20, "promise_days_ahead": 30,
    "promises_at_once": 1, "offer_limits": ROWS,
}  # fmt: skip


@pytest.fixture
def found(platform: runtime.Runtime, world: World, noon: object) -> OfferPolicy:
    placed = place(platform, world.tenant(), [{"principal": 1001}], terms=TERMS)
    with platform.database.transaction(placed.scope) as session:
        return policy.offer_policy(session, placed.account_ids)


def test_limits_come_from_the_portfolio_sums_rounded_up(found: OfferPolicy) -> None:
    assert (found.floor_minor, found.lowest_instalment_minor, found.lowest_promise_minor) == (601, 101, 201)
    assert found.settles
    assert found.exception_approver == "creditor"


def test_a_role_and_a_desk_are_only_ever_tighter(found: OfferPolicy) -> None:
    assert found.of(AGENT).max_instalments == 3
    assert found.of(Offerer("agent", "user:1", "court")).max_instalments == 2
    assert found.of(Offerer("supervisor", "user:2")).max_instalments == 6


@pytest.mark.parametrize(
    ("amount", "offerer", "approver"),
    [
        (801, AGENT, None),
        (800, AGENT, "supervisor"),
        (601, AGENT, "supervisor"),
        (600, AGENT, "creditor"),
        (601, policy.PAGE, None),
        (600, policy.PAGE, "creditor"),
    ],
)
def test_who_lets_a_settlement_through(
    found: OfferPolicy, amount: int, offerer: Offerer, approver: str | None
) -> None:
    leave = policy.leave_for_settlement(found, offerer, amount, 10, None)
    assert leave.approver == approver
    assert leave.beyond == (("settlement_floor",) if approver else ())
    assert leave.granted_to(Offerer("supervisor", "user:2", approves=frozenset({"supervisor"}))) == (
        approver in (None, "supervisor")
    )


@pytest.mark.parametrize(
    ("amount", "days", "others", "beyond", "approver"),
    [
        (201, 20, 0, (), None),
        (200, 20, 0, ("promise_minimum",), "supervisor"),
        (201, 21, 0, ("promise_days_ahead",), "supervisor"),
        (201, 31, 1, ("promise_days_ahead", "promises_at_once"), "supervisor"),
    ],
)
def test_limits_of_a_promise(
    found: OfferPolicy, amount: int, days: int, others: int, beyond: tuple[str, ...], approver: str | None
) -> None:
    leave = policy.leave_for_promise(found, AGENT, amount, TODAY + timedelta(days=days), TODAY, others)
    assert (leave.beyond, leave.approver) == (beyond, approver)


@settings(deadline=None, max_examples=50)
@given(count=st.integers(1, 20), first=st.integers(0, 120))
def test_a_plan_is_let_through_exactly_where_the_engine_would_make_it(count: int, first: int) -> None:
    limits = OfferPolicy(
        currency="CLP", balance_minor=10_000, settlement_floor_percent=60, max_instalments=8,
        minimum_instalment_minor=700, minimum_instalment_percent=10, first_payment_days=40,
        plan_grace_days=5, offer_days=30, promise_minimum_minor=1, promise_minimum_percent=0,
        promise_days_ahead=60, promises_at_once=9, exception_approver="creditor",
    )  # fmt: skip
    choice = Choice(TODAY + timedelta(days=first), instalments=count)
    wide = Limits(10**3, 1, 10**3)
    free = preview(10_000, wide, choice, today=TODAY, is_working=lambda _: True)
    try:
        preview(10_000, limits.plan_limits, choice, today=TODAY, is_working=lambda _: True)
        makes = True
    except UserError:
        makes = False
    assert (policy.leave_for_plan(limits, AGENT, free, TODAY).approver is None) == makes


def test_the_strictest_of_several_portfolios_holds(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    scope = world.tenant()
    one = place(platform, scope, terms={"max_instalments": 6, "settlement_floor_percent": 90})
    other = place(platform, scope, terms={"max_instalments": 9, "exception_approver": "supervisor"})
    with platform.database.transaction(scope) as session:
        with pytest.raises(UserError, match="one debtor"):
            policy.offer_policy(session, one.account_ids + other.account_ids)
        assert policy.offer_policy(session, other.account_ids).exception_approver == "supervisor"
        assert not policy.offer_policy(session, other.account_ids).settles


def test_accounts_of_another_tenant_have_no_policy(
    platform: runtime.Runtime, world: World, noon: object
) -> None:
    mine, other = place(platform, world.tenant()), place(platform, world.tenant())
    with platform.database.transaction(mine.scope) as session, pytest.raises(NotFound):
        policy.offer_policy(session, other.account_ids)


@pytest.mark.parametrize(
    "terms",
    [
        {"exception_approver": "nobody"},
        {"offer_limits": {}},
        {"offer_limits": [{"max_instalments": 3}]},
        {"offer_limits": [{"role": "agent", "commission_rate": 3}]},
        {"offer_limits": [{"role": "king", "max_instalments": 3}]},
        {"offer_limits": [{"role": "agent", "max_instalments": 0}]},
        {"promises_at_once": 0},
        {"minimum_instalment_percent": 101},
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        check_terms(terms)
    assert check_terms({"offer_limits": ROWS}) == {"offer_limits": ROWS}
