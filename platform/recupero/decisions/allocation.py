"""Chooses one option per group under shared limits, by prices, and bounds how much better anyone could do.

Each option has a value and may use one unit of one resource (a channel's day) and some of a budget. The
limits
are relaxed with prices (Lagrange multipliers), which gives an upper bound on any plan: for prices λ ≥ 0,

    sum over groups of max(0, best value - price)  +  sum over resources of price × capacity.

Prices fall and rise by subgradient steps; what still exceeds a limit is repaired by giving room to the most
valuable. The gap is (bound - value reached) / bound. Everything is vectorised over options.
"""

from dataclasses import dataclass

import numpy as np

from recupero.decisions.columns import Floats, Ints

ROUNDS = 120
NONE = -1


@dataclass(frozen=True, slots=True)
class Options:
    """Columns, one row per option, sorted by `group` (0 … groups-1). `resource` -1 uses none. `cost` counts
    against the budget. Not choosing at all is worth 0 and always possible."""

    group: Ints
    value: Floats
    resource: Ints
    cost: Floats

    @property
    def groups(self) -> int:
        return int(self.group[-1]) + 1 if len(self.group) else 0


@dataclass(frozen=True, slots=True)
class Limits:
    """`capacity` by resource; `budget` None is no limit."""

    capacity: Floats
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """`chosen` has the row of the option for each group, or -1. `bound_gap` is 0 where nothing was short."""

    chosen: Ints
    value: float
    bound: float

    @property
    def bound_gap(self) -> float:
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


def allocate(options: Options, limits: Limits) -> Allocation:
    """The best plan found and a bound on every plan. Deterministic; ties go to the first option."""
    free = _best(options, options.value)
    if _fits(options, free, limits):
        value = _value(options, free)
        return Allocation(free, value, value)
    prices, rate = np.zeros(len(limits.capacity)), 0.0
    found, bound = _repaired(options, options.value, limits), np.inf
    step = _first_step(options)
    for turn in range(ROUNDS):
        reduced = options.value - _price(options, prices) - rate * options.cost
        chosen = _best(options, reduced)
        bound = min(bound, _dual(options, reduced, chosen, prices, rate, limits))
        if turn % 10 == 9:
            found = max(found, _repaired(options, reduced, limits), key=lambda plan: _value(options, plan))
        used, spent = _usage(options, chosen, len(prices))
        pace = step / (1 + turn) ** 0.75
        prices = np.maximum(0, prices + pace * (used - limits.capacity) / np.maximum(limits.capacity, 1))
        if limits.budget is not None:
            scale = max(limits.budget, 1.0)
            rate = max(
                0.0, rate + pace * (spent - limits.budget) / scale / max(float(options.cost.mean()), 1e-9)
            )
    return Allocation(found, _value(options, found), bound)


def _first_step(options: Options) -> float:
    positive = options.value[options.value > 0]
    return float(np.median(positive)) if len(positive) else 1.0


def _price(options: Options, prices: Floats) -> Floats:
    if not len(prices):
        return np.zeros(len(options.value))
    return np.where(options.resource >= 0, prices[np.maximum(options.resource, 0)], 0.0)


def _best(options: Options, value: Floats) -> Ints:
    """The first option of the highest positive value in each group, or -1."""
    chosen = np.full(options.groups, NONE, dtype=np.int64)
    if not len(value):
        return chosen
    starts = np.flatnonzero(np.diff(options.group, prepend=-1))
    sizes = np.diff(starts, append=len(value))
    rows = np.flatnonzero(value == np.repeat(np.maximum.reduceat(value, starts), sizes))
    rows = rows[np.flatnonzero(np.diff(options.group[rows], prepend=-1))]
    good = rows[value[rows] > 0]
    chosen[options.group[good]] = good
    return chosen


def _value(options: Options, chosen: Ints) -> float:
    return float(options.value[chosen[chosen >= 0]].sum())


def _usage(options: Options, chosen: Ints, resources: int) -> tuple[Floats, float]:
    rows = chosen[chosen >= 0]
    used = options.resource[rows]
    counts = np.bincount(used[used >= 0], minlength=resources).astype(np.float64)
    return counts[:resources], float(options.cost[rows].sum())


def _fits(options: Options, chosen: Ints, limits: Limits) -> bool:
    used, spent = _usage(options, chosen, len(limits.capacity))
    return bool((used <= limits.capacity).all()) and (limits.budget is None or spent <= limits.budget)


def _dual(
    options: Options, reduced: Floats, chosen: Ints, prices: Floats, rate: float, limits: Limits
) -> float:
    rows = chosen[chosen >= 0]
    relaxed = float(reduced[rows].sum()) + float((prices * np.where(prices > 0, limits.capacity, 0)).sum())
    return relaxed + (rate * limits.budget if limits.budget is not None else 0.0)


def _repaired(options: Options, reduced: Floats, limits: Limits) -> Ints:
    """A plan within the limits: the options by reduced value, each group and each unit of room taken once."""
    chosen = np.full(options.groups, NONE, dtype=np.int64)
    room = limits.capacity.copy()
    money = np.inf if limits.budget is None else limits.budget
    open_rows = np.flatnonzero(options.value > 0)
    while len(open_rows):
        rows = _first_of_group(options, reduced, open_rows)
        taken, money = _take(options, rows, reduced, room, money)
        if not len(taken):
            break
        chosen[options.group[taken]] = taken
        still = chosen[options.group[open_rows]] == NONE
        has_room = (options.resource[open_rows] < 0) | (room[np.maximum(options.resource[open_rows],
        0)] > 0) \
            if len(room) else np.ones(len(open_rows), dtype=bool)  # fmt: skip
        open_rows = open_rows[still & has_room & (options.cost[open_rows] <= money)]
    return chosen


def _first_of_group(options: Options, reduced: Floats, rows: Ints) -> Ints:
    order = rows[np.lexsort((rows, -reduced[rows], options.group[rows]))]
    first = np.ones(len(order), dtype=bool)
    first[1:] = options.group[order][1:] != options.group[order][:-1]
    return order[first]


def _take(options: Options, rows: Ints, reduced: Floats, room: Floats, money: float) -> tuple[Ints, float]:
    """Those of `rows` (one per group) that fit, most valuable first; `room` is used up in place."""
    rows = rows[np.argsort(-reduced[rows], kind="stable")]
    resource = options.resource[rows]
    fits = resource < 0
    for each in np.unique(resource[resource >= 0]):
        mine = np.flatnonzero(resource == each)[: int(room[each])]
        fits[mine] = True
    rows = rows[fits]
    within = np.cumsum(options.cost[rows]) <= money
    rows = rows[within]
    used = options.resource[rows]
    np.subtract.at(room, used[used >= 0], 1)
    return rows, money - float(options.cost[rows].sum())
