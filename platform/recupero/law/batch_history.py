"""Caps, gaps and channel locks over columns: until when each account's history blocks it, rule by rule.

With a history that lies wholly in the past, a rule that blocks at a moment lets go once and for all, as long
as the same rules are in force. And each rule needs but one moment per debtor: a cap of n per period is used
up exactly when the n-th newest counted contact still lies in the period; gaps and locks look at the newest.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import polars as pl

from recupero_sdk.law import CHANNELS, Channel
from recupero_sdk.law.moments import DAY, instant, next_period, period_start
from recupero_sdk.law.rule import Scope
from recupero_sdk.law.schema import ChannelLockRule, FrequencyRule, GapRule
from recupero_sdk.law.terms import Counted
from recupero_sdk.law.values import CONTACT_OUTCOMES, DIRECTIONS
from recupero_sdk.law.zones import load_zone

TIME = pl.Datetime("us", "UTC")
KEYS: dict[Scope, list[str]] = {
    "debtor": ["person"],
    "agency": ["person"],
    "creditor": ["person", "creditor"],
    "debt": ["person", "debt"],
    "account": ["person", "account_key"],
}
#: Later than any moment asked about: a rule that never lets go.
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
HistoryRule = FrequencyRule | GapRule | ChannelLockRule
_CODES: dict[str, pl.DataType] = {
    "channel": pl.Enum(CHANNELS),
    "direction": pl.Enum(DIRECTIONS),
    "outcome": pl.Enum(CONTACT_OUTCOMES),
}
#: Columns of the history that may be left out, and what stands for them.
_OPTIONAL: dict[str, pl.Expr] = {
    "account_key": pl.col("debt"),
    "recipient": pl.lit("debtor"),
    "place": pl.lit(None, pl.String),
    "purpose": pl.lit(None, pl.String),
    "asked": pl.lit(value=False),
    "with_consent": pl.lit(value=False),
}


def ready(history: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """The history up to a moment, coded, with every column the rules may ask for.

    Raises `ValueError` where it holds a channel, direction or outcome that the law does not know.
    """
    missing = [column.alias(name) for name, column in _OPTIONAL.items() if name not in history.columns]
    coded = [pl.col(name).cast(code) for name, code in _CODES.items()]
    try:
        return history.with_columns(pl.col("at").cast(TIME), *coded, *missing).filter(pl.col("at") <= at)
    except pl.exceptions.InvalidOperationError as error:
        raise ValueError(
            f"history holds a channel, direction or outcome that is not known: {error}"
        ) from None


class History:
    """Past contacts of many persons; what rules share over channels and moments is kept.

    `rows` are the accounts with `row`, their keys, and one line per zone the debtor may be in (`zone`).
    """

    def __init__(self, past: pl.DataFrame, rows: pl.DataFrame, at: datetime) -> None:
        self.past, self._rows, self.at = past, rows, at
        self._newest: dict[Any, pl.DataFrame] = {}
        self._by_zones: dict[Any, dict[str, pl.DataFrame]] = {}
        self._zones_of: dict[tuple[str, ...], pl.DataFrame] = {}
        self._until: dict[Any, pl.Series] = {}

    def until_by_line(self, rule: HistoryRule, channel: Channel, at: datetime) -> pl.Series:
        """Until when each line is blocked by this rule from a moment on; null where it is free."""
        key = (id(rule), channel if isinstance(rule, ChannelLockRule) else None, at)
        if key not in self._until:
            self._until[key] = self._by_zone(rule, channel, at)
        return self._until[key]

    def _by_zone(self, rule: HistoryRule, channel: Channel, at: datetime) -> pl.Series:
        keys = KEYS[rule.scope]
        if not _by_day(rule) and not _minds_zone(rule):
            newest = self._newest_of(rule, channel)
            return self._joined(_until(rule, newest, at, load_zone("UTC")), keys, at)
        parts = [
            _until(rule, newest, at, load_zone(zone))
            .filter(pl.col("until") > at)
            .select(*keys, "until", zone=pl.lit(zone))
            for zone, newest in self._newest_by_zone(rule, channel).items()
        ]
        if not parts:
            return pl.Series("until", [None], dtype=TIME).new_from_index(0, self._rows.height)
        return self._joined(pl.concat(parts), [*keys, "zone"], at)

    def _newest_by_zone(self, rule: HistoryRule, channel: Channel) -> dict[str, pl.DataFrame]:
        """As `_newest_of`, for the debtors of each zone apart; by local day where the rule counts days."""
        keys, key = KEYS[rule.scope], (id(rule), channel if isinstance(rule, ChannelLockRule) else None)
        if key not in self._by_zones:
            zoned = self._zoned(keys)
            by_day = _by_day(rule)
            found = self._recent(rule, channel) if by_day else self._newest_of(rule, channel)
            parts = found.join(zoned, on=keys).partition_by("zone", as_dict=True, include_key=False)
            by_zone = {str(zone[0]): part for zone, part in parts.items()}
            if by_day:
                limit = _limit(rule)
                by_zone = {zone: _nth_newest(part, keys, limit, zone) for zone, part in by_zone.items()}
            self._by_zones[key] = by_zone
        return self._by_zones[key]

    def _zoned(self, keys: list[str]) -> pl.DataFrame:
        """The debtors (debts, creditors) of each zone."""
        if (name := tuple(keys)) not in self._zones_of:
            self._zones_of[name] = self._rows.select(*keys, "zone").unique()
        return self._zones_of[name]

    def _joined(self, until: pl.DataFrame, keys: list[str], at: datetime) -> pl.Series:
        until = until.filter(pl.col("until") > at).select(*keys, "until")
        if until.is_empty():
            return pl.Series("until", [None], dtype=TIME).new_from_index(0, self._rows.height)
        return self._rows.select(keys).join(until, on=keys, how="left", maintain_order="left")["until"]

    def _newest_of(self, rule: HistoryRule, channel: Channel) -> pl.DataFrame:
        """Per debtor (or debt, or creditor): the contact whose leaving makes room."""
        key = (id(rule), channel if isinstance(rule, ChannelLockRule) else None)
        if key not in self._newest:
            self._newest[key] = _nth_newest(self._recent(rule, channel), KEYS[rule.scope], _limit(rule), None)
        return self._newest[key]

    def _recent(self, rule: HistoryRule, channel: Channel) -> pl.DataFrame:
        """The contacts that the rule counts and that can still block."""
        counted = counts(rule.parameters.counts)
        if isinstance(rule, ChannelLockRule):
            counted &= pl.col("channel") != channel
        return self.past.filter(pl.col("at") > self.at - _reach(rule), counted)


def _nth_newest(recent: pl.DataFrame, keys: list[str], limit: int, zone: str | None) -> pl.DataFrame:
    """Per key the n-th newest moment; with `zone` the last moment of the n-th newest local day."""
    last = None
    if zone is not None:
        recent = recent.with_columns(day=pl.col("at").dt.convert_time_zone(zone).dt.date())
        recent = recent.group_by([*keys, "day"]).agg(pl.col("at").max())
        last = pl.col("day").max().alias("last_day")
    newest = pl.col("at").max() if limit == 1 else pl.col("at").top_k(limit).min()
    aggregates = [
        pl.when(pl.len() >= limit).then(newest).alias("newest"),
        *([last] if last is not None else []),
    ]
    return recent.group_by(keys).agg(aggregates).drop_nulls("newest")


def _by_day(rule: HistoryRule) -> bool:
    """Whether the rule counts local days rather than contacts."""
    return isinstance(rule, FrequencyRule) and rule.parameters.limit.unit == "days"


def _limit(rule: HistoryRule) -> int:
    return rule.parameters.limit.value if isinstance(rule, FrequencyRule) else 1


def _minds_zone(rule: HistoryRule) -> bool:
    """Whether the debtor's zone moves the moment at which the rule lets go."""
    if isinstance(rule, GapRule):
        return rule.parameters.days is not None
    rolling = rule.parameters.rolling
    by_days = rolling is not None and rolling.unit == "calendar_days"
    return by_days or "calendar" in rule.parameters.readings


def _reach(rule: HistoryRule) -> timedelta:
    """How far back a contact can still block, with a day to spare for zones."""
    if isinstance(rule, GapRule):
        length, days = _gap(rule)
        return max(length, days * DAY) + 2 * DAY
    parameters = rule.parameters
    length = timedelta()
    if rolling := parameters.rolling:
        length = timedelta(hours=rolling.value) if rolling.unit == "hours" else rolling.value * DAY
    if "calendar" in parameters.readings:
        lengths = {"day": 1, "week": 7, "month": 31, "year": 366, "ever": 40_000}
        length = max(length, lengths[parameters.period or "ever"] * DAY)
    return length + 2 * DAY


def counts(counted: Counted) -> pl.Expr:
    """Which contacts use up a limit; one whose outcome is unknown does."""
    matches = [
        (pl.col("channel") == channel) & pl.col("outcome").is_in([*outcomes, "unknown"])
        for channel, outcomes in counted.outcomes.items()
    ]
    found = pl.any_horizontal(matches) & (pl.col("direction") == "outbound")
    if counted.inbound:
        inbound = pl.col("channel").is_in(list(counted.outcomes)) & pl.col("outcome").is_in(counted.inbound)
        found |= inbound & (pl.col("direction") == "inbound")
    for name in ("asked", "with_consent"):
        if name in counted.excludes:
            found &= ~pl.col(name)
    if "reply" in counted.excludes:
        found &= pl.col("purpose").ne_missing(pl.lit("reply"))
    if counted.recipients:
        found &= pl.col("recipient").is_in(counted.recipients)
    for name, values in (("place", counted.places), ("purpose", counted.purposes)):
        if values:
            found &= pl.col(name).is_in(values) | pl.col(name).is_null()
    return found


def _until(rule: HistoryRule, newest: pl.DataFrame, at: datetime, zone: ZoneInfo) -> pl.DataFrame:
    """The keys with `until`: when the rule has room again; null where it has room in every reading."""
    if isinstance(rule, GapRule):
        length, days = _gap(rule)
        by_length = newest.with_columns(until=pl.col("newest") + length)
        if not days:
            return by_length
        by_date = midnight_after(newest, "newest", days, zone)
        return by_length.with_columns(until=pl.max_horizontal("until", by_date))
    day, parameters = at.astimezone(zone).date(), rule.parameters
    untils: list[Any] = []
    for reading in parameters.readings:
        if reading == "rolling" and parameters.rolling is not None:
            value = parameters.rolling.value
            if parameters.rolling.unit == "hours":
                untils.append(pl.col("newest") + timedelta(hours=value))
            else:
                untils.append(midnight_after(newest, "newest", value, zone))
        elif parameters.period == "ever":
            untils.append(pl.lit(NEVER, dtype=TIME))
        else:
            period = cast("Any", parameters.period)
            starts = instant(period_start(day, period), 0, zone)
            ends = instant(next_period(day, period), 0, zone)
            untils.append(pl.when(pl.col("newest") >= starts).then(pl.lit(ends, dtype=TIME)))
    found = newest.with_columns(until=pl.max_horizontal(untils))
    return found.filter(pl.col("last_day") != day) if "last_day" in found.columns else found


def _gap(rule: GapRule) -> tuple[timedelta, int]:
    """The full length between contacts, and how many local midnights must pass."""
    parameters = rule.parameters
    length = timedelta(
        hours=parameters.hours.value if parameters.hours else 0,
        minutes=parameters.minutes.value if parameters.minutes else 0,
    )
    days = parameters.days.value if parameters.days else 0
    return length, days + (1 if days and parameters.day_one == "next" else 0)


def midnight_after(frame: pl.DataFrame, column: str, days: int, zone: ZoneInfo) -> pl.Series:
    """The UTC midnight that many local days after the local day of each moment; null of null."""
    day = frame[column].dt.convert_time_zone(zone.key).dt.date()
    dates = day.unique().drop_nulls().to_list()
    midnights = [instant(one + days * DAY, 0, zone) for one in dates]
    schema: dict[str, Any] = {"day": pl.Date, "midnight": TIME}
    table = pl.DataFrame({"day": dates, "midnight": midnights}, schema=schema)
    return day.to_frame("day").join(table, on="day", how="left", maintain_order="left")["midnight"]
