"""Plans keep to their limits; none beats the exact optimum or the bound told, and both are near."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from recupero.decisions.columns import Floats
from recupero.decisions.planning.allocation import NONE, Allocation, Options, allocate

_option = st.tuples(st.integers(-20, 100), st.integers(-1, 1), st.integers(-1, 1), st.integers(0, 5))
_groups = st.lists(st.lists(_option, min_size=1, max_size=3), min_size=1, max_size=6)


def _options(groups: list[list[tuple[int, int, int, int]]]) -> Options:
    """A unit of one of two channels, minutes of one of two skills, and as much of a budget."""
    rows = [(number, *option) for number, group in enumerate(groups) for option in group]
    group, value, channel, skill, cost = (np.array(column) for column in zip(*rows, strict=True))
    uses = np.stack([channel, np.where(skill >= 0, skill + 2, NONE), np.full(len(rows), 4)], axis=1)
    amount = np.stack([np.ones(len(rows)), cost + 1.0, cost * 1.0], axis=1)
    return Options(group.astype(np.int64), value.astype(float), uses.astype(np.int64), amount)


def _exact(options: Options, capacity: Floats) -> float:
    """The value of the best plan, by HiGHS."""
    rows = np.arange(len(options.value))
    one = coo_array((np.ones(len(rows)), (options.group, rows)), shape=(options.groups, len(rows)))
    place, uses = np.repeat(rows, options.uses.shape[1]), options.uses.ravel()
    taken = coo_array(
        (options.amount.ravel()[uses >= 0], (uses[uses >= 0], place[uses >= 0])),
        shape=(len(capacity), len(rows)),
    )
    found = milp(
        -options.value, integrality=np.ones(len(rows)), bounds=Bounds(0, 1),
        constraints=[LinearConstraint(one.tocsr(), -np.inf, 1), LinearConstraint(taken.tocsr(), -np.inf,
        capacity)],
    )  # fmt: skip
    return float(-found.fun)


def _checked(options: Options, capacity: Floats) -> tuple[Allocation, float]:
    """A plan that keeps to the limits, is not better than the exact one, and no plan beats its bound."""
    plan, best = allocate(options, capacity), _exact(options, capacity)
    rows = plan.chosen[plan.chosen != NONE]
    assert len(set(options.group[rows])) == len(rows)
    assert (options.used(rows, len(capacity)) <= capacity + 1e-6).all()
    assert plan.value == pytest.approx(float(options.value[rows].sum()))
    assert plan.value <= best + 1e-6 <= plan.bound + 2e-6
    np.testing.assert_allclose(plan.room, capacity - options.used(rows, len(capacity)))
    assert (plan.prices >= 0).all()
    return plan, best


@settings(max_examples=40, deadline=None)
@given(groups=_groups, quarters=st.lists(st.integers(0, 32), min_size=5, max_size=5))
def test_no_plan_beats_the_exact_one_or_breaks_a_limit_and_none_beats_the_bound(
    groups: list[list[tuple[int, int, int, int]]], quarters: list[int]
) -> None:
    _checked(_options(groups), np.array(quarters) / 4)


def _book(people: int, share: float, seed: int) -> tuple[Options, Floats]:
    """Six options for each person: three channels' days, one of them agents' minutes by hour and language as
    well, and one budget for all; with room for this share of the people."""
    rng, per = np.random.default_rng(seed), 6
    n = people * per
    group, channel = np.repeat(np.arange(people), per), np.tile(np.arange(per) % 3, people)
    value = np.repeat(rng.lognormal(0, 1, people), per) * rng.uniform(0.3, 1, n)
    call, hour, language = channel == 2, rng.integers(0, 5, n), np.repeat(rng.integers(0, 2, people), per)
    uses = np.stack(
        [
            channel,
            np.where(call, 3 + hour, NONE),
            np.where(call, 8 + language * 5 + hour, NONE),
            np.full(n, 18),
        ],
        1,
    )
    minutes, cost = rng.uniform(3, 9, n), np.array([0.1, 1, 8])[channel]
    amount = np.stack([np.ones(n), minutes, minutes, cost], 1)
    options = Options(group, value, uses, amount)
    wanted = options.used(np.arange(n), 19)
    capacity = wanted / per * share * rng.uniform(0.6, 1.4, 19)
    capacity[:3] *= 2  # so that minutes and money are short, too
    return options, capacity


def test_small_cases_come_near_to_the_exact_optimum() -> None:
    both = [_checked(*_book(people, 0.6, people)) for people in range(10, 40, 3)]
    assert sum(plan.value for plan, _best in both) >= 0.97 * sum(best for _plan, best in both)


@pytest.mark.parametrize("share", [0.15, 0.5])
def test_at_ten_thousand_accounts_the_gap_is_below_one_percent_where_limits_bite(share: float) -> None:
    options, capacity = _book(10_000, share, 3)
    plan = allocate(options, capacity)
    assert (plan.prices > 0).sum() >= 8
    assert 0 < plan.bound_gap < 0.01


def test_a_limit_is_as_many_whole_options_as_fit_for_the_bound_too() -> None:
    rng, people = np.random.default_rng(7), 60
    calls = Options(
        np.arange(people),
        rng.lognormal(0, 1, people),
        (np.arange(people) % 6)[:, None],
        np.full((people, 1), 6.0),
    )
    plan, best = _checked(calls, np.full(6, 45.5))
    assert plan.value == pytest.approx(best)
    assert plan.bound_gap < 0.001  # half a call more in each of six hours would be 6 % of seven
    np.testing.assert_allclose(plan.room, 3.5)


def test_whole_people_fill_eighty_limits_that_have_room_for_a_handful_each() -> None:
    plan = allocate(*_week(1_000, 0.4, 1))
    assert (plan.prices > 0).sum() >= 30
    assert plan.bound_gap < 0.005


def _week(people: int, share: float, seed: int) -> tuple[Options, Floats]:
    """Eight options for each person within five days: four channels by day, calls of six minutes within the
    hours of a day and by language, and a budget for each day; 81 limits in whole numbers with room for this
    share of the people."""
    rng, n = np.random.default_rng(seed), people * 8
    channel, day, hour = rng.integers(0, 4, n), rng.integers(0, 5, n), rng.integers(0, 8, n)
    language = np.repeat(rng.integers(0, 2, people), 8)
    value = np.repeat(rng.lognormal(0, 1, people), 8) * rng.uniform(0.3, 1, n)
    minutes = [np.where(channel == 3, 20 + each, NONE) for each in (day * 8 + hour, 40 + language * 8 + hour)]
    uses = np.stack([day * 4 + channel, *minutes, 76 + day], 1)
    cost = np.array([2.0, 30, 45, 600])[channel]
    options = Options(
        np.repeat(np.arange(people), 8),
        value,
        uses,
        np.stack([np.ones(n), np.full(n, 6.0), np.full(n, 6.0), cost], 1),
    )
    return options, np.floor(options.used(np.arange(n), 81) / 8 * share * rng.uniform(0.6, 1.4, 81))


def test_prices_found_on_a_part_hold_for_all() -> None:
    options, capacity = _book(25_000, 0.3, 4)
    assert allocate(options, capacity).bound_gap < 0.005


def test_equals_are_served_up_to_the_limit() -> None:
    ones = np.ones(5_000)
    alike = Options(np.arange(5_000), ones, np.zeros((5_000, 1), np.int64), ones[:, None])
    plan = allocate(alike, np.array([250.0]))
    assert (plan.value, plan.room.tolist()) == (250, [0])
    assert plan.bound_gap < 0.01


def test_the_gap_is_zero_where_nothing_is_short_and_nothing_has_a_price() -> None:
    options, capacity = _book(2_000, 0.5, 5)
    plan = allocate(options, capacity * 100)
    assert (plan.bound_gap, plan.prices.sum()) == (0, 0)


def test_the_same_case_gives_the_same_plan() -> None:
    first, second = (allocate(*_book(1_000, 0.3, 6)) for _ in range(2))
    np.testing.assert_array_equal(first.chosen, second.chosen)
    assert first.bound == second.bound


def test_nothing_to_choose_from_is_an_empty_plan() -> None:
    nothing = Options(np.empty(0, np.int64), np.empty(0), np.empty((0, 1), np.int64), np.empty((0, 1)))
    assert len(allocate(nothing, np.empty(0)).chosen) == 0
