"""From lawful candidates to one chosen action per person: value, exploration, shared limits.

The value of a contact is p × balance × commission × reach − cost: p the chance of a payment within 30 days,
reach how often this channel is answered here against the best channel (shrunk towards the strategy's order
while there is little history). It ranks; it is not yet the uplift of the contact. Doing nothing is worth 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.allocation import NONE, Limits, Options, allocate
from recupero.decisions.columns import Floats, Ints
from recupero.decisions.strategy import Strategy

if TYPE_CHECKING:
    import polars as pl

PRIOR_REACH, PRIOR_ATTEMPTS, LESS_PER_RANK = 0.05, 200, 0.9


@dataclass(frozen=True)
class Choice:
    """Columns beside the options: what was chosen (row of the option per person, -1 to wait), the logged
    propensity per person, whether it was drawn at random, and the bound's gap."""

    person_of: Ints  # place of the person for each option
    chosen: Ints
    propensity: Floats
    explored: np.ndarray[tuple[int], np.dtype[np.bool_]]
    bound_gap: float


def reach_factors(
    strategy: Strategy, counted: Mapping[str, tuple[int, int]], channels: tuple[str, ...]
) -> dict[str, float]:
    """Reach of each channel over the best one's. Without history this is the strategy's order alone."""
    rates = {}
    for channel in channels:
        if channel in strategy.channels:
            attempts, answers = counted.get(channel, (0, 0))
            prior = PRIOR_REACH * LESS_PER_RANK ** strategy.rank(channel)
            rates[channel] = (answers + PRIOR_ATTEMPTS * prior) / (attempts + PRIOR_ATTEMPTS)
    best = max(rates.values(), default=1.0)
    return {channel: rate / best for channel, rate in rates.items()}


def with_values(
    options: pl.DataFrame,
    strategies: Mapping[int, Strategy],
    commission: Mapping[int, float],
    counted: Mapping[str, tuple[int, int]],
    carried: tuple[str, ...],
) -> pl.DataFrame:
    """The options with `cost_minor` and `value_minor` (float, minor units), in the order of person and
    value."""
    import polars as pl

    rows = [
        (portfolio, channel, factor * commission[portfolio], strategy.costs_minor.get(channel, 0),
         strategy.minimum_value_minor)
        for portfolio, strategy in strategies.items()
        for channel, factor in reach_factors(strategy, counted, carried).items()
    ]  # fmt: skip
    factors = pl.DataFrame(
        rows, orient="row",
        schema={"portfolio": pl.Int64, "channel": pl.String, "factor": pl.Float64, "cost_minor": pl.Int64,
                "minimum": pl.Int64},
    )  # fmt: skip
    gross = pl.col("p") * pl.col("balance_minor") * pl.col("factor")
    found = options.join(factors, on=["portfolio", "channel"], how="inner").with_columns(
        value_minor=gross - pl.col("cost_minor")
    )
    found = found.with_columns(enough=pl.col("value_minor") > pl.col("minimum"))
    return found.sort("person", "moment", "account", "channel")


def choose(options: pl.DataFrame, strategies: Mapping[int, Strategy], seed: int) -> Choice:
    """One option per person under the strategies' daily limits and budgets, a few of them drawn at random."""
    people, place = np.unique(options["person"].to_numpy(), return_inverse=True)
    place = place.astype(np.int64)
    epsilon = np.zeros(len(people))
    epsilon[place] = _per_portfolio(options, {key: each.exploration for key, each in strategies.items()})
    count: Floats = (
        np.bincount(place, minlength=len(people)).astype(np.float64) + 1
    )  # waiting is an option, too
    rows, limits = _options(options, place, strategies)
    best = allocate(
        Options(rows.group, rows.value, _unlimited(rows), np.zeros(len(rows.value))), Limits(np.empty(0))
    )
    draw = _uniform(people, seed)
    explored = draw < epsilon
    share: Floats = np.where(explored, draw / np.maximum(epsilon, 1e-12), 0.0).astype(np.float64)
    drawn = _drawn(place, count, share)
    drawn = np.where(explored, drawn, NONE)
    explored, drawn, limits = _within(rows, drawn, explored, limits)
    plan = allocate(_without(rows, explored), limits)
    chosen = np.where(explored, drawn, plan.chosen)
    greedy = np.where(explored, best.chosen, plan.chosen)
    propensity = epsilon / count + np.where(chosen == greedy, 1 - epsilon, 0.0)
    return Choice(place, chosen, propensity, explored, plan.bound_gap)


def _per_portfolio(options: pl.DataFrame, values: Mapping[int, float]) -> Floats:
    portfolios = options["portfolio"].to_numpy()
    result = np.zeros(len(portfolios))
    for portfolio, value in values.items():
        result[portfolios == portfolio] = value
    return result


def _options(
    options: pl.DataFrame, place: Ints, strategies: Mapping[int, Strategy]
) -> tuple[Options, Limits]:
    """The optimiser's columns. Values of several currencies are made comparable by their mean balance."""
    resource = np.full(len(options), NONE, dtype=np.int64)
    capacity: list[float] = []
    portfolios, channels = options["portfolio"].to_numpy(), options["channel"].to_numpy()
    days = options["moment"].dt.date().to_numpy()
    for portfolio, strategy in strategies.items():
        for channel, most in strategy.daily.items():
            mine = (portfolios == portfolio) & (channels == channel)
            for day in np.unique(days[mine]):
                resource[mine & (days == day)] = len(capacity)
                capacity.append(float(most))
    scale = _scale(options)
    value = np.where(options["enough"].to_numpy(), options["value_minor"].to_numpy() / scale, 0.0)
    budgets = [each.budget_minor for each in strategies.values()]
    budget = (
        None if any(each is None for each in budgets) or not budgets else float(sum(filter(None, budgets)))
    )
    cost = options["cost_minor"].to_numpy().astype(np.float64)
    return Options(place, value, resource, cost), Limits(np.array(capacity), budget)


def _scale(options: pl.DataFrame) -> Floats:
    import polars as pl

    mean = pl.col("balance_minor").mean().over("currency")
    scale: Floats = np.maximum(options.select(mean).to_series().to_numpy().astype(np.float64), 1.0)
    return scale


def _unlimited(rows: Options) -> Ints:
    return np.full(len(rows.group), NONE, dtype=np.int64)


def _uniform(people: Ints, seed: int) -> Floats:
    """One number from 0 to 1 per person that depends on seed and person only, not on who else is planned."""
    start = seed * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    x = people.astype(np.uint64) + np.uint64(start)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return np.asarray(x >> np.uint64(11), dtype=np.float64) / float(1 << 53)


def _drawn(place: Ints, count: Floats, draw: np.ndarray[Any, np.dtype[Any]]) -> Ints:
    """For each person the option at share `draw` of its options and waiting (the last: -1)."""
    starts = np.searchsorted(place, np.arange(len(count)))
    which = np.minimum((draw * count).astype(np.int64), count.astype(np.int64) - 1)
    return np.where(which < count - 1, starts + which, NONE)


def _within(
    rows: Options, drawn: Ints, explored: np.ndarray[tuple[int], np.dtype[np.bool_]], limits: Limits
) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Ints, Limits]:
    """Drop draws that exceed a limit, and take the others' room away from the rest of the plan."""
    room, money = limits.capacity.copy(), limits.budget
    explored, drawn = explored.copy(), drawn.copy()
    for person in np.flatnonzero(explored & (drawn >= 0)):
        resource, cost = int(rows.resource[drawn[person]]), float(rows.cost[drawn[person]])
        if (resource >= 0 and room[resource] < 1) or (money is not None and cost > money):
            explored[person], drawn[person] = False, NONE
            continue
        if resource >= 0:
            room[resource] -= 1
        money = None if money is None else money - cost
    return explored, drawn, Limits(room, money)


def _without(rows: Options, explored: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Options:
    value = np.where(explored[rows.group], 0.0, rows.value) if len(rows.group) else rows.value
    return Options(rows.group, value, rows.resource, rows.cost)
