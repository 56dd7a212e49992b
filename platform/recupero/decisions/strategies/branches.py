"""The branches of a portfolio's strategy: for each account the one strategy that holds for it.

A strategy may tell segments apart, by what is known of an account today, and arms, drawn by lot. An account
is in the first segment that fits it, or in none; a person is in one arm of a portfolio for good, so that two
ways can be compared. What the segment says stands above the strategy itself, what the arm says above both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.strategies.assistants import named
from recupero.decisions.strategies.strategy import Arm, Segment, Strategy
from recupero.outreach.actions.approval import VULNERABLE
from recupero.outreach.actions.kinds import CALL

if TYPE_CHECKING:
    import polars as pl

#: Stages by days past due, as the field tells them apart (domain page, section 1): before the due date, up to
#: this many days after it, and later. The bound is a usual one, ours.
EARLY_UNTIL = 90


@dataclass(frozen=True, slots=True)
class Branch:
    """One way through a portfolio's strategy. `segment` and `arm` are names, None outside of any."""

    portfolio: int
    segment: str | None
    arm: str | None
    strategy: Strategy


@dataclass(frozen=True)
class Branched:
    """Accounts with their `branch` (null where their portfolio's strategy cannot be read)."""

    accounts: pl.DataFrame
    branches: Mapping[int, Branch]

    @property
    def strategies(self) -> dict[int, Strategy]:
        """What holds, by branch."""
        return {number: each.strategy for number, each in self.branches.items()}

    def names(self) -> pl.DataFrame:
        """Branch, segment and arm as columns."""
        import polars as pl

        rows = [(number, each.segment, each.arm) for number, each in self.branches.items()]
        schema = {"branch": pl.Int64, "segment": pl.String, "arm": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row")


def branched(
    accounts: pl.DataFrame, strategies: Mapping[int, Strategy], at: datetime, *, today: Any = None
) -> Branched:
    """The accounts with the branch that holds for each of them at `at`; `today` is an expression of each
    row's own day, where the rows are of several."""
    import polars as pl

    today = pl.lit(at).dt.date() if today is None else today
    found: dict[int, Branch] = {}
    parts = [accounts.filter(~pl.col("portfolio").is_in(list(strategies))).with_columns(branch=_none())]
    for portfolio, strategy in strategies.items():
        mine = accounts.filter(pl.col("portfolio") == portfolio)
        first = len(found)
        for segment in (*strategy.segments, None):
            for arm in (*strategy.arms, None):
                found[len(found)] = Branch(
                    portfolio, segment.name if segment else None, arm.name if arm else None,
                    effective(strategy, segment, arm),
                )  # fmt: skip
        arms = len(strategy.arms) + 1
        place = _segment(strategy, today) * arms + pl.Series(arm_of(strategy, portfolio, _people(mine)))
        parts.append(mine.with_columns(branch=(place + first).cast(pl.Int64)))
    return Branched(pl.concat(parts).sort("account"), found)


def _none() -> Any:
    import polars as pl

    return pl.lit(None, pl.Int64)


def _people(accounts: pl.DataFrame) -> Ints:
    people: Ints = accounts["person"].to_numpy()
    return people


def effective(strategy: Strategy, segment: Segment | None, arm: Arm | None) -> Strategy:
    """What holds in a segment and an arm."""
    said: dict[str, Any] = {}
    for each in (segment, arm):
        said |= dict(each.then) if each else {}
    if "assistants" in said:
        said["assistants"] = named("strategy.assistants", said["assistants"], strategy.assistants)
    whole = replace(strategy, **said)
    return replace(whole, channels=(CALL,)) if whole.human_only else whole


def _segment(strategy: Strategy, today: Any) -> Any:
    """The place of the first segment that fits, or one past the last."""
    import polars as pl

    place: Any = pl.lit(len(strategy.segments))
    for number in reversed(range(len(strategy.segments))):
        fits = fitting(strategy.segments[number].when, today).fill_null(value=False)
        place = pl.when(fits).then(pl.lit(number)).otherwise(place)
    return place


def fitting(when: Mapping[str, Any], today: Any) -> Any:
    """An expression over `reading.read_accounts`: all that the segment asks for holds on the day `today`, an
    expression. What is unknown of an account never fits."""
    import polars as pl

    overdue = (today - pl.col("due_date")).dt.total_days()
    stage = (
        pl.when(overdue < 0).then(pl.lit("preventive"))
        .when(overdue <= EARLY_UNTIL).then(pl.lit("early"))
        .when(overdue.is_not_null()).then(pl.lit("late"))
    )  # fmt: skip
    asked: dict[str, Callable[[Any], Any]] = {
        "stages": lambda value: stage.is_in(list(value)),
        "from_dpd": lambda value: overdue >= value,
        "to_dpd": lambda value: overdue <= value,
        "from_balance_minor": lambda value: pl.col("balance_minor") >= value,
        "to_balance_minor": lambda value: pl.col("balance_minor") <= value,
        "regions": lambda value: pl.col("region").is_in(list(value)),
        "languages": lambda value: pl.col("language").str.slice(0, 2).is_in(list(value)),
        "vulnerable": lambda _value: (
            pl.col("situations").list.set_intersection(sorted(VULNERABLE)).list.len() > 0
        ),
    }
    return pl.all_horizontal([asked[name](value) for name, value in when.items()])


def arm_of(strategy: Strategy, portfolio: int, people: Ints) -> Ints:
    """The arm of each person: its place, or one past the last for those in none. It hangs on portfolio and
    person only, and stays when another arm's share changes after it."""
    edges: Floats = np.cumsum(np.array([arm.share for arm in strategy.arms], dtype=np.float64))
    return np.searchsorted(edges, lots(people, portfolio), side="right").astype(np.int64)


def lots(people: Ints, seed: int) -> Floats:
    """A number from 0 to 1 for each person that hangs on person and seed only (SplitMix64's finaliser)."""
    start = seed * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    x = people.astype(np.uint64) + np.uint64(start)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return np.asarray(x >> np.uint64(11), dtype=np.float64) / float(1 << 53)
