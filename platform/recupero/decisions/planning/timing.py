"""Whether it is worth waiting for a better hour: how a channel is answered by local hour and weekday, learned
from the creditor's own contacts, against what waiting costs.

A debtor is contacted at most once in a period (the strategy's pace, or its most contacts in 30 days), and
who was contacted n times in 30 days once in about 30 / (n + 1). Each contact that is made is one that cannot
be made later, and each day of waiting puts off all that follow. A slot `w` days away is therefore worth its
reach × round / (round + w), the round being the longer of both: waiting pays where the slot is better by more
than it lengthens the round. The law's own caps are the gate's: where they bind, it names later moments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from recupero.decisions.columns import Floats
from recupero.decisions.strategies.strategy import Strategy
from recupero.outreach.actions.kinds import CALL

if TYPE_CHECKING:
    import polars as pl

#: Calls are answered best late in the afternoon and early in the morning, worst at midday: the order is that
#: of the lead response study of Oldroyd (2007), the sizes are ours. Of messages nothing is assumed.
_CALLS = {8: 1.1, 9: 1.1, 12: 0.9, 13: 0.9, 16: 1.15, 17: 1.15, 18: 1.1}
#: Contacts at an hour, or on a weekday, after which what was seen there weighs as much as what was assumed.
PRIOR_ATTEMPTS = 300
HOURS, DAYS = range(8, 21), 7
#: A later slot is asked about where it is worth so much more than the plan's usual ones.
BETTER, MOST = 1.02, 2

Counted = Mapping[tuple[str, int, int], tuple[int, int]]


@dataclass(frozen=True)
class Timing:
    """Reach by channel, weekday (1 Monday) and local hour over the channel's own mean; 1 where not known."""

    by_hour: Mapping[tuple[str, int], float] = field(default_factory=dict)
    by_day: Mapping[tuple[str, int], float] = field(default_factory=dict)

    def factor(self, channel: str, weekday: int, hour: int) -> float:
        """How much better than usual the channel is answered then."""
        assumed = _CALLS.get(hour, 1.0) if channel == CALL else 1.0
        return self.by_hour.get((channel, hour), assumed) * self.by_day.get((channel, weekday), 1.0)


def learned(counted: Counted) -> Timing:
    """From attempts and answers by channel, weekday and local hour; little history moves little."""
    channels = Counter[tuple[str, bool]]()
    hours, days = Counter[tuple[str, int, bool]](), Counter[tuple[str, int, bool]]()
    for (channel, weekday, hour), seen in counted.items():
        for answered, number in enumerate(seen):
            channels[channel, bool(answered)] += number
            hours[channel, hour, bool(answered)] += number
            days[channel, weekday, bool(answered)] += number

    def over(seen: Counter[tuple[str, int, bool]], channel: str, when: int, assumed: float) -> float:
        mean = max(channels[channel, True], 1) / channels[channel, False]
        answers, attempts = seen[channel, when, True], seen[channel, when, False]
        return (answers / mean + PRIOR_ATTEMPTS * assumed) / (attempts + PRIOR_ATTEMPTS)

    usual = Timing()
    return Timing(
        {(name, at): over(hours, name, at, usual.factor(name, 0, at)) for name, _day, at in counted},
        {(name, day): over(days, name, day, 1.0) for name, day, _at in counted},
    )


def period(strategy: Strategy) -> float:
    """Least days from one contact to the next that the strategy leaves."""
    return max(strategy.pace_days, 30 / max(1, strategy.max_contacts_30d))


def patience(wait: timedelta, days: float) -> float:
    """What is left of a value that comes after `wait`, where contacts are made once in so many days."""
    return days / (days + max(0.0, wait / timedelta(days=1))) if days else 0.0


def later(
    timing: Timing, channel: str, at: datetime, usual: Sequence[timedelta], zone: ZoneInfo, days: float
) -> list[datetime]:
    """Moments of the week ahead at which the channel is worth more than at the `usual` ones; the best first,
    at most one a day."""

    def worth(moment: datetime) -> float:
        local = moment.astimezone(zone)
        return timing.factor(channel, local.isoweekday(), local.hour) * patience(moment - at, days)

    best = max(worth(at + each) for each in usual)
    today = at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    found = []
    for day in range(DAYS):
        slots = ((today + timedelta(days=day)).replace(hour=hour) for hour in HOURS)
        ahead = [slot.astimezone(at.tzinfo) for slot in slots if slot > at]
        if ahead and worth(top := max(ahead, key=worth)) > best * BETTER:
            found.append(top)
    return sorted(found, key=worth, reverse=True)[:MOST]


def timed(
    options: pl.DataFrame,
    timing: Timing,
    strategies: Mapping[int, Strategy],
    at: datetime,
    told: Callable[[pl.DataFrame], Floats | None] | None = None,
) -> pl.DataFrame:
    """The options with `timing`, how good their hour is where the debtor lives, and `patience`, what waiting
    for it leaves of their value. What is `told` of the options with their `weekday` and `hour` stands in
    place of the curve, unless it is None."""
    import polars as pl

    parts = [
        part.with_columns(weekday=local.dt.weekday().cast(pl.Int64), hour=local.dt.hour().cast(pl.Int64))
        for part in options.partition_by("clock_zone", maintain_order=True)
        for local in [part["moment"].dt.convert_time_zone(part["clock_zone"][0] or "UTC")]
    ]
    rows = pl.concat(parts) if parts else options.with_columns(weekday=pl.lit(0), hour=pl.lit(0))
    factors = told(rows) if told is not None else None
    rows = _curved(rows, timing) if factors is None else rows.with_columns(timing=pl.Series(factors))
    wait = (pl.col("moment") - pl.lit(at)).dt.total_seconds() / 86_400
    return rows.with_columns(patience=_patience(wait, strategies)).drop("weekday", "hour")


def _curved(rows: pl.DataFrame, timing: Timing) -> pl.DataFrame:
    import polars as pl

    known = rows.select("channel", "weekday", "hour").unique()
    factors = [timing.factor(*row) for row in known.iter_rows()]
    known = known.with_columns(pl.Series("timing", factors, dtype=pl.Float64))
    return rows.join(known, on=["channel", "weekday", "hour"], how="left", maintain_order="left")


def _patience(wait: Any, strategies: Mapping[int, Strategy]) -> Any:
    import polars as pl

    periods = {number: period(each) for number, each in strategies.items()}
    least = pl.col("branch").replace_strict(periods, default=1.0, return_dtype=pl.Float64)
    days = pl.max_horizontal(least, 30 / (1 + pl.col("lately").fill_null(0)))
    return days / (days + pl.max_horizontal(wait, 0.0))
