"""Caps, gaps and channel locks over columns: from which moment each account's history blocks it no more.

With a history that lies wholly in the past, a rule that blocks at the moment asked about lets go once and
for all. And each rule needs but one moment per debtor: a cap of n per period is used up exactly when the
n-th newest counted contact still lies in the period; gaps and locks look at the newest.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from recupero_sdk.law import Proposal
from recupero_sdk.law.engine import Plan
from recupero_sdk.law.moments import DAY, instant, next_period, period_start
from recupero_sdk.law.rule import Scope
from recupero_sdk.law.schema import ChannelLockRule, FrequencyRule, GapRule
from recupero_sdk.law.terms import Counted
from recupero_sdk.law.zones import load_zone

_TIME = pl.Datetime("us", "UTC")
_KEYS: dict[Scope, list[str]] = {
    "debtor": ["person"],
    "agency": ["person"],
    "creditor": ["person", "creditor"],
    "debt": ["person", "debt"],
    "account": ["person", "debt"],
}
_Rule = FrequencyRule | GapRule | ChannelLockRule


class History:
    """Past contacts of many persons, asked at one moment; what rules share over channels is kept."""

    def __init__(self, past: pl.DataFrame, at: datetime) -> None:
        self._past, self._at = past, at.astimezone(UTC)
        self._newest: dict[int, pl.DataFrame] = {}

    def blocks(self, rows: pl.DataFrame, plan: Plan, proposal: Proposal) -> pl.DataFrame:
        """row, by_history (place in the plan of the first rule that refuses now), blocked_until (UTC)."""
        places = [place for place, check in plan.deciding if check.basis == "history"]
        found = [self._by_rule(rows, plan, place, proposal) for place in places]
        empty = pl.DataFrame(schema={"row": pl.UInt32, "until": _TIME, "place": pl.Int32})
        blocked = pl.concat([empty, *found])
        return blocked.group_by("row").agg(
            by_history=pl.col("place").min(), blocked_until=pl.col("until").max()
        )

    def _by_rule(self, rows: pl.DataFrame, plan: Plan, place: int, proposal: Proposal) -> pl.DataFrame:
        """row, until, place of the accounts that one rule blocks now, in each zone they may be in."""
        rule = plan.articles[place].rule
        assert isinstance(rule, _Rule)
        keys, newest = _KEYS[rule.scope], self._newest_of(rule)
        if isinstance(rule, ChannelLockRule):
            newest = newest.filter(pl.col("channel") != proposal.channel)
            newest = newest.group_by(keys).agg(pl.col("newest").max())
        found = [pl.DataFrame(schema={"row": pl.UInt32, "until": _TIME})]
        for zone in rows["zones"].explode().unique():
            until = _until(rule, newest, self._at, load_zone(zone)).filter(pl.col("until") > self._at)
            there = rows.filter(pl.col("zones").list.contains(zone)).select("row", *keys)
            found.append(there.join(until, on=keys, how="inner").select("row", "until"))
        return pl.concat(found).with_columns(place=pl.lit(place, dtype=pl.Int32))

    def _newest_of(self, rule: _Rule) -> pl.DataFrame:
        """Per debtor (or debt, or creditor): the contact whose leaving makes room; a lock's per channel."""
        if id(rule) not in self._newest:
            keys = _KEYS[rule.scope] + (["channel"] if isinstance(rule, ChannelLockRule) else [])
            limit = rule.parameters.limit.value if isinstance(rule, FrequencyRule) else 1
            newest = pl.col("at").max() if limit == 1 else pl.col("at").top_k(limit).min()
            recent = self._past.filter(
                pl.col("at") > self._at - _reach(rule), _counts(rule.parameters.counts)
            )
            counted = recent.group_by(keys).agg(newest=pl.when(pl.len() >= limit).then(newest))
            self._newest[id(rule)] = counted.drop_nulls("newest")
        return self._newest[id(rule)]


def _reach(rule: _Rule) -> timedelta:
    """How far back a contact can still block, with a day to spare for zones."""
    if isinstance(rule, GapRule):
        hours, days = _gap(rule)
        return max(timedelta(hours=hours), days * DAY) + 2 * DAY
    calendar = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY}[rule.parameters.period]
    rolling = timedelta(hours=rule.parameters.rolling.value) if rule.parameters.rolling else timedelta()
    return max(calendar, rolling) + 2 * DAY


def _counts(counted: Counted) -> pl.Expr:
    """Which contacts use up a limit; one whose outcome is unknown does."""
    matches = [
        (pl.col("channel") == channel) & pl.col("outcome").is_in([*outcomes, "unknown"])
        for channel, outcomes in counted.outcomes.items()
    ]
    inbound = pl.col("channel").is_in(list(counted.outcomes)) & pl.col("outcome").is_in(counted.inbound)
    return pl.when(pl.col("direction") == "inbound").then(inbound).otherwise(pl.any_horizontal(matches))


def _until(rule: _Rule, newest: pl.DataFrame, at: datetime, zone: ZoneInfo) -> pl.DataFrame:
    """The keys with `until`: when the rule has room again; null where it has room in every reading."""
    if isinstance(rule, GapRule):
        return _gap_until(rule, newest, zone)
    day, parameters = at.astimezone(zone).date(), rule.parameters
    untils = []
    for reading in parameters.readings:
        if reading == "rolling" and parameters.rolling is not None:
            untils.append(pl.col("newest") + timedelta(hours=parameters.rolling.value))
        else:
            starts = instant(period_start(day, parameters.period), 0, zone)
            ends = instant(next_period(day, parameters.period), 0, zone)
            untils.append(pl.when(pl.col("newest") >= starts).then(pl.lit(ends, dtype=_TIME)))
    return newest.with_columns(until=pl.max_horizontal(untils))


def _gap(rule: GapRule) -> tuple[int, int]:
    parameters = rule.parameters
    return (
        parameters.hours.value if parameters.hours else 0,
        parameters.days.value if parameters.days else 0,
    )


def _gap_until(rule: GapRule, newest: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    hours, days = _gap(rule)
    by_hours = newest.with_columns(until=pl.col("newest") + timedelta(hours=hours))
    if not days:
        return by_hours
    local = by_hours.with_columns(day=pl.col("newest").dt.convert_time_zone(zone.key).dt.date())
    dates: list[date] = local["day"].unique().to_list()
    midnights = pl.DataFrame(
        {"day": dates, "midnight": [instant(day + days * DAY, 0, zone) for day in dates]},
        schema={"day": pl.Date, "midnight": _TIME},
    )
    return local.join(midnights, on="day").with_columns(until=pl.max_horizontal("until", "midnight"))
