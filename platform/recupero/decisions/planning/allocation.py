"""Chooses one option per group under shared limits, by prices, and bounds how much better anyone could do.

Each option has a value and uses some of several resources: a channel's day, agents' minutes of one skill and
hour, a budget. The limits are relaxed with prices (Lagrange multipliers), which bounds any plan from above:
for prices λ ≥ 0,

    sum over groups of max(0, best value - price of what it uses)  +  sum over resources of λ × capacity.

The bound is made small by quasi-Newton steps (L-BFGS-B) on its smoothed form, the best option replaced by a
soft maximum that is sharpened in stages (Nesterov, 2005: smooth minimization of non-smooth functions). Many
groups are priced on an even part of them, then on all. A limit of 45 minutes has room for seven calls of
six: it counts as 42, else the bound would be of plans with half a call. What exceeds a limit at these prices
is repaired, room that is left is filled, and whoever can change to something more valuable within it does.
The gap is (bound - value reached) / bound. Everything is vectorised over options, linear in them, and
deterministic.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recupero.decisions.columns import Flags, Floats, Ints

NONE = -1
#: Sharpness of the soft maximum by stage, as a share of the mean value of a group's best option.
STAGES = (0.1, 0.01, 0.001, 0.0002)
STEPS, LAST_STEPS = 60, 20
#: Beyond this many groups prices are first found on a part of them.
PART = 10_000
ROUNDS = 60
#: Where limits have room for a handful each, whole people fill it better when what is scarce counts somewhat
#: less or more than its price. Tried until the plan is as near to the bound as `NEAR`.
WEIGHTS, NEAR = (1.0, 0.9, 1.1, 1.2), 0.001
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Options:
    """Columns, one row per option, sorted by `group` (0 … groups-1). `uses` has the numbers of the resources
    that the option uses, -1 for none, and `amount` how much of each: both are options × the most that one
    uses. Not choosing at all is worth 0 and always possible."""

    group: Ints
    value: Floats
    uses: Ints
    amount: Floats

    @property
    def groups(self) -> int:
        return int(self.group[-1]) + 1 if len(self.group) else 0

    def take(self, rows: Ints | Flags) -> "Options":
        """Some rows, with the numbers of their groups as they are."""
        return Options(self.group[rows], self.value[rows], self.uses[rows], self.amount[rows])

    def priced(self, prices: Floats) -> Floats:
        """The value of each option less the price of what it uses."""
        worth, known = self.value, np.append(prices, 0.0)
        for column in range(self.uses.shape[1]):
            worth = worth - known[self.uses[:, column]] * self.amount[:, column]
        return worth

    def used(self, rows: Ints | Flags, resources: int) -> Floats:
        """How much of each resource these options use together."""
        uses, amount = self.uses[rows].ravel(), self.amount[rows].ravel()
        return np.bincount(uses[uses >= 0], amount[uses >= 0], minlength=resources).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Allocation:
    """`chosen` has the row of the option for each group, or -1; `prices` and `room` what one more unit of
    each resource is worth and how much is left. `bound_gap` is 0 where nothing was short."""

    chosen: Ints
    value: float
    bound: float
    prices: Floats
    room: Floats

    @property
    def bound_gap(self) -> float:
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


def allocate(options: Options, capacity: Floats) -> Allocation:
    """The best plan found and a bound on every plan. Ties go to the first option."""
    free = best(options, options.value)
    room = capacity - options.used(free[free >= 0], len(capacity))
    value = _value(options, free)
    if (room >= -_SLACK).all():
        return Allocation(free, value, value, np.zeros(len(capacity)), room)
    found, bound, at, usable = None, value, np.zeros(len(capacity)), _usable(options, capacity)
    for prices in _prices(options, usable):
        bound = min(bound, _bound(options, usable, prices))
        for weight in WEIGHTS:
            if found is not None and _value(options, found) > (1 - NEAR) * bound:
                break
            plan = repaired(options, options.priced(weight * prices), usable)
            if found is None or _value(options, plan) > _value(options, found):
                found, at = plan, prices
    assert found is not None
    left = capacity - options.used(found[found >= 0], len(capacity))
    return Allocation(found, _value(options, found), max(bound, _value(options, found)), at, left)


def best(options: Options, worth: Floats) -> Ints:
    """The first option of the highest positive worth in each group, or -1."""
    chosen = np.full(options.groups, NONE, dtype=np.int64)
    rows = _best_rows(options.group, worth)
    good = rows[worth[rows] > 0]
    chosen[options.group[good]] = good
    return chosen


def fitting(options: Options, rows: Ints, room: Floats) -> Flags:
    """Which of `rows`, served in this order, still find what they use within `room`. One that does not fit
    is counted as if it took its part, so that some who would fit are left for another round."""
    uses, amount = options.uses[rows], options.amount[rows]
    flat, each = uses.ravel(), amount.ravel()
    order = np.argsort(flat, kind="stable")
    resource, running = flat[order], np.cumsum(each[order])
    first = np.flatnonzero(np.diff(resource, prepend=-2))
    before = np.append(0.0, running)[first]
    running -= np.repeat(before, np.diff(first, append=len(resource)))
    over = np.zeros(len(flat), dtype=bool)
    over[order] = (resource >= 0) & (running > np.append(room, 0.0)[resource] + _SLACK)
    return np.asarray(~over.reshape(uses.shape).any(axis=1))


def repaired(options: Options, worth: Floats, capacity: Floats) -> Ints:
    """A plan within the limits: each group's most worthwhile option, the most worthwhile groups first, then
    the next of those that found no room; and at last whoever can, changes to what is more valuable."""
    chosen, room = np.full(options.groups, NONE, dtype=np.int64), capacity.copy()
    rows = np.flatnonzero(options.value > 0)
    for _ in range(ROUNDS):
        rows = rows[(chosen[options.group[rows]] == NONE) & _has_room(options, rows, room)]
        if not len(rows):
            break
        tops = rows[_best_rows(options.group[rows], worth[rows])]
        tops = tops[np.argsort(-worth[tops], kind="stable")]
        taken = tops[fitting(options, tops, room)]
        chosen[options.group[taken]] = taken
        room -= options.used(taken, len(room))
    return _improved(options, chosen, room)


def _usable(options: Options, capacity: Floats) -> Floats:
    """What whole options can use of each limit: where all that use it take a whole number of times the least
    that one takes, so many of these as fit."""
    rows = options.take(options.value > 0)
    uses, amount = rows.uses.ravel(), rows.amount.ravel()
    uses, amount = uses[(uses >= 0) & (amount > 0)], amount[(uses >= 0) & (amount > 0)]
    least = np.full(len(capacity), np.inf)
    np.minimum.at(least, uses, amount)
    times = amount / least[uses]
    uneven = np.bincount(uses, np.abs(times - np.rint(times)) > _SLACK, minlength=len(capacity)) > 0
    even = np.isfinite(least) & ~uneven
    usable = capacity.copy()
    usable[even] = np.floor(capacity[even] / least[even] + _SLACK) * least[even]
    return usable


def _improved(options: Options, chosen: Ints, room: Floats) -> Ints:
    """Change to a more valuable option wherever the room left, and what the group gives back, allow it."""
    chosen = chosen.copy()
    for _ in range(ROUNDS):
        now = chosen[options.group]
        gain = options.value - np.where(now >= 0, options.value[now], 0.0)
        rows = np.flatnonzero(gain > _SLACK)
        net = _net(options, rows, now[rows])
        tops = rows[_has_room(net, np.arange(len(rows)), room)]
        if not len(tops):
            return chosen
        tops = tops[_best_rows(options.group[tops], gain[tops])]
        tops = tops[np.argsort(-gain[tops], kind="stable")]
        taken = tops[fitting(_net(options, tops, now[tops]), np.arange(len(tops)), room)]
        given = chosen[options.group[taken]]
        room = room + options.used(given[given >= 0], len(room)) - options.used(taken, len(room))
        chosen[options.group[taken]] = taken
    return chosen


def _net(options: Options, rows: Ints, instead: Ints) -> Options:
    """The rows with only what they use more than the option (or -1) in whose place they come."""
    uses, amount = options.uses[rows], options.amount[rows].copy()
    for column in range(uses.shape[1]):
        same = (instead[:, None] >= 0) & (options.uses[instead] == uses[:, column : column + 1])
        amount[:, column] -= np.where(same, options.amount[instead], 0.0).sum(axis=1)
    return Options(options.group[rows], options.value[rows], uses, np.maximum(amount, 0.0))


def _has_room(options: Options, rows: Ints, room: Floats) -> Flags:
    left = np.append(room, np.inf)[options.uses[rows]] + _SLACK
    return np.asarray((options.amount[rows] <= left).all(axis=1))


def _starts(group: Ints) -> Ints:
    return np.flatnonzero(np.diff(group, prepend=-1))


def _best_rows(group: Ints, worth: Floats) -> Ints:
    """The first place of the highest worth in each run of equal groups."""
    if not len(group):
        return np.empty(0, dtype=np.int64)
    starts = _starts(group)
    tops = np.repeat(np.maximum.reduceat(worth, starts), np.diff(starts, append=len(group)))
    rows = np.flatnonzero(worth == tops)
    return rows[np.flatnonzero(np.diff(group[rows], prepend=-1))]


def _value(options: Options, chosen: Ints) -> float:
    return float(options.value[chosen[chosen >= 0]].sum())


def _bound(options: Options, capacity: Floats, prices: Floats) -> float:
    worth = options.priced(prices)
    chosen = best(options, worth)
    return float(worth[chosen[chosen >= 0]].sum() + prices @ capacity)


def _prices(options: Options, capacity: Floats) -> Iterator[Floats]:
    """Prices worth trying, the last ones the best; only of resources that can become short."""
    rows = options.take(options.value > 0)
    short = np.flatnonzero(rows.used(np.arange(len(rows.value)), len(capacity)) > capacity)
    place = np.full(len(capacity) + 1, NONE, dtype=np.int64)
    place[short] = np.arange(len(short))
    rows = Options(rows.group, rows.value, place[rows.uses], rows.amount)
    found, step = np.zeros(len(short)), max(1, options.groups // max(PART, 100 * len(short)))
    if step > 1:
        some = rows.take(rows.group % step == 0)
        share = len(_starts(some.group)) / len(_starts(rows.group))
        for sharp in STAGES:
            found = _smoothed(some, capacity[short] * share, found, sharp, STEPS)
    for sharp in STAGES[-1:] if step > 1 else STAGES:
        found = _smoothed(rows, capacity[short], found, sharp, LAST_STEPS if step > 1 else STEPS)
        if sharp <= STAGES[-2]:
            prices = np.zeros(len(capacity))
            prices[short] = found
            yield prices


def _smoothed(options: Options, capacity: Floats, start: Floats, sharp: float, steps: int) -> Floats:
    """Prices that make the smoothed bound small, from `start` on."""
    from scipy.optimize import minimize

    starts = _starts(options.group)
    sizes = np.diff(starts, append=len(options.group))
    typical = float(np.maximum.reduceat(options.value, starts).mean())
    uses = options.used(np.arange(len(options.value)), len(capacity))
    unit = typical * len(options.value) / np.maximum(uses, _SLACK)  # a price of 1 takes a typical value away
    heat, whole = sharp * typical, typical * len(starts)

    def bound(x: Floats) -> tuple[float, Floats]:
        prices = x * unit
        worth = options.priced(prices)
        most = np.maximum(np.maximum.reduceat(worth, starts), 0.0)
        weight = np.exp((worth - np.repeat(most, sizes)) / heat)
        total = np.add.reduceat(weight, starts) + np.exp(-most / heat)
        weight /= np.repeat(total, sizes)
        value = float((most + heat * np.log(total)).sum() + prices @ capacity)
        return value / whole, (capacity - _weighed(options, weight, len(capacity))) * unit / whole

    found = minimize(
        bound, start / unit, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(start),
        options={"maxiter": steps, "maxfun": 2 * steps, "ftol": 1e-10, "gtol": 1e-9},
    )  # fmt: skip
    return np.asarray(found.x * unit, dtype=np.float64)


def _weighed(options: Options, weight: Floats, resources: int) -> Floats:
    used = np.zeros(resources + 1)
    for column in range(options.uses.shape[1]):
        used += np.bincount(
            options.uses[:, column] + 1, weight * options.amount[:, column], minlength=resources + 1
        )
    return used[1:]
