"""Caps, gaps and channel locks over columns: from which moment each account's history blocks it no more.

With a history that lies wholly in the past, a rule that blocks at the moment asked about lets go once and
for all; so one `blocked_until` per account and rule says everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from recupero_sdk.law import Proposal
from recupero_sdk.law.engine import Plan
from recupero_sdk.law.moments import DAY, instant, next_period, period_start
from recupero_sdk.law.parameters import Counted, Hours, Period, Reading
from recupero_sdk.law.schema import ChannelLockRule, FrequencyRule, GapRule, Scope
from recupero_sdk.law.zones import load_zone

_TIME = pl.Datetime("us", "UTC")
_KEYS: dict[Scope, list[str]] = {
    "debtor": ["person"],
    "agency": ["person"],
    "creditor": ["person", "creditor"],
    "debt": ["person", "debt"],
}
_Rule = FrequencyRule | GapRule | ChannelLockRule


def blocks(rows: pl.DataFrame, past: pl.DataFrame, plan: Plan, proposal: Proposal) -> pl.DataFrame:
    """row, by_history (place in the plan of the first rule that refuses now) and blocked_until (UTC)."""
    at = proposal.at.astimezone(UTC)
    past = past.join(rows.select("person").unique(), on="person", how="semi")
    places = [place for place, check in plan.deciding if check.basis == "history"]
    found = [_by_rule(rows, past, plan, place, proposal) for place in places]
    empty = pl.DataFrame(schema={"row": pl.UInt32, "place": pl.Int32, "until": _TIME})
    blocked = pl.concat([empty, *found]).filter(pl.col("until") > at)
    return blocked.group_by("row").agg(by_history=pl.col("place").min(), blocked_until=pl.col("until").max())


def _by_rule(
    rows: pl.DataFrame, past: pl.DataFrame, plan: Plan, place: int, proposal: Proposal
) -> pl.DataFrame:
    """row, place, until for one rule: the latest over the zones an account may be in."""
    rule = plan.articles[place].rule
    assert isinstance(rule, FrequencyRule | GapRule | ChannelLockRule)
    keys = _KEYS[rule.scope]
    counted = past.filter(_counts(rule.parameters.counts))
    if isinstance(rule, ChannelLockRule):
        counted = counted.filter(pl.col("channel") != proposal.channel)
    zones = rows["zones"].explode().unique().to_list()
    found = [
        rows.filter(pl.col("zones").list.contains(zone))
        .select("row", *keys)
        .join(_until(rule, counted, keys, proposal, load_zone(zone)), on=keys, how="inner")
        for zone in zones
    ]
    empty = pl.DataFrame(schema={"row": pl.UInt32, "until": _TIME})
    return pl.concat([empty, *(one.select("row", "until") for one in found)]).select(
        "row", pl.lit(place, dtype=pl.Int32).alias("place"), "until"
    )


def _counts(counted: Counted) -> pl.Expr:
    """Which contacts use up a limit; one whose outcome is unknown does."""
    matches = [
        (pl.col("channel") == channel) & pl.col("outcome").is_in([*outcomes, "unknown"])
        for channel, outcomes in counted.outcomes.items()
    ]
    direction = pl.lit(value=True) if counted.inbound else pl.col("direction") == "outbound"
    return pl.any_horizontal(matches) & direction


def _until(
    rule: _Rule, counted: pl.DataFrame, keys: list[str], proposal: Proposal, zone: ZoneInfo
) -> pl.DataFrame:
    if isinstance(rule, GapRule):
        return _gap_until(rule, counted, keys, zone)
    limit = rule.parameters.limit.value if isinstance(rule, FrequencyRule) else 1
    parameters = rule.parameters
    spell = _spell_until(parameters.period, parameters.readings, parameters.rolling, limit, proposal, zone)
    return counted.group_by(keys).agg(until=spell)


def _spell_until(
    period: Period,
    readings: Iterable[Reading],
    rolling: Hours | None,
    limit: int,
    proposal: Proposal,
    zone: ZoneInfo,
) -> pl.Expr:
    """When a period that holds `limit` contacts has room again; null where it has room in every reading."""
    day = proposal.at.astimezone(zone).date()
    untils = []
    for reading in readings:
        if reading == "rolling" and rolling is not None:
            nth_newest = pl.when(pl.len() >= limit).then(pl.col("at").top_k(limit).min())
            untils.append(nth_newest + timedelta(hours=rolling.value))
        else:
            inside = (pl.col("at") >= instant(period_start(day, period), 0, zone)).sum()
            ends: datetime = instant(next_period(day, period), 0, zone)
            untils.append(pl.when(inside >= limit).then(pl.lit(ends, dtype=_TIME)))
    return pl.max_horizontal(untils)


def _gap_until(rule: GapRule, counted: pl.DataFrame, keys: list[str], zone: ZoneInfo) -> pl.DataFrame:
    hours = rule.parameters.hours.value if rule.parameters.hours else 0
    days = rule.parameters.days.value if rule.parameters.days else 0
    last = counted.group_by(keys).agg(last=pl.col("at").max())
    last = last.with_columns(day=pl.col("last").dt.convert_time_zone(zone.key).dt.date())
    dates = last["day"].unique().to_list()
    midnights = pl.DataFrame(
        {"day": dates, "midnight": [instant(day + days * DAY, 0, zone) for day in dates]},
        schema={"day": pl.Date, "midnight": _TIME},
    )
    by_hours = pl.col("last") + timedelta(hours=hours)
    by_date = pl.col("midnight") if days else pl.col("last")
    return last.join(midnights, on="day").select(*keys, until=pl.max_horizontal(by_hours, by_date))
