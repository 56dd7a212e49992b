"""What the arms of a strategy brought: by who was drawn, over the same days of each person, beside none."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from recupero.decisions.evidence.arms import Arms, arms, spells
from recupero.decisions.history.control import draws
from recupero.decisions.measures import differences
from recupero.decisions.strategies.branches import lots
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.placements import strategies
from recupero.placements.tables import Hold, StrategyVersion
from tests.decisions.debts import Debt, contact, debt, pay, permit, portfolio, receive
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
DAY = timedelta(days=1)
ODD = {"name": "odd", "share": 0.5, "then": {"pace_days": 1}}


def begun(session: Session, *rows: dict[str, Any]) -> int:
    """A portfolio whose strategy has these arms from now on."""
    book = portfolio(session)
    strategies.set_strategy(session, book, {"arms": list(rows)}, actor="user:1")
    return book


def drawn(session: Session, book: int, arm: int, none: int, **more: Any) -> tuple[list[Debt], list[Debt]]:
    """So many people in the lower half of the lots, and so many in the upper."""
    found: tuple[list[Debt], list[Debt]] = ([], [])
    while len(found[0]) < arm or len(found[1]) < none:
        one = debt(session, book, points=(), consents=(), **more)
        found[int(lots(np.array([one.person_id]), book)[0] >= 0.5)].append(one)
    return found


def harm(session: Session, owed: Debt, at: datetime) -> None:
    session.add(
        Hold(tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, kind="complaint", source="t", started_at=at)
    )
    session.flush()


def test_two_arms_counted_by_hand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "LEAST_PEOPLE", 3)
    monkeypatch.setattr(differences, "LEAST_SEEN", 2)
    scope = world.tenant(control=0)
    start = clock.now()
    with world.platform.database.transaction(scope) as session:
        book = begun(session, ODD)
        inside, outside = drawn(session, book, 4, 4)
        many, others = len(inside), len(outside)
        first, _second, late = [
            receive(session, each, amount, start + booked * DAY, start + DAY)
            for each, amount, booked in zip(inside, (900, 600, 300), (1, 1, 33), strict=False)
        ]
        assert late.booked_at > start + 31 * DAY  # known after its days, received within
        pay(session, inside[0], -100, start + 30 * DAY, first.id, step=1)  # taken back on the last day
        receive(session, inside[3], 7_777, start)  # before the arm began
        receive(session, inside[3], 7_777, start + DAY, start - DAY)  # received before, known within
        receive(session, inside[3], 7_777, start + 31 * DAY)  # after its days
        for each, amount in zip(outside, (300, 150), strict=False):
            receive(session, each, amount, start + 2 * DAY)
        for each in inside[:3]:
            contact(session, each, start + DAY, cost_minor=10)
        contact(session, inside[0], start + 2 * DAY, cost_minor=10)
        contact(session, inside[0], start + 3 * DAY, state="failed", cost_minor=10)
        contact(session, inside[0], start + 3 * DAY, direction="inbound")
        contact(session, outside[0], start + 3 * DAY, cost_minor=20)
        harm(session, inside[1], start + DAY)
        harm(session, inside[1], start + 2 * DAY)
        harm(session, outside[1], start - DAY)
        permit(session, inside[1].debtor_id, "sms", "opt_out", at=start + DAY)
        permit(session, inside[2].debtor_id, "sms", "opt_out", at=start + DAY)
        clock.advance(40 * DAY)
        (row,) = arms(session, book).arms
    assert (row.name, row.versions, row.start, row.end) == ("odd", (2, 2), start, None)
    arm, none = row.arm, row.none
    assert (arm.people, arm.accounts, arm.placed_minor, arm.waiting) == (many, many, many * 100_000, 0)
    assert (none.people, none.accounts, none.placed_minor) == (others, others, others * 100_000)
    assert (arm.recovered_minor, arm.payers, arm.contacts, arm.contacted, arm.cost_minor) == (
        1_700, 3, 4, 3, 40,
    )  # fmt: skip
    assert (none.recovered_minor, none.payers, none.contacts, none.cost_minor) == (450, 2, 1, 20)
    assert (arm.complaints, arm.opt_outs, arm.harmed, none.harmed) == (1, 2, 2, 0)
    paid = np.array([800, 600, 300] + [0] * (many - 3)), np.array([300, 150] + [0] * (others - 2))
    value = 1_700 / many - 450 / others
    half = 1.959964 * np.sqrt(paid[0].var(ddof=1) / many + paid[1].var(ddof=1) / others)
    found = row.recovered_minor
    assert (found.value, found.low, found.high) == pytest.approx((value, value - half, value + half))
    assert row.contacts.value == pytest.approx(4 / many - 1 / others)
    assert row.cost_minor.value == pytest.approx(40 / many - 20 / others)
    assert row.share_paying.value == pytest.approx(3 / many - 2 / others)
    assert row.share_harmed.value == pytest.approx(2 / many)
    one, other = 3 / (many + 2), 1 / (others + 2)  # one more of each kind: Agresti and Caffo
    half = 1.959964 * np.sqrt(one * (1 - one) / (many + 2) + other * (1 - other) / (others + 2))
    assert row.share_harmed.high == pytest.approx(one - other + half)


def test_only_people_count_whose_days_passed_while_the_arm_was_the_same(world: World) -> None:
    scope = world.tenant(control=0)
    start = clock.now()
    with world.platform.database.transaction(scope) as session:
        book = begun(session, ODD)
        early, _outside = drawn(session, book, 2, 1)
        drawn(session, book, 1, 0, closed_at=start - DAY)  # nobody works what was closed before
        clock.advance(20 * DAY)
        late, _outside = drawn(session, book, 2, 0, placed_ago=0)
        receive(session, late[0], 500, clock.now() + 29 * DAY)  # day 49 of the arm, day 29 of the person
        clock.advance(15 * DAY)
        (row,) = arms(session, book).arms
        assert (row.arm.people, row.arm.waiting) == (len(early), len(late))
        clock.advance(15 * DAY)
        (row,) = arms(session, book).arms
        assert (row.arm.people, row.arm.waiting, row.arm.recovered_minor) == (len(early + late), 0, 500)
        (row,) = arms(session, book, 60).arms
        assert (row.arm.people, row.arm.waiting) == (0, len(early + late))
        strategies.set_strategy(session, book, {"arms": [{**ODD, "share": 0.6}]}, actor="user:1")
        now, before = arms(session, book).arms
        assert (now.start, now.share, now.arm.people, now.end) == (clock.now(), 0.6, 0, None)
        assert (before.end, before.arm.people, before.arm.recovered_minor) == (
            clock.now(), len(early + late), 500,
        )  # fmt: skip
        assert len(arms(session, book, 60).arms) == 1  # the first lasted fifty days: nobody's sixty passed


def test_the_control_group_is_in_no_arm_and_all_in_arms_leaves_nothing_to_compare(world: World) -> None:
    scope = world.tenant(control=0.2)
    with world.platform.database.transaction(scope) as session:
        book = begun(session, {**ODD, "share": 1})
        owed = [debt(session, book, points=(), consents=()) for _ in range(30)]
        clock.advance(31 * DAY)
        (row,) = arms(session, book).arms
        left = [each for each in owed if draws(scope.tenant(), np.array([each.person_id]))[0] < 0.2]
    assert (row.arm.people, row.none.people) == (30 - len(left), 0)
    assert row.recovered_minor == differences.Difference(0.0, None, None, "too_few")
    assert row.share_paying.verdict == row.contacts.verdict == row.share_harmed.verdict == "too_few"


def test_what_is_asked_wrongly_is_refused_and_another_s_portfolio_is_not_there(world: World) -> None:
    scope, other = world.tenant(), world.tenant()

    def of(where: Scope, book: int, days: int = 30) -> Arms:
        with world.platform.database.transaction(where) as session:
            return arms(session, book, days)

    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
    assert of(scope, book).arms == ()
    with pytest.raises(UserError) as refused:
        of(scope, book, 31)
    assert refused.value.field == "days"
    with pytest.raises(NotFound):
        of(other, book)


def test_an_arm_goes_on_until_it_or_the_lots_of_it_or_of_none_change() -> None:
    two = {"name": "b", "share": 0.1, "then": {"channels": ["sms"]}}

    def told(*strategies_of: dict[str, Any]) -> Sequence[tuple[str, tuple[int, int], bool]]:
        versions = [
            StrategyVersion(version=number, strategy=one, made_at=clock.now() + number * DAY)
            for number, one in enumerate(strategies_of, 1)
        ]
        return [
            (each.strategy.arms[each.place].name, each.versions, each.end is None)
            for each in spells(versions)
        ]

    both = {"arms": [ODD, two]}
    assert told({}, both, {**both, "pace_days": 9}) == [("odd", (2, 3), True), ("b", (2, 3), True)]
    other_b = {"arms": [ODD, {**two, "then": {"channels": ["call"]}}]}
    assert told(both, other_b) == [("odd", (1, 2), True), ("b", (2, 2), True), ("b", (1, 1), False)]
    assert told(both, {"arms": [ODD]}) == [
        ("odd", (2, 2), True),
        ("odd", (1, 1), False),
        ("b", (1, 1), False),
    ]
    assert told(both, {"arms": [two, ODD]})[:2] == [("b", (2, 2), True), ("odd", (2, 2), True)]
    assert told(both, {"no such": 1}, both)[:2] == [("odd", (3, 3), True), ("b", (3, 3), True)]
