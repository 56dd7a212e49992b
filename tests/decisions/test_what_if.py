"""A strategy against past decisions: what it would have chosen among the same options, and what that would
have brought."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from recupero.decisions.evidence.what_if import WhatIf, what_if
from recupero.decisions.tables import Decision, PlanRun
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.placements.tables import Account
from tests.decisions.debts import Debt, contact, debt, pay, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")

AGO = timedelta(days=40)


def decision(owed: Debt, chosen: str | None, **values: Any) -> Decision:
    """One of 40 days ago between an e-mail (worth 30), a text message (worth 20) and waiting."""
    at: datetime = values.pop("at", clock.now() - AGO)
    worth: dict[str, int] = values.pop("worth", {"email": 30, "sms": 20})
    options: list[dict[str, Any]] = [
        {"channel": name, "at": at.isoformat(), "value_minor": value, "cost_minor": 5}
        for name, value in worth.items()
    ]
    given: dict[str, Any] = {
        "run_id": 1, "at": at, "choice": "follow_up" if chosen else "wait", "channel": chosen,
        "scheduled_at": at if chosen else None, "model": "next_action-agency-1", "model_version": "1",
        "score": 0.1, "propensity": 0.5, "expected_value_minor": 0, "cost_minor": 5 if chosen else 0,
        "reasons": [], "blocked": {}, "strategy_version": 1,
        "alternatives": [*options, {"channel": None, "at": None, "value_minor": 0}],
    }  # fmt: skip
    return Decision(tenant_id=owed.tenant_id, account_id=owed.account_id, **given | values)


def asked(world: World, scope: Scope, book: int, **strategy: Any) -> WhatIf:
    with world.platform.database.transaction(scope) as session:
        return what_if(session, book, {"channels": ["email", "sms"], **strategy})


def placed(world: World, *chosen: str | None, **values: Any) -> tuple[Scope, int, list[Debt]]:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, channels=["email", "sms"])
        owed = [debt(session, book, placed_ago=60) for _ in chosen]
        session.add_all(decision(one, by, **values) for one, by in zip(owed, chosen, strict=True))
    return scope, book, owed


def test_it_chooses_among_the_options_of_then_and_writes_nothing(world: World) -> None:
    scope, book, _owed = placed(world, "email", "sms", None)
    found = asked(world, scope, book)
    assert (found.decisions, found.same, found.other, found.instead_of_waiting) == (3, 1, 1, 1)
    assert (found.made.channels, found.tried.channels) == ({"email": 1, "sms": 1}, {"email": 3})
    assert (found.made.people, found.tried.people) == (2, 3)
    assert sum(found.tried.hours.values()) == 3 >= found.tried.most_a_day > 0
    assert found.tried.expected_minor > 0
    dear = asked(world, scope, book, costs_minor={"email": 40, "sms": 1}, minimum_value_minor=25)
    assert (dear.tried.contacts, dear.alone) == (0, {"not_worth_it": 3})  # 35 - 40 and 25 - 1
    cheap = asked(world, scope, book, costs_minor={"email": 40, "sms": 1})
    assert (cheap.tried.channels, cheap.tried.cost_minor, cheap.made.cost_minor) == ({"sms": 3}, 3, 10)
    with world.platform.database.transaction(scope) as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == 3
        assert session.scalar(select(func.count()).select_from(PlanRun)) == 0


def test_pace_limits_and_a_day_s_room_hold_on_the_contacts_that_were_made(world: World) -> None:
    scope, book, owed = placed(world, "email", "email", "email")
    with world.platform.database.transaction(scope) as session:
        contact(session, owed[0], clock.now() - AGO - timedelta(days=6))
        contact(session, owed[1], clock.now() - AGO + timedelta(days=1))  # after it
    paced = asked(world, scope, book, pace_days=7)
    assert (paced.tried.contacts, paced.alone) == (2, {"pace": 1})
    assert asked(world, scope, book, pace_days=5).tried.contacts == 3
    assert asked(world, scope, book, max_contacts_30d=1).alone == {"max_contacts_30d": 1}
    assert asked(world, scope, book, tolerance_minor=100_001).alone == {"below_tolerance": 3}
    room = asked(world, scope, book, channels=["email"], daily={"email": 2})
    assert (room.tried.contacts, room.alone) == (2, {"no_room": 1})
    budget = asked(world, scope, book, channels=["email"], costs_minor={"email": 4}, budget_minor=5)
    assert (budget.tried.contacts, budget.tried.cost_minor) == (1, 4)
    assert budget.quicker is False
    second = asked(world, scope, book, daily={"email": 1})  # what found no room takes the next channel
    assert second.tried.channels == {"email": 1, "sms": 2}


def test_segments_are_those_of_the_day_and_a_yes_is_counted(world: World) -> None:
    scope, book, owed = placed(world, "email", "email")  # overdue since 60 days, then since 20
    with world.platform.database.transaction(scope) as session:
        pay(session, owed[0], 60_000, clock.now() - timedelta(days=50))
        pay(session, owed[1], 60_000, clock.now() - timedelta(days=10))  # later: 100,000 were owed then
    found = asked(
        world, scope, book, needs_yes=[{"from_balance_minor": 50_000}],
        segments=[
            {"name": "late", "when": {"from_dpd": 21}, "then": {"channels": ["letter"]}},
            {"name": "little", "when": {"to_balance_minor": 40_000}, "then": {"channels": ["sms"]}},
        ],
    )  # fmt: skip
    assert (found.tried.segments, found.tried.channels) == ({"": 1, "little": 1}, {"email": 1, "sms": 1})
    assert found.tried.needs_yes == 1


def test_what_nobody_asked_then_the_law_of_then_is_asked_now(world: World) -> None:
    scope, book, owed = placed(world, "email", "email", "email", blocked={"whatsapp": "cl.some_rule"})
    with world.platform.database.transaction(scope) as session:
        account = session.get_one(Account, (scope.tenant(), owed[2].account_id))
        account.status, account.balance_minor = "closed_paid", 0
    found = asked(world, scope, book, channels=["call", "whatsapp", "letter"])
    assert found.refused["whatsapp"] == {"cl.some_rule": 3}
    assert found.refused["letter"] == {"no_contact_point": 2}
    assert found.not_known == {"call": 1, "letter": 1}  # its work has ended
    assert found.tried.channels == {"call": 2}
    assert found.tried.call_minutes == 12
    assert found.brought is None  # no call was ever made in these decisions
    assert found.why_not is not None
    assert "cannot say" in found.why_not.message
    assert found.to_json()["why_not"] == found.why_not.message


def test_another_order_counts_where_no_model_of_actions_valued(world: World) -> None:
    close = {"email": 28, "sms": 26}
    scope, book, _owed = placed(world, "email", model="strategy", worth=close)
    assert asked(world, scope, book, channels=["email", "sms"]).tried.channels == {"email": 1}
    assert asked(world, scope, book, channels=["sms", "email"]).tried.channels == {"sms": 1}
    scope, book, _owed = placed(world, "email", worth=close)
    assert asked(world, scope, book, channels=["sms", "email"]).tried.channels == {"email": 1}


def test_accounts_of_one_debtor_are_one_decision_and_one_contact(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book, other = portfolio(session), portfolio(session)
        one = debt(session, book)
        two = debt(session, book, owner=one, balance=5_000)
        session.add_all([
            decision(one, None, reasons=[{"code": "better_elsewhere"}]),
            decision(two, "sms", worth={"sms": 50}),
        ])  # fmt: skip
        third = debt(session, book)
        session.add_all([
            decision(third, None, reasons=[{"code": "better_elsewhere"}]),
            decision(debt(session, other, owner=third), "email"),
        ])  # fmt: skip
    found = asked(world, scope, book)
    assert (found.decisions, found.same, found.tried.channels) == (1, 1, {"sms": 1})


def brought(world: World, count: int = 240) -> tuple[Scope, int]:
    """E-mails by lot in half of the decisions: 400 of 1,000 are paid after one, 100 after waiting."""
    rng = np.random.default_rng(4)
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        for number in range(count):
            owed, email = debt(session, book, points=(), consents=()), number % 2 == 0
            session.add(decision(owed, "email" if email else None, worth={"email": 30}))
            if rng.random() < (0.4 if email else 0.1):
                pay(session, owed, 1000, clock.now() - timedelta(days=20))
    return scope, book


def test_its_value_holds_the_truth_beside_what_was_made(world: World) -> None:
    scope, book = brought(world)
    found = asked(world, scope, book).brought
    assert found is not None
    assert found.tried.low < 400 < found.tried.high
    assert found.made.low < 250 < found.made.high
    assert found.difference.low < 150 < found.difference.high
    assert found.difference.low > 0  # and it is proven to be better
    assert (found.n, found.harm_tried.value) == (240, 0)
    assert 60 < found.ess <= 240
    waits = asked(world, scope, book, minimum_value_minor=1000).brought
    assert waits is not None
    assert waits.tried.low < 100 < waits.tried.high


def test_decisions_too_young_bring_nothing_yet_and_no_decision_is_told(world: World) -> None:
    scope, book, _owed = placed(world, "email", at=clock.now() - timedelta(days=3))
    young = asked(world, scope, book)
    assert young.why_not is not None
    assert "30 days" in young.why_not.message
    with world.platform.database.transaction(scope) as session:
        with pytest.raises(UserError, match="No decision"):
            what_if(session, book, {}, clock.now() - timedelta(days=2))
        with pytest.raises(UserError, match="before it begins"):
            what_if(session, book, {}, clock.now(), clock.now() - timedelta(days=2))
        with pytest.raises(UserError, match="unknown key"):
            what_if(session, book, {"pace": 3})
        with pytest.raises(UserError, match="shorter one"):
            what_if(session, book, {}, most=0)
