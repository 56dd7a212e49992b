"""Plans stay within their limits, and no plan beats the bound that is told."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.decisions.allocation import NONE, Allocation, Limits, Options, allocate

_option = st.tuples(st.integers(-20, 100), st.integers(-1, 1), st.integers(0, 5))
_groups = st.lists(st.lists(_option, min_size=1, max_size=3), min_size=1, max_size=5)


def _options(groups: list[list[tuple[int, int, int]]]) -> Options:
    rows = [(number, *option) for number, group in enumerate(groups) for option in group]
    group, value, resource, cost = (np.array(column) for column in zip(*rows, strict=True))
    return Options(group.astype(np.int64), value.astype(float), resource.astype(np.int64), cost.astype(float))


def _fits(options: Options, rows: list[int], limits: Limits) -> bool:
    used = [int((options.resource[rows] == resource).sum()) for resource in range(len(limits.capacity))]
    spent = float(options.cost[rows].sum())
    return all(used <= limits.capacity) and (limits.budget is None or spent <= limits.budget)


def _exact(options: Options, limits: Limits) -> float:
    """The value of the best plan, by trying all."""
    ways = [[NONE, *np.flatnonzero(options.group == group).tolist()] for group in range(options.groups)]
    plans = ([row for row in plan if row != NONE] for plan in product(*ways))
    return max(float(options.value[plan].sum()) for plan in plans if _fits(options, plan, limits))


@settings(max_examples=150, deadline=None)
@given(
    groups=_groups,
    capacity=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    budget=st.none() | st.integers(0, 10),
)
def test_no_plan_beats_the_bound_and_none_breaks_a_limit(
    groups: list[list[tuple[int, int, int]]], capacity: tuple[int, int], budget: int | None
) -> None:
    options = _options(groups)
    limits = Limits(np.array(capacity, dtype=float), None if budget is None else float(budget))
    plan = allocate(options, limits)
    rows = [int(row) for row in plan.chosen if row != NONE]
    assert len(set(options.group[rows])) == len(rows)
    assert _fits(options, rows, limits)
    best = _exact(options, limits)
    assert plan.value <= best + 1e-6 <= plan.bound + 2e-6
    assert plan.value == pytest.approx(float(options.value[rows].sum()))


def _large(people: int, short: bool) -> Allocation:
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(people), 4)
    value = rng.lognormal(0, 1, people * 4)
    resource = np.tile(np.arange(4), people)
    capacity = np.array([0.05, 0.1, 0.2, 0.3]) * people if short else np.full(4, 1.0 * people)
    return allocate(Options(group, value, resource, np.ones(people * 4)), Limits(capacity))


def test_the_gap_is_small_where_limits_bite_and_zero_where_they_do_not() -> None:
    assert _large(20_000, short=True).bound_gap < 0.01
    assert _large(2_000, short=False).bound_gap == 0


def test_nothing_to_choose_from_is_an_empty_plan() -> None:
    nothing = Options(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64), np.empty(0))
    assert len(allocate(nothing, Limits(np.empty(0))).chosen) == 0
