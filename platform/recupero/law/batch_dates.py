"""Rules that follow the dates of a debt, over columns: from when to when each account may be contacted.

A notice opens contact from some moment on; the use of a channel, or a debt not yet time-barred, keeps it open
until one. Both are worked out per account from its due date, its events and its history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from recupero.law.batch_clock import NEVER, NONE, Ints, day_number, day_of, distinct, micro
from recupero.law.batch_history import KEYS, History, Lines, counts, midnight_after
from recupero.law.batch_known import Common, Spot, bare
from recupero_sdk.law.checks_dates import ChannelGateCheck, LimitationCheck, Notice, PriorNoticeCheck
from recupero_sdk.law.compiling import Article
from recupero_sdk.law.limitation import barred_from
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.schema import ChannelGateRule, LimitationRule, PriorNoticeRule
from recupero_sdk.law.values import Event
from recupero_sdk.law.zones import load_zone

_CONTACTS = ("contact", "payment", "acknowledgement")


@dataclass(frozen=True, slots=True)
class Spans:
    """Per line: open from `opens` (`NONE`: always was) up to `closes` (`NEVER`: for good); None where it is
    so for all lines."""

    opens: Ints | None
    closes: Ints | None


def spans(article: Article, history: History, spots: Sequence[Spot], common: Common) -> Spans:
    """When one rule lets each line of these spots pass; what it says of other lines does not matter."""
    check = bare(article.check) if article.check else None
    if isinstance(check, LimitationCheck) and isinstance(article.rule, LimitationRule):
        return Spans(None, _barred(article.rule, check, history, spots, common))
    if isinstance(check, PriorNoticeCheck) and isinstance(article.rule, PriorNoticeRule):
        letters = KEYS[article.rule.scope] if article.rule.parameters.letters else None
        return Spans(_ripe(check.notice, letters, history, spots, common), None)
    assert isinstance(check, ChannelGateCheck)
    assert isinstance(article.rule, ChannelGateRule)
    return _gate(article.rule, check, history, spots, common)


def _by_spot(values: dict[int, int], lines: Lines, common: Common, without: int) -> Ints:
    """The value of each line's spot, and what stands where there is none."""
    table = np.full(common.spots, without, dtype=np.int64)
    table[list(values)] = list(values.values())
    return table[lines.spot]


def _barred(
    rule: LimitationRule, check: LimitationCheck, history: History, spots: Sequence[Spot], common: Common
) -> Ints:
    """The first moment at which each debt is time-barred and contact about it closed."""
    groups: dict[tuple[str, str | None, tuple[Event, ...]], int] = {}
    alike: dict[int, int] = {}  # spots that differ in nothing the period depends on
    for spot in spots:
        facts = spot.case.facts
        alike[spot.number] = groups.setdefault((spot.zone, facts.debt_kind, facts.events), len(groups))
    lines, named, many = history.lines, list(groups), max(1, len(groups))
    group = _by_spot(alike, lines, common, -1)
    dated = np.flatnonzero((group >= 0) & (lines.due != NONE))
    codes, places = distinct(lines.due[dated] * many + group[dated])
    found = []
    for code in codes.tolist():
        zone, debt_kind, events = named[code % many]
        mark = (check, zone, debt_kind, events, code // many)
        if mark not in common.bars:
            common.bars[mark] = _bars(rule, check, zone, debt_kind, events, day_of(code // many))
        found.append(common.bars[mark])
    closes, barred = np.array(found, dtype=np.int64).reshape(-1, 2)[places].T
    until = np.full(len(lines.row), NEVER, dtype=np.int64)
    until[dated] = closes
    if rule.parameters.unless_contact is not None:
        until[_in_touch(rule, dated, barred, history)] = NEVER
    return until


def _bars(
    rule: LimitationRule,
    check: LimitationCheck,
    zone: str,
    debt_kind: str | None,
    events: tuple[Event, ...],
    due: date,
) -> tuple[int, int]:
    """When contact about a debt closes for good, and the day from which it is barred."""
    barred = barred_from(rule.parameters, debt_kind, due, events)
    touched = check.contact is not None and any(
        event.kind in _CONTACTS and due <= event.on < barred for event in events
    )
    return NEVER if touched else micro(instant(barred, 0, load_zone(zone))), day_number(barred)


def _in_touch(rule: LimitationRule, dated: Ints, barred: Ints, history: History) -> Ints:
    """Those of the lines whose history holds a counted contact between the due date and the day the debt is
    barred."""
    assert rule.parameters.unless_contact is not None
    keys, lines = KEYS[rule.scope], history.lines
    soon = barred <= day_number((history.at + 400 * DAY).date())
    last = np.full(len(lines.row), NONE, dtype=np.int64)
    last[dated[soon]] = barred[soon]
    some = history.counted(keys, counts(rule.parameters.unless_contact))
    line, at = history.spread(keys, some, dated[soon])
    day = history.clocks.days(lines.zone[line], at)
    return line[(day >= lines.due[line]) & (day < last[line])]


def _ripe(
    notice: Notice, letters: tuple[str, ...] | None, history: History, spots: Sequence[Spot], common: Common
) -> Ints:
    """The first moment at which a notice opens contact: of events by spot, of letters by account."""
    opens: dict[int, int] = {}
    for spot in spots:
        days = notice.opening_days(spot.case)
        opens[spot.number] = micro(instant(min(days), 0, load_zone(spot.zone))) if days else NEVER
    by_events = _by_spot(opens, history.lines, common, NEVER)
    if letters is None:
        return by_events
    sent = (pl.col("channel") == "letter") & (pl.col("direction") == "outbound")
    sent &= pl.col("outcome").is_in(("answered", "delivered", "no_answer", "reply", "unknown"))
    first = history.oldest(letters, sent)
    return np.minimum(by_events, _ripe_letters(notice, first, history, spots, common))


def _ripe_letters(
    notice: Notice, first: Ints, history: History, spots: Sequence[Spot], common: Common
) -> Ints:
    """When each line's first letter opens contact, by the local day of it and the business days there."""
    lines, ripe = history.lines, np.full(len(first), NEVER, dtype=np.int64)
    asked = _by_spot({spot.number: 1 for spot in spots}, lines, common, 0)
    some = np.flatnonzero((first != NEVER) & (asked == 1))
    day = history.clocks.days(lines.zone[some], first[some])
    codes, places = distinct(day * common.spots + lines.spot[some])
    by_number, found = {spot.number: spot for spot in spots}, []
    for code in codes.tolist():
        number, spot = code // common.spots, by_number[code % common.spots]
        mark = (notice, number, spot.case.regions, spot.case.facts.commune)
        if mark not in common.ripe:
            common.ripe[mark] = notice.ripe(day_of(number), spot.case)
        found.append(micro(instant(common.ripe[mark], 0, load_zone(spot.zone))))
    ripe[some] = np.array(found, dtype=np.int64)[places]
    return ripe


def _gate(
    rule: ChannelGateRule, check: ChannelGateCheck, history: History, spots: Sequence[Spot], common: Common
) -> Spans:
    """A gate opened by consent on record, by the debtor's own use of the channel, or by a notice."""
    states = {
        spot.number: 2 if check.withdrawn(spot.case) else 1 if check.opened_on_record(spot.case) else 0
        for spot in spots
    }
    lines = history.lines
    state = _by_spot(states, lines, common, 0)
    if check.used is not None:
        closes = _last_use(rule, check.used.value, history, spots[0].case.proposal.channel)
        opens = np.where(closes == NEVER, NEVER, NONE)
    else:
        assert check.notice is not None
        closes = np.full(len(state), NEVER, dtype=np.int64)
        by_letter = rule.parameters.or_notice is not None and rule.parameters.or_notice.letters
        opens = _ripe(check.notice, KEYS[rule.scope] if by_letter else None, history, spots, common)
    opens = np.where(state == 2, NEVER, np.where(state == 1, NONE, opens))
    return Spans(opens, np.where(state == 1, NEVER, closes))


def _last_use(rule: ChannelGateRule, days: int, history: History, channel: str) -> Ints:
    """Until when the debtor's last word by this channel keeps it open; `NEVER` where there is none."""
    used = (pl.col("channel") == channel) & (pl.col("direction") == "inbound")
    used &= pl.col("outcome").is_in(("answered", "delivered", "no_answer", "reply"))
    last = history.newest(KEYS[rule.scope], used)
    some, closes = np.flatnonzero(last != NONE), np.full(len(last), NEVER, dtype=np.int64)
    closes[some] = midnight_after(last[some], days + 1, history.lines.zone[some], history.clocks)
    return closes
