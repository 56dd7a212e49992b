"""Caps, gaps and channel locks over columns: until when each account's history blocks it, rule by rule.

With a history that lies wholly in the past, a rule that blocks at a moment lets go once and for all, as long
as the same rules are in force. And each rule needs but one moment per debtor: a cap of n per period is used
up exactly when the n-th newest counted contact still lies in the period; gaps and locks look at the newest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np
import polars as pl

from recupero.law.batch_clock import NEVER, NONE, Clocks, Flags, Ints, day_number, micro
from recupero_sdk.law import CHANNELS, Channel
from recupero_sdk.law.moments import DAY, instant, next_period, period_start
from recupero_sdk.law.rule import Scope
from recupero_sdk.law.schema import ChannelLockRule, FrequencyRule, GapRule
from recupero_sdk.law.terms import Counted
from recupero_sdk.law.values import CONTACT_OUTCOMES, DIRECTIONS

TIME = pl.Datetime("us", "UTC")
KEYS: dict[Scope, tuple[str, ...]] = {
    "debtor": ("person",),
    "agency": ("person",),
    "creditor": ("person", "creditor"),
    "debt": ("person", "debt"),
    "account": ("person", "account_key"),
}
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
        past = history.with_columns(pl.col("at").cast(TIME), *coded, *missing)
    except pl.exceptions.InvalidOperationError as error:
        raise ValueError(
            f"history holds a channel, direction or outcome that is not known: {error}"
        ) from None
    upto = pl.col("at") <= at
    if past.select(upto.all(ignore_nulls=False)).item():
        return past  # a filter would copy it
    return past.filter(upto)


@dataclass(frozen=True, slots=True)
class Lines:
    """One line per account and zone the debtor may be in: the row of the account, the numbers of spot and
    zone, and the day on which the debt falls due (`NONE`: not known)."""

    row: Ints
    spot: Ints
    zone: Ints
    due: Ints


@dataclass(frozen=True, slots=True)
class _Scoped:
    """The lines by number of debtor (debt, creditor, account), and the contacts with such a number."""

    codes: Ints
    count: int
    past: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Counts:
    """Contacts that count for some rule: whose they are and when they were."""

    codes: Ints
    at: Ints


class History:
    """Past contacts of many persons; what rules share over channels and moments is kept.

    `rows` are the accounts with their keys.
    """

    def __init__(
        self, past: pl.DataFrame, rows: pl.DataFrame, lines: Lines, at: datetime, clocks: Clocks
    ) -> None:
        self.lines, self.at, self.clocks = lines, at, clocks
        self._past, self._rows = past, rows
        self._scopes: dict[tuple[str, ...], _Scoped] = {}
        self._newest: dict[Any, Ints] = {}
        self._by_day: dict[Any, tuple[Ints, Ints]] = {}
        self._until: dict[Any, Ints | None] = {}

    def until_by_line(self, rule: HistoryRule, channel: Channel, at: datetime) -> Ints | None:
        """Until when each line is blocked by this rule from a moment on, `NONE` where it is free; None where
        it blocks no line."""
        key = (id(rule), channel if isinstance(rule, ChannelLockRule) else None)
        if (*key, at) not in self._until:
            self._until[*key, at] = self._until_of(rule, channel, key, at)
        return self._until[*key, at]

    def _until_of(self, rule: HistoryRule, channel: Channel, key: Any, at: datetime) -> Ints | None:
        today: Ints | None = None
        if _by_day(rule):
            if key not in self._by_day:
                self._by_day[key] = self._nth_newest_day(rule, self._recent(rule, channel))
            newest, last_day = self._by_day[key]
            today = self.clocks.by_zone(lambda zone: day_number(at.astimezone(zone).date()))
        else:
            if key not in self._newest:
                recent, scoped = self._recent(rule, channel), self._scoped(KEYS[rule.scope])
                self._newest[key] = _nth_newest(recent, _limit(rule), scoped.count)[scoped.codes]
            newest = self._newest[key]
        some = np.flatnonzero(newest != NONE)
        zones = self.lines.zone[some]
        until = _until(rule, newest[some], zones, at, self.clocks)
        blocked = until > micro(at)
        if today is not None:
            blocked &= last_day[some] != today[zones]
        if not blocked.any():
            return None
        found = np.full(len(newest), NONE, dtype=np.int64)
        found[some[blocked]] = until[blocked]
        return found

    def _recent(self, rule: HistoryRule, channel: Channel) -> Counts:
        """The contacts that the rule counts and that can still block."""
        counted = counts(rule.parameters.counts)
        if isinstance(rule, ChannelLockRule):
            counted &= pl.col("channel") != channel
        return self.counted(KEYS[rule.scope], (pl.col("at") > self.at - _reach(rule)) & counted)

    def _scoped(self, keys: tuple[str, ...]) -> _Scoped:
        if keys not in self._scopes:
            own = self._rows.select(keys)
            table = own.unique().with_row_index("code")
            codes = own.join(table, on=keys, how="left", maintain_order="left")["code"]
            codes = codes.fill_null(table.height).cast(pl.Int64)  # a key that is not known has no history
            past = self._past.join(table, on=keys)
            self._scopes[keys] = _Scoped(codes.to_numpy()[self.lines.row], table.height + 1, past)
        return self._scopes[keys]

    def counted(self, keys: tuple[str, ...], which: pl.Expr) -> Counts:
        """Contacts of these debtors (debts, creditors, accounts) of which something is true."""
        found = self._scoped(keys).past.filter(which).select("code", "at")
        return Counts(
            found["code"].cast(pl.Int64).to_numpy(), found["at"].to_physical().cast(pl.Int64).to_numpy()
        )

    def newest(self, keys: tuple[str, ...], which: pl.Expr) -> Ints:
        """The newest such contact of each line; `NONE` where there is none."""
        scoped = self._scoped(keys)
        return _nth_newest(self.counted(keys, which), 1, scoped.count)[scoped.codes]

    def oldest(self, keys: tuple[str, ...], which: pl.Expr) -> Ints:
        """The oldest such contact of each line; `NEVER` where there is none."""
        scoped, some = self._scoped(keys), self.counted(keys, which)
        found = np.full(scoped.count, NEVER, dtype=np.int64)
        np.minimum.at(found, some.codes, some.at)
        return found[scoped.codes]

    def spread(self, keys: tuple[str, ...], some: Counts, lines: Ints) -> tuple[Ints, Ints]:
        """The contacts of these lines: the line of each, and when it was."""
        scoped = self._scoped(keys)
        at = some.at[np.argsort(some.codes, kind="stable")]
        many = np.bincount(some.codes, minlength=scoped.count)
        firsts, codes = np.cumsum(many) - many, scoped.codes[lines]
        mine = many[codes]
        within = np.arange(mine.sum()) - np.repeat(np.cumsum(mine) - mine, mine)
        return np.repeat(lines, mine), at[np.repeat(firsts[codes], mine) + within]

    def _nth_newest_day(self, rule: HistoryRule, recent: Counts) -> tuple[Ints, Ints]:
        """Per line the last moment of the n-th newest local day with a contact, and the newest such day."""
        keys, limit = KEYS[rule.scope], _limit(rule)
        scoped = self._scoped(keys)
        enough = np.bincount(recent.codes, minlength=scoped.count) >= limit
        line, at = self.spread(keys, recent, np.flatnonzero(enough[scoped.codes]))
        order = np.lexsort((-at, line))
        line, at = line[order], at[order]
        day = self.clocks.days(self.lines.zone[line], at)
        begins = _differ(line) | _differ(day)
        line, at, day = line[begins], at[begins], day[begins]
        newest = np.full(len(self.lines.row), NONE, dtype=np.int64)
        last_day = newest.copy()
        firsts, nth = _nth_of_each(line, limit)
        newest[line[firsts]], last_day[line[firsts]] = at[nth], day[firsts]
        return newest, last_day


def _differ(values: Ints) -> Flags:
    """Whether each value is another than the one before."""
    return np.concatenate([np.ones(min(1, len(values)), dtype=bool), values[1:] != values[:-1]])


def _nth_of_each(groups: Ints, limit: int) -> tuple[Ints, Ints]:
    """The first and the n-th place of each group that has as many; groups lie together."""
    firsts = np.flatnonzero(_differ(groups))
    firsts = firsts[firsts + limit <= len(groups)]
    firsts = firsts[groups[firsts + limit - 1] == groups[firsts]]
    return firsts, firsts + limit - 1


def _nth_newest(some: Counts, limit: int, count: int) -> Ints:
    """The n-th newest moment of each; `NONE` where there are fewer."""
    found = np.full(count, NONE, dtype=np.int64)
    if limit == 1:
        np.maximum.at(found, some.codes, some.at)
        return found
    enough = (np.bincount(some.codes, minlength=count) >= limit)[some.codes]
    codes, at = some.codes[enough], some.at[enough]
    order = np.lexsort((-at, codes))
    codes, at = codes[order], at[order]
    firsts, nth = _nth_of_each(codes, limit)
    found[codes[firsts]] = at[nth]
    return found


def _by_day(rule: HistoryRule) -> bool:
    """Whether the rule counts local days rather than contacts."""
    return isinstance(rule, FrequencyRule) and rule.parameters.limit.unit == "days"


def _limit(rule: HistoryRule) -> int:
    return rule.parameters.limit.value if isinstance(rule, FrequencyRule) else 1


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


def _until(rule: HistoryRule, newest: Ints, zones: Ints, at: datetime, clocks: Clocks) -> Ints:
    """When the rule has room again after its newest moment; `NONE` where it has room in every reading."""
    if isinstance(rule, GapRule):
        length, days = _gap(rule)
        by_length = newest + length // timedelta(microseconds=1)
        return np.maximum(by_length, midnight_after(newest, days, zones, clocks)) if days else by_length
    parameters = rule.parameters
    until = np.full(len(newest), NONE, dtype=np.int64)
    for reading in parameters.readings:
        if reading == "rolling" and parameters.rolling is not None:
            value = parameters.rolling.value
            if parameters.rolling.unit == "hours":
                ends = newest + value * 3_600_000_000
            else:
                ends = midnight_after(newest, value, zones, clocks)
        elif parameters.period == "ever":
            ends = np.full(len(newest), NEVER, dtype=np.int64)
        else:
            begins, over = _period(cast("Any", parameters.period), at, clocks)
            ends = np.where(newest >= begins[zones], over[zones], NONE)
        until = np.maximum(until, ends)
    return until


def _period(period: Any, at: datetime, clocks: Clocks) -> tuple[Ints, Ints]:
    """When the calendar period of a moment begins and ends in each zone."""
    begins = clocks.by_zone(
        lambda zone: micro(instant(period_start(at.astimezone(zone).date(), period), 0, zone))
    )
    ends = clocks.by_zone(
        lambda zone: micro(instant(next_period(at.astimezone(zone).date(), period), 0, zone))
    )
    return begins, ends


def _gap(rule: GapRule) -> tuple[timedelta, int]:
    """The full length between contacts, and how many local midnights must pass."""
    parameters = rule.parameters
    length = timedelta(
        hours=parameters.hours.value if parameters.hours else 0,
        minutes=parameters.minutes.value if parameters.minutes else 0,
    )
    days = parameters.days.value if parameters.days else 0
    return length, days + (1 if days and parameters.day_one == "next" else 0)


def midnight_after(moments: Ints, days: int, zones: Ints, clocks: Clocks) -> Ints:
    """The midnight that many local days after the local day of each moment."""
    return clocks.midnights(zones, clocks.days(zones, moments) + days)
