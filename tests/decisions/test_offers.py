"""Offers: never beyond limits or means, ranked by what is expected, learned from agreements that are over."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.decisions.advice import offers
from recupero.decisions.advice.offers import FULL, PLAN, SETTLEMENT, Advice
from recupero.decisions.filling import Filling, fill
from recupero.decisions.history import offer_history
from recupero.decisions.learning import registry, serving, training
from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.payments.agreements import plans
from recupero.payments.offers import affordability
from recupero.payments.offers.offer_tables import MeansStatement, Plan, PlanInstalment, Settlement
from recupero.payments.offers.plan_schedule import Choice, working_days
from recupero.payments.offers.policy import (
    DEFAULTS,
    PAGE,
    Offerer,
    OfferPolicy,
    leave_for_plan,
    leave_for_settlement,
)
from recupero.placements.tables import Account, Portfolio
from tests.decisions.debts import Debt, debt, portfolio
from tests.decisions.promised import DAY, moved, promised
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
AGENT = Offerer("agent", "user:1")


def _plan_of(
    owed: Debt, ago: float, months: int, amount: int, **more: Any
) -> tuple[Plan, list[PlanInstalment]]:
    """A monthly plan as the tables keep it, agreed so many days ago."""
    at = clock.now() - ago * DAY
    values = {"state": "running", "ended_at": None, **more}
    plan = Plan(
        tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, account_ids=[owed.account_id], currency="CLP",
        total_minor=amount, choice={"down_payment_minor": 0}, grace_days=5, made_with="agent",
        made_by="user:1", agreed_at=at, beyond=[], **values,
    )  # fmt: skip
    return plan, [
        PlanInstalment(
            tenant_id=owed.tenant_id, number=place + 1, due_date=at.date() + (7 + 30 * place) * DAY,
            amount_minor=amount // months,
        )
        for place in range(months)
    ]  # fmt: skip


def _agree(session: Session, owed: Debt, ago: float, months: int, amount: int, **more: Any) -> int:
    plan, instalments = _plan_of(owed, ago, months, amount, **more)
    session.add(plan)
    session.flush()
    for one in instalments:
        one.plan_id = plan.id
    session.add_all(instalments)
    session.flush()
    return plan.id


def _settle(session: Session, owed: Debt, ago: float, **more: Any) -> int:
    made = (clock.now() - ago * DAY).date()
    values = {"state": "offered", "accepted_at": None, "settled_at": None, **more}
    row = Settlement(
        tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, account_ids=[owed.account_id], currency="CLP",
        balance_minor=100_000, amount_minor=70_000, instalments=1, choice=None, valid_until=made + 14 * DAY,
        pay_by=made + 10 * DAY, made_with="agent", made_by="user:1", made_at=clock.now() - ago * DAY,
        beyond=[], **values,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def test_what_came_of_offers_is_what_is_learned(world: World) -> None:
    now = clock.now()
    with world.platform.database.transaction(world.tenant()) as session:
        book = portfolio(session)

        def owed() -> Debt:
            return debt(session, book, balance=100_000, placed_ago=600)

        _agree(session, owed(), 100, 2, 50_000, state="kept", ended_at=now - 60 * DAY)
        _agree(session, owed(), 100, 2, 60_000, state="broken", ended_at=now - 80 * DAY)
        _agree(session, owed(), 300, 12, 70_000, state="broken", ended_at=now - 10 * DAY)  # held half a year
        _agree(session, owed(), 300, 12, 71_000)
        _agree(session, owed(), 30, 12, 72_000)  # not known yet
        _agree(session, owed(), 30, 12, 73_000, state="broken", ended_at=now - DAY)  # as if it were not
        _agree(session, owed(), 100, 2, 74_000, state="cancelled", ended_at=now)
        _settle(session, owed(), 40, state="settled", accepted_at=now - 38 * DAY, settled_at=now - 35 * DAY)
        _settle(session, owed(), 40, state="expired")
        _settle(session, owed(), 40, state="lapsed", accepted_at=now - 38 * DAY)
        _settle(session, owed(), 40, state="withdrawn")
        _settle(session, owed(), 4)
        whole = owed()
        session.add(promised(whole, 100_000, 30, 5))
        session.add(promised(owed(), 40_000, 30, 5))  # a part: no offer of the whole
        session.add_all(moved(whole, 99_000, 27))
        session.flush()
        data = offer_history.build(session, now)
        late = offer_history.today(session, now)
    told = sorted(
        (plan, settled, round(months), kept)
        for plan, settled, months, kept in zip(
            data.values["is_plan"], data.values["is_settlement"], data.values["months"], data.target,
            strict=True,
        )
    )  # fmt: skip
    assert told == [
        (0, 0, 0, 1),  # the whole
        (0, 1, 0, 0), (0, 1, 0, 0), (0, 1, 0, 1),
        (1, 0, 1, 0), (1, 0, 1, 1), (1, 0, 11, 1), (1, 0, 11, 1),
    ]  # fmt: skip
    assert len(late["is_plan"]) == 6
    assert set(data.values) == set(offer_history.NAMES)


def test_the_terms_and_the_means_of_then_are_the_vector(world: World) -> None:
    with world.platform.database.transaction(world.tenant()) as session:
        owed = debt(session, portfolio(session), balance=100_000, placed_ago=600)
        _tell(session, owed, income=100_000, expenses=60_000)
        session.execute(select(MeansStatement)).scalar_one().told_at = clock.now() - 120 * DAY
        _agree(session, owed, 100, 2, 60_000, state="kept", ended_at=clock.now() - 60 * DAY)
        before = offer_history.build(session, clock.now()).values
        _tell(session, owed, income=10, expenses=0)
        session.add_all(moved(owed, 5_000, 20))
        session.flush()
        values = offer_history.build(session, clock.now()).values
    for name in offer_history.NAMES:
        np.testing.assert_array_equal(values[name], before[name], err_msg=name)
    found = {name: float(column[0]) for name, column in values.items()}
    assert (found["parts"], found["largest_share"], found["first_days"], found["discount"]) == (2, 0.5, 7, 0)
    assert found["months"] == pytest.approx(37 / offer_history.MONTH)
    assert found["burden"] == pytest.approx(60_000 / found["months"] / 20_000)


def _tell(session: Session, owed: Debt, *, income: int, expenses: int) -> None:
    affordability.keep(
        session, debtor_id=owed.debtor_id, currency="CLP", answers={"wages": income, "food": expenses},
        told_with="page",
    )  # fmt: skip


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    balance=st.integers(1, 5_000_000),
    limits=st.fixed_dictionaries({
        "settlement_floor_percent": st.integers(1, 100), "max_instalments": st.integers(1, 36),
        "minimum_instalment_minor": st.integers(1, 300_000),
        "minimum_instalment_percent": st.integers(0, 60), "first_payment_days": st.integers(0, 60),
        "offer_days": st.integers(0, 30),
    }),
    role=st.one_of(st.none(), st.fixed_dictionaries({"max_instalments": st.integers(1, 12),
                                                     "settlement_floor_percent": st.integers(1, 100)})),
)  # fmt: skip
def test_no_offer_is_beyond_what_the_offerer_may_agree_alone(
    balance: int, limits: dict[str, int], role: dict[str, int] | None
) -> None:
    policy = OfferPolicy(
        currency="CLP", balance_minor=balance, exception_approver="creditor",
        role_limits=() if role is None else ({"role": "agent", **role},), **{**DEFAULTS, **limits},
    )  # fmt: skip
    today = date(2026, 3, 10)
    within = offers._Limits.of(policy, AGENT, today, working_days("CL"), 1)
    found = offers._candidates(within)
    assert found[0].kind == FULL
    for one in found[1:]:
        assert sum(amount for _day, amount in one.rows) == one.total_minor
        assert min(amount for _day, amount in one.rows) > 0
        again = offers._plan(within, one.count, 20 if one.down_minor else 0) if one.kind == PLAN else None
        if one.kind == PLAN:
            assert again is not None
            assert max(one.count + bool(one.down_minor), 1) <= policy.of(AGENT).max_instalments
            assert min(a for _d, a in one.rows) >= policy.of(AGENT).lowest_instalment_minor
            assert one.first_on <= today + timedelta(days=policy.of(AGENT).first_payment_days)
            assert one.total_minor == balance
        else:
            assert one.kind == SETTLEMENT
            assert policy.of(AGENT).floor_minor <= one.total_minor < balance
            leave = leave_for_settlement(policy, AGENT, one.total_minor, min(14, limits["offer_days"]), None)
            assert leave.approver is None


@pytest.fixture
def owing(world: World) -> tuple[World, Any, Debt]:
    """A debtor of 600,000 whose creditor settles from 60 percent and allows twelve instalments."""
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        session.get_one(Portfolio, (scope.tenant(), book)).terms = {
            "settlement_floor_percent": 60, "max_instalments": 12, "commission_rate": 2000,
        }  # fmt: skip
        return world, scope, debt(session, book, balance=600_000)


def _advised(session: Session, owed: Debt, offerer: Offerer = AGENT) -> Advice:
    found = offers.advise(session, [owed.account_id], offerer)
    assert found is not None
    return found


def test_without_history_the_terms_alone_rank_within_limits_and_means(owing: tuple[World, Any, Debt]) -> None:
    world, scope, owed = owing
    with world.platform.database.transaction(scope) as session:
        free = _advised(session, owed)
        assert (free.learned, free.payable_minor, free.too_dear) == (False, None, 0)
        assert {one.kind for one in free.offers} == {FULL, PLAN, SETTLEMENT}
        expected = [one.expected_minor for one in free.offers]
        assert expected == sorted(expected, reverse=True)
        best = free.offers[0]
        assert best.kind == PLAN
        assert 3 <= best.count <= 12
        assert all(0 < one.expected_minor < one.total_minor for one in free.offers)
        for one in free.offers:
            if one.kind == PLAN:
                choice = Choice(one.first_on, instalments=one.count, down_payment_minor=one.down_minor)
                made = plans.propose(session, [owed.account_id], choice, AGENT)
                assert made.leave.approver is None
                assert [(each.due_date, each.amount_minor) for each in made.schedule.instalments] == one.rows
                assert leave_for_plan(made.policy, AGENT, made.schedule, clock.now().date()).approver is None
        _tell(session, owed, income=500_000, expenses=380_000)
        tight = _advised(session, owed)
        assert tight.payable_minor == 60_000
        assert tight.too_dear > 0
        assert {(one.kind, one.count) for one in tight.offers} == {(PLAN, 12)}
        assert max(amount for one in tight.offers for _day, amount in one.rows) <= 60_000
        _tell(session, owed, income=400_000, expenses=400_000)
        assert _advised(session, owed).offers == []
        assert {one.kind for one in _advised(session, debt(session, owed.portfolio_id), PAGE).offers} >= {
            PLAN
        }


def test_what_is_learned_changes_which_offer_is_first(
    owing: tuple[World, Any, Debt], caplog: pytest.LogCaptureFixture
) -> None:
    """Where long plans broke and promises of the whole were kept, the whole is asked for. One training for
    all of it: the registry, the ranking, and a model that is gone."""
    world, scope, owed = owing
    database = world.platform.database
    with database.transaction(scope) as session, pytest.raises(UserError, match="nothing to learn from"):
        session.commit()
        training.train(database, scope, "offer")
    with database.transaction(scope) as session:
        _history(session, owed.portfolio_id)
        before = _advised(session, owed).offers[0]
    trained = training.train(database, scope, "offer")
    assert trained.alias == "champion"
    assert trained.metrics["holdout_auc"] > 0.7
    (version,) = [one for one in registry.versions(scope=scope) if one.name == trained.name]
    assert "taken and kept" in (registry.read_text(version, "card.md") or "")
    with database.transaction(scope) as session:
        after = _advised(session, owed)
    assert after.learned
    chances = {one.kind: one.chance for one in after.offers}
    assert after.offers[0].kind != PLAN
    assert before.kind == PLAN
    assert chances[FULL] > chances[PLAN]

    (Path(unquote(urlsplit(version.source).path)) / "fitted.bin").unlink()
    serving._loaded.cache_clear()
    with database.transaction(scope) as session:
        lost = _advised(session, owed)
    assert not lost.learned
    assert lost.offers[0].kind == PLAN
    assert "ranked by their terms alone" in caplog.text


def _history(session: Session, book: int) -> None:
    """Promises of the whole that were kept, and plans that broke, but for one in twelve."""
    rng = np.random.default_rng(5)
    fill(session, book, Filling(240, clock.now() - 300 * DAY, contacts=0, payments=0))
    made: list[tuple[Plan, list[PlanInstalment]]] = []
    rows: list[Any] = []
    accounts = session.execute(select(Account).order_by(Account.id)).scalars().all()
    for place, account in enumerate(accounts[1:]):
        one = Debt(account.tenant_id, book, 0, account.debtor_id, account.id, {})
        odd, ago = bool(rng.random() < 1 / 12), 250 - place * 60 / len(accounts)
        if place % 2:
            amount = account.balance_minor
            rows.append(promised(one, amount, ago, 5))
            if not odd:
                rows += moved(one, amount, ago - 3)
        else:
            ended: datetime = clock.now() - (ago - 40) * DAY
            state = {"state": "kept" if odd else "broken", "ended_at": ended}
            made.append(_plan_of(one, ago, 3 + place % 8, account.balance_minor, **state))
    session.add_all([*rows, *(plan for plan, _instalments in made)])
    session.flush()
    for plan, instalments in made:
        for each in instalments:
            each.plan_id = plan.id
    session.add_all([each for _plan, instalments in made for each in instalments])
    session.flush()


def test_only_what_the_strategy_makes_is_advised_in_its_order_until_there_is_something_learned(
    world: World,
) -> None:
    with world.platform.database.transaction(world.tenant()) as session:
        late = {"name": "late", "when": {"stages": ["late"]}, "then": {"offers": ["plan", "full"]}}
        book = portfolio(session, offers=["full"], segments=[late])
        told = [
            offers.advise(session, [debt(session, book, days_late=days).account_id], AGENT)
            for days in (120, 20)
        ]
    kinds = [list(dict.fromkeys(one.kind for one in each.offers)) for each in told if each]
    assert kinds == [[PLAN, FULL], [FULL]]
