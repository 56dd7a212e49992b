"""From lawful candidates to one chosen action per person: value, exploration, shared limits.

The value of a contact is p × balance × commission × reach × left − cost: p the chance of a payment within 30
days, reach how often this channel is answered here against the best channel (shrunk towards the strategy's
order while there is little history), left for how often the debtor was contacted lately (`tiring`). It ranks;
it is not yet the uplift of the contact. Doing nothing is worth 0.

Exploration draws a channel, or waiting, each as likely as the others, then one of the channel's options. A
day of waiting that a contact ends tells little: so a part of the people rests by lot for two weeks on end,
which shows what waiting is worth and how those who were left in peace answer afterwards. Of what they agreed
to they hear all the same, as the control group does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Flags, Floats, Ints
from recupero.decisions.planning.allocation import NONE, Options, allocate, best, fitting
from recupero.decisions.planning.capacity import Resources
from recupero.decisions.strategies.branches import lots
from recupero.decisions.strategies.strategy import Strategy
from recupero.decisions.tables import SCALE
from recupero.outreach.actions.kinds import AGREED

if TYPE_CHECKING:
    import polars as pl

#: What `with_values` adds to options.
VALUED = ("factor", "cost_minor", "minimum", "value_minor", "enough")
PRIOR_REACH, PRIOR_ATTEMPTS, LESS_PER_RANK = 0.05, 200, 0.9
#: Who rests by lot: a share of the people of the strategy's `exploration`, for so many days on end.
RESTING, REST_DAYS = 1 / 3, 14


@dataclass(frozen=True)
class Market:
    """What one more unit of each resource is worth (mean balances a unit), and how much is left of it: what
    is planned later for one debtor pays these prices and keeps to this room."""

    names: tuple[str, ...]
    prices: Floats
    room: Floats
    scales: Mapping[str, float]  # mean balance by currency

    def to_json(self) -> dict[str, list[float]]:
        """By name: price and room; and the scales, with no room."""
        found = {
            name: [round(float(price), 9), round(float(room), 6)]
            for name, price, room in zip(self.names, self.prices, self.room, strict=True)
        }
        return found | {f"{SCALE}{currency}": [scale, 0.0] for currency, scale in self.scales.items()}

    def after(self, before: Mapping[str, list[float]]) -> dict[str, list[float]]:
        """The market of a plan of all accounts after a few were planned again: its prices, less room."""
        left = dict(zip(self.names, self.room.tolist(), strict=True))
        return {name: [price, round(left.get(name, room), 6)] for name, (price, room) in before.items()}


@dataclass(frozen=True)
class Choice:
    """Columns beside the options: what was chosen (row of the option per person, -1 to wait), the logged
    propensity per person, whether it was drawn at random, the bound's gap, and what was scarce."""

    person_of: Ints  # place of the person for each option
    chosen: Ints
    propensity: Floats
    explored: Flags
    bound_gap: float
    market: Market


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

    from recupero.decisions.learning import tiring  # polars takes a while to import

    rows = [
        (branch, channel, factor * commission[branch], strategy.costs_minor.get(channel, 0),
         strategy.minimum_value_minor)
        for branch, strategy in strategies.items()
        for channel, factor in reach_factors(strategy, counted, carried).items()
    ]  # fmt: skip
    factors = pl.DataFrame(
        rows, orient="row",
        schema={"branch": pl.Int64, "channel": pl.String, "factor": pl.Float64, "cost_minor": pl.Int64,
                "minimum": pl.Int64},
    )  # fmt: skip
    left = pl.when(pl.col("template").is_in(AGREED)).then(1.0).otherwise(tiring.left())
    reach = pl.col("factor") * pl.col("timing") * pl.col("patience") * left
    gross = pl.col("p") * pl.col("balance_minor") * reach
    found = options.join(factors, on=["branch", "channel"], how="inner").with_columns(
        value_minor=gross - pl.col("cost_minor")
    )
    found = found.with_columns(enough=pl.col("value_minor") > pl.col("minimum"))
    return found.sort("person", "moment", "account", "channel")


def choose(
    options: pl.DataFrame,
    strategies: Mapping[int, Strategy],
    seed: int,
    scarce: Resources,
    market: Mapping[str, Sequence[float]] | None = None,
    rest: int | None = None,
) -> Choice:
    """One option per person within what is `scarce`, a few of them drawn at random, and a few left in peace:
    `rest` is the seed of these, the same for `REST_DAYS`.

    `market` is that of a plan of all accounts where these are a few that are planned after it: they find the
    room that it left, and what they use costs its prices; only what waits for them from it is theirs.
    """
    people, place = np.unique(options["person"].to_numpy(), return_inverse=True)
    place = place.astype(np.int64)
    epsilon = np.zeros(len(people))
    epsilon[place] = _per_branch(options, {key: each.exploration for key, each in strategies.items()})
    chance, waits = _even(place, _codes(options["channel"]), len(people))
    scale = _scales(options) if market is None else _known_scales(options, market)
    value = _comparable(options, scale)
    if market is not None:
        value, scarce = _at_prices(options, place, value, scarce, market)
    rows = Options(place, value, scarce.uses, scarce.amount)
    draw = lots(people, seed)
    explored = draw < epsilon
    share: Floats = np.where(explored, draw / np.maximum(epsilon, 1e-12), 0.0).astype(np.float64)
    drawn = np.where(explored, _drawn(place, chance, waits, share), NONE)
    rests = np.zeros(len(people)) if rest is None else epsilon * RESTING
    rests[place[options["template"].is_in(AGREED).to_numpy()]] = 0  # who agreed to something hears of it
    resting = lots(people, rest or 0) < rests
    explored, drawn = explored | resting, np.where(resting, NONE, drawn)
    explored, drawn, room = _within(rows, drawn, explored, scarce.room)
    plan = allocate(_without(rows, explored), room)
    chosen = np.where(explored, drawn, plan.chosen)
    # What who was drawn would have got else: at the prices of what is scarce, for most that is to wait.
    greedy = np.where(explored, best(rows, rows.priced(plan.prices)), plan.chosen)
    likely = np.where(chosen == NONE, waits, np.append(chance, 0.0)[chosen])
    propensity = (1 - rests) * (epsilon * likely + np.where(chosen == greedy, 1 - epsilon, 0.0))
    propensity += np.where(chosen == NONE, rests, 0.0)
    return Choice(
        place,
        chosen,
        propensity,
        explored,
        plan.bound_gap,
        Market(scarce.names, plan.prices, plan.room, scale),
    )


def _at_prices(
    options: pl.DataFrame,
    place: Ints,
    value: Floats,
    scarce: Resources,
    market: Mapping[str, Sequence[float]],
) -> tuple[Floats, Resources]:
    """The values less what the options use at the market's prices, and what room it left."""
    scarce, own = scarce.left(market, options)
    prices = np.array([market.get(name, (0.0, 0.0))[0] for name in scarce.names])
    priced = Options(place, value, scarce.uses, scarce.amount).priced(prices)
    priced[own] = value[own]
    return priced, scarce


def _per_branch(options: pl.DataFrame, values: Mapping[int, float]) -> Floats:
    branches = options["branch"].to_numpy()
    result = np.zeros(len(branches))
    for branch, value in values.items():
        result[branches == branch] = value
    return result


def _comparable(options: pl.DataFrame, scales: Mapping[str, float]) -> Floats:
    """What the optimiser compares: values of several currencies by their mean balance, 0 where the strategy
    finds them too small."""
    import polars as pl

    scale = options["currency"].replace_strict(scales, return_dtype=pl.Float64) if scales else 1.0
    value = options["value_minor"].to_numpy() / np.asarray(scale, dtype=np.float64)
    return np.where(options["enough"].to_numpy(), value, 0.0)


def _scales(options: pl.DataFrame) -> dict[str, float]:
    """Mean balance of the options by currency, at least 1."""
    import polars as pl

    means = options.group_by("currency", maintain_order=True).agg(pl.col("balance_minor").mean())
    return {currency: max(1.0, mean) for currency, mean in means.iter_rows()}


def _known_scales(options: pl.DataFrame, market: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {
        currency: market[f"{SCALE}{currency}"][0] if f"{SCALE}{currency}" in market else own
        for currency, own in _scales(options).items()
    }


def _codes(channel: pl.Series) -> Ints:
    import polars as pl

    return (channel.cast(pl.Categorical).to_physical().cast(pl.Int64) + 1).fill_null(0).to_numpy()


def _even(place: Ints, channel: Ints, people: int) -> tuple[Floats, Floats]:
    """The chance of each option, and of each person's waiting, where every channel is as likely as waiting
    and every option of a channel as the others."""
    kinds, which, many = np.unique(
        place * (int(channel.max(initial=0)) + 1) + channel, return_inverse=True, return_counts=True
    )
    first = np.unique(which, return_index=True)[1]
    channels = np.bincount(place[first], minlength=people) if len(kinds) else np.zeros(people)
    waits: Floats = 1 / (channels + 1.0)
    return waits[place] / many[which], waits


def _drawn(place: Ints, chance: Floats, waits: Floats, draw: np.ndarray[Any, np.dtype[Any]]) -> Ints:
    """For each person the option at share `draw` of the chances of its options; beyond them waiting (-1)."""
    if not len(place):
        return np.full(len(waits), NONE)
    total = np.cumsum(chance)
    people = np.arange(len(waits))
    starts, ends = np.searchsorted(place, people), np.searchsorted(place, people, side="right")
    before = np.where(starts > 0, total[starts - 1], 0.0)
    which = np.searchsorted(total, before + draw, side="right").astype(np.int64)
    # Sums of a million chances are not exact: nobody gets a neighbour's option.
    return np.where(draw < 1 - waits, np.clip(which, starts, ends - 1), NONE)


def _within(rows: Options, drawn: Ints, explored: Flags, room: Floats) -> tuple[Flags, Ints, Floats]:
    """Drop draws that find no room, and take the others' room away from the rest of the plan."""
    explored, drawn = explored.copy(), drawn.copy()
    people = np.flatnonzero(drawn >= 0)
    without = people[~fitting(rows, drawn[people], room)]
    explored[without], drawn[without] = False, NONE
    return explored, drawn, room - rows.used(drawn[drawn >= 0], len(room))


def _without(rows: Options, explored: Flags) -> Options:
    value = np.where(explored[rows.group], 0.0, rows.value) if len(rows.group) else rows.value
    return Options(rows.group, value, rows.uses, rows.amount)
