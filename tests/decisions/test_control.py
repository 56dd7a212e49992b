"""The control group is drawn once, nobody in it is chased, and what our work brings is told from it."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import text

from recupero.decisions.evidence import uplift
from recupero.decisions.history import control
from recupero.decisions.history.control import Group, draws, left_alone_since, set_share
from recupero.decisions.measures import differences
from recupero.decisions.service import plan_tenant
from recupero.kernel import clock
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.tables import Action
from recupero.payments.tables import PromiseToPay
from tests.decisions.debts import debt, pay, portfolio, receive
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
DAY = timedelta(days=1)


def test_the_draw_is_fixed_even_nested_and_another_for_each_creditor() -> None:
    people = np.arange(1, 100_001)
    mine, other = draws(7, people), draws(8, people)
    np.testing.assert_array_equal(mine, draws(7, people))
    assert (mine < 0.02).mean() == pytest.approx(0.02, abs=0.002)
    assert ((mine < 0.02) & (other < 0.02)).mean() == pytest.approx(0.0004, abs=0.0002)
    assert draws(7, people[:3]).tolist() == [0.20621903441484335, 0.10494903227902308, 0.6699849447360859]


def test_a_group_tells_when_who_is_in_it_came_in() -> None:
    first, later = clock.now() - 9 * DAY, clock.now() - 2 * DAY
    settings = {"control_share": 0.03, "control_changes": [[first.isoformat(), 0.01, 0.05],
                                                            [later.isoformat(), 0.05, 0.03]]}  # fmt: skip
    group = Group.of(settings)
    assert (group.share, group.since) == (0.03, later)
    assert group.entered(0.005) is None
    assert group.entered(0.02) == first
    assert Group.of({}) == Group(control.SHARE)


def test_nobody_in_the_group_is_planned_but_for_what_they_promised(world: World) -> None:
    scope = world.tenant(control=0.2)
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0)
        owed = [debt(session, book) for _ in range(40)]
        inside = [each for each in owed if draws(each.tenant_id, np.array([each.person_id]))[0] < 0.2]
        promised = inside[0]
        session.add(PromiseToPay(
            tenant_id=promised.tenant_id, account_id=promised.account_id, debtor_id=promised.debtor_id,
            amount_minor=1_000, currency="CLP", made_at=clock.now() - DAY,
            due_date=(clock.now() + DAY).date(), state="open", made_with="page",
        ))  # fmt: skip
    result = plan_tenant(world.platform.database, scope)
    assert result.blocked["control"] == len(inside) - 1 > 0
    assert result.planned == 40 - len(inside) + 1
    with world.platform.database.transaction(scope) as session:
        planned = {action.account_id: action.template for action in session.query(Action)}
        settings, known = {"control_share": 0.2}, clock.now() - DAY
        assert left_alone_since(scope.tenant(), settings, promised.person_id, known) == known
        assert left_alone_since(scope.tenant(), {}, promised.person_id, known) in {known, None}
        worked = next(each for each in owed if each not in inside)
        assert left_alone_since(scope.tenant(), settings, worked.person_id, known) is None
    assert {each.account_id for each in inside} & set(planned) == {promised.account_id}
    assert planned[promised.account_id] == "promise_reminder"


def test_the_share_is_changed_from_now_on_and_audited(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        made = set_share(session, 0.1, actor="user:1")
        assert (made.share, made.changes) == (0.1, ((clock.now(), 0.0, 0.1),))
        assert set_share(session, 0.1, actor="user:1").changes == made.changes
        for wrong in (-0.01, 0.21, float("nan")):
            with pytest.raises(UserError) as refused:
                set_share(session, wrong, actor="user:1")
            assert refused.value.field == "share"
        noted = session.execute(
            text("SELECT details FROM audit_events WHERE action = 'tenancy.configure_tenant'")
        )
        assert noted.scalars().all()[-1]["control_share"] == 0.1


def test_what_our_work_brings_is_the_difference_to_the_group(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "LEAST_PEOPLE", 2)
    monkeypatch.setattr(differences, "LEAST_SEEN", 2)
    scope = world.tenant(control=0.2)
    start = clock.now()
    with world.platform.database.transaction(scope) as session:
        book, other = portfolio(session), portfolio(session)
        owed = [debt(session, book) for _ in range(40)]
        second = debt(session, other, owner=owed[0])
        inside = draws(scope.tenant(), np.array([each.person_id for each in owed])) < 0.2
        paid = np.where(inside, 100, 400) * (1 + np.arange(40) % 3)
        for each, amount in zip(owed, paid.tolist(), strict=True):
            first = receive(session, each, amount, start + DAY)
            pay(session, each, -10, start + 2 * DAY, first.id, step=1)  # taken back
            receive(session, each, 9_999, start)  # before the period
            receive(session, each, 8_888, start + DAY, start - DAY)  # received before it, booked within
        clock.advance(3 * DAY)
        with pytest.raises(UserError, match="ends before"):
            uplift.uplift(session, start, start - DAY)
        with pytest.raises(NotFound):
            uplift.uplift(session, start, start + DAY, portfolio_id=10**12)
        found = uplift.uplift(session, start)
        alone = uplift.uplift(session, start, portfolio_id=other)
        receive(session, owed[0], 70, clock.now(), start + DAY)  # received within, booked at last
        early = uplift.uplift(session, start, start + DAY)
    treated, left = paid[~inside] - 10, paid[inside] - 10
    assert (found.treated.people, found.control.people) == (len(treated), len(left))
    assert found.treated.accounts + found.control.accounts == 41
    assert found.treated.recovered_minor == treated.sum()
    difference = treated.mean() - left.mean()
    half = 1.959964 * np.sqrt(treated.var(ddof=1) / len(treated) + left.var(ddof=1) / len(left))
    assert found.per_person_minor.value == pytest.approx(difference)
    assert found.per_person_minor.low == pytest.approx(difference - half)
    assert found.per_person_minor.verdict == ("more" if difference > half else "none")
    assert found.extra_minor.value == pytest.approx(difference * len(treated))
    assert found.share_paying.value == 0
    assert alone.treated.people + alone.control.people == 1
    assert (alone.per_person_minor.verdict, alone.per_person_minor.low) == ("too_few", None)
    assert second.portfolio_id == other
    assert early.treated.recovered_minor + early.control.recovered_minor == paid.sum() + 70


def test_intervals_hold_as_often_as_they_say() -> None:
    draw, inside, hit = np.random.default_rng(5), np.arange(3_000) < 300, 0
    for _ in range(300):
        pays = draw.random(3_000) < np.where(inside, 0.1, 0.16)
        paid = pays * draw.lognormal(6, 1, 3_000)
        truth = 0.06 * float(np.exp(6.5))
        found = uplift.compared(1, None, "CLP", (clock.now(), clock.now()), 0.1, inside, paid, np.ones(3_000))
        low, high = found.per_person_minor.low, found.per_person_minor.high
        assert low is not None
        assert high is not None
        hit += (low <= truth <= high) + 1000 * bool(
            (found.share_paying.low or 0) <= 0.06 <= (found.share_paying.high or 0)
        )
    assert 0.92 <= hit % 1000 / 300 <= 0.98
    assert 0.92 <= hit // 1000 / 300 <= 0.98


def test_a_clear_difference_is_said_and_chance_is_not() -> None:
    inside = np.arange(2_000) < 200
    paid = np.where(np.arange(2_000) % 10 == 0, 1_000.0, 0.0)
    period = (clock.now(), clock.now())
    same = uplift.compared(1, None, "CLP", period, 0.1, inside, paid, np.ones(2_000))
    more = uplift.compared(1, None, "CLP", period, 0.1, inside, paid * np.where(inside, 1, 9), np.ones(2_000))
    few = uplift.compared(1, None, "CLP", period, 0.1, inside, paid * ~inside, np.ones(2_000))
    assert (same.per_person_minor.verdict, same.share_paying.verdict) == ("none", "none")
    assert more.per_person_minor.verdict == "more"
    assert (few.per_person_minor.verdict, few.share_paying.verdict) == ("too_few", "more")
    assert (few.per_person_minor.low, few.extra_minor.high) == (None, None)
