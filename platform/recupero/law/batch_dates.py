"""Rules that follow the dates of a debt, over columns: from when to when each account may be contacted.

A notice opens contact from some moment on; the use of a channel, or a debt not yet time-barred, keeps it open
until one. Both are worked out per account from its due date, its events and its history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from recupero.law.batch_history import KEYS, NEVER, TIME, History, counts, midnight_after
from recupero.law.batch_known import Common, Spot
from recupero_sdk.law.checks import Case, Check
from recupero_sdk.law.checks_dates import ChannelGateCheck, LimitationCheck, Notice, PriorNoticeCheck
from recupero_sdk.law.engine import Article, Conditional
from recupero_sdk.law.limitation import barred_from
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.schema import ChannelGateRule, LimitationRule, PriorNoticeRule
from recupero_sdk.law.values import Event
from recupero_sdk.law.zones import load_zone

_CONTACTS = ("contact", "payment", "acknowledgement")


@dataclass(frozen=True, slots=True)
class Spans:
    """Per line of the rows: open from `opens` (null: always was) up to `closes` (null: for good); None where
    it is so for all lines."""

    opens: pl.Series | None
    closes: pl.Series | None


def bare(check: Check) -> Check:
    """The check itself, of one that concerns only some contacts."""
    return check.inner if isinstance(check, Conditional) else check


def too_intricate(article: Article, case: Case) -> bool:
    """Whether a rule may open and close more than once, so that such accounts are judged one by one."""
    check = bare(article.check) if article.check else None
    if isinstance(check, PriorNoticeCheck):
        return check.notice.expires
    if not isinstance(check, ChannelGateCheck) or check.notice is None:
        return False
    if check.notice.expires:
        return True
    return check.used is not None and (check.notice.by_letter or bool(check.notice.opening_days(case)))


def spans(article: Article, rows: pl.DataFrame, history: History, spots: list[Spot], common: Common) -> Spans:
    """When one rule lets each line of `rows` pass. `rows` hold keys, `due_date`, `spot` and `zone`."""
    check = bare(article.check) if article.check else None
    if isinstance(check, LimitationCheck) and isinstance(article.rule, LimitationRule):
        return Spans(None, _barred(article.rule, check, rows, history, spots, common))
    if isinstance(check, PriorNoticeCheck) and isinstance(article.rule, PriorNoticeRule):
        letters = KEYS[article.rule.scope] if article.rule.parameters.letters else None
        return Spans(_ripe(check.notice, letters, rows, history, spots), None)
    assert isinstance(check, ChannelGateCheck)
    assert isinstance(article.rule, ChannelGateRule)
    return _gate(article.rule, check, rows, history, spots)


def _nulls(rows: pl.DataFrame) -> pl.Series:
    return pl.Series("none", [None], dtype=TIME).new_from_index(0, rows.height)


def _by_spot(values: dict[int, Any], rows: pl.DataFrame, dtype: Any) -> pl.Series:
    """The value of each row's spot; null where there is none."""
    table = pl.DataFrame(
        {"spot": list(values), "value": list(values.values())},
        schema={"spot": rows.schema["spot"], "value": dtype},
    )
    return rows.select("spot").join(table, on="spot", how="left", maintain_order="left")["value"]


def _barred(
    rule: LimitationRule,
    check: LimitationCheck,
    rows: pl.DataFrame,
    history: History,
    spots: list[Spot],
    common: Common,
) -> pl.Series:
    """The first moment at which each debt is time-barred and contact about it closed."""
    groups: dict[Any, int] = {}
    alike: dict[int, int] = {}  # spots that differ in nothing the period depends on
    for spot in spots:
        facts = spot.case.facts
        alike[spot.number] = groups.setdefault((spot.zone, facts.debt_kind, facts.events), len(groups))
    joined = rows.with_row_index("line").with_columns(group=_by_spot(alike, rows, pl.Int32))
    keys = joined.select("group", "due_date").unique().drop_nulls()
    named, found = list(groups), []
    for number, due in keys.iter_rows():
        zone, debt_kind, events = named[number]
        mark = (check, zone, debt_kind, events, due)
        if mark not in common.bars:
            common.bars[mark] = _bars(rule, check, zone, debt_kind, events, due)
        found.append((number, due, *common.bars[mark]))
    schema: dict[str, Any] = {"group": pl.Int32, "due_date": pl.Date, "closes": TIME, "barred": pl.Date}
    table = pl.DataFrame(found, schema=schema, orient="row")
    joined = joined.join(table, on=["group", "due_date"], how="left", maintain_order="left")
    if rule.parameters.unless_contact is None:
        return joined["closes"]
    in_touch = _in_touch(rule, joined, history)
    return joined.select(pl.when(~pl.col("line").is_in(in_touch.implode())).then("closes"))["closes"]


def _bars(
    rule: LimitationRule,
    check: LimitationCheck,
    zone: str,
    debt_kind: str | None,
    events: tuple[Event, ...],
    due: date,
) -> tuple[datetime | None, date]:
    """When contact about a debt closes for good, and the day from which it is barred."""
    barred = barred_from(rule.parameters, debt_kind, due, events)
    touched = check.contact is not None and any(
        event.kind in _CONTACTS and due <= event.on < barred for event in events
    )
    return None if touched else instant(barred, 0, load_zone(zone)), barred


def _in_touch(rule: LimitationRule, joined: pl.DataFrame, history: History) -> pl.Series:
    """Lines whose history holds a counted contact between the due date and the day the debt is barred."""
    assert rule.parameters.unless_contact is not None
    keys = KEYS[rule.scope]
    soon = (history.at + 400 * DAY).date()
    lines = joined.filter(pl.col("barred") <= soon).select("line", "zone", "due_date", "barred", *keys)
    past = history.past.join(lines.select(keys).unique(), on=keys, how="semi")
    past = past.filter(counts(rule.parameters.unless_contact)).select(*keys, "at")
    found = []
    for zone, part in lines.partition_by("zone", as_dict=True).items():
        local = past.with_columns(day=pl.col("at").dt.convert_time_zone(str(zone[0])).dt.date())
        inside = part.join(local, on=keys).filter(
            (pl.col("day") >= pl.col("due_date")) & (pl.col("day") < pl.col("barred"))
        )
        found.append(inside["line"])
    return pl.concat(found).unique() if found else lines["line"]


def _ripe(
    notice: Notice, letters: list[str] | None, rows: pl.DataFrame, history: History, spots: list[Spot]
) -> pl.Series:
    """The first moment at which a notice opens contact: of events by spot, of letters by account."""
    opens: dict[int, datetime] = {}
    for spot in spots:
        days = notice.opening_days(spot.case)
        opens[spot.number] = instant(min(days), 0, load_zone(spot.zone)) if days else NEVER
    by_events = _by_spot(opens, rows, TIME).fill_null(NEVER)
    if letters is None:
        return by_events
    sent = (pl.col("channel") == "letter") & (pl.col("direction") == "outbound")
    sent &= pl.col("outcome").is_in(("answered", "delivered", "no_answer", "reply", "unknown"))
    first = history.past.filter(sent).group_by(letters).agg(first=pl.col("at").min())
    given = rows.select("spot", "zone", *letters).join(first, on=letters, how="left", maintain_order="left")
    by_letters = _ripe_letters(notice, given, spots)
    both = pl.DataFrame({"events": by_events, "letters": by_letters.fill_null(NEVER)})
    return both.select(pl.min_horizontal("events", "letters"))["events"]


def _ripe_letters(notice: Notice, given: pl.DataFrame, spots: list[Spot]) -> pl.Series:
    """When each account's first letter opens contact, by the local day of it and the business days there."""
    by_number, found = {spot.number: spot for spot in spots}, []
    days = pl.concat(
        part.select("spot", "first", day=pl.col("first").dt.convert_time_zone(str(zone[0])).dt.date())
        for zone, part in given.drop_nulls("first").unique(["spot", "first"]).partition_by(
            "zone", as_dict=True
        ).items()
    ) if given["first"].null_count() < given.height else None  # fmt: skip
    if days is None:
        return given["first"]
    for number, day in days.select("spot", "day").unique().iter_rows():
        if spot := by_number.get(number):
            ripe = notice.ripe(day, spot.case)
            found.append((number, day, instant(ripe, 0, load_zone(spot.zone))))
    schema: dict[str, Any] = {"spot": given.schema["spot"], "day": pl.Date, "ripe": TIME}
    ripe_days = pl.DataFrame(found, schema=schema, orient="row")
    table = days.join(ripe_days, on=["spot", "day"], how="left").select("spot", "first", "ripe")
    return given.join(table, on=["spot", "first"], how="left", maintain_order="left")["ripe"]


def _gate(
    rule: ChannelGateRule, check: ChannelGateCheck, rows: pl.DataFrame, history: History, spots: list[Spot]
) -> Spans:
    """A gate opened by consent on record, by the debtor's own use of the channel, or by a notice."""
    shut = {spot.number for spot in spots if check.withdrawn(spot.case)}
    free = {spot.number for spot in spots if check.opened_on_record(spot.case)} - shut
    closes = _nulls(rows)
    if check.used is not None:
        closes = _last_use(rule, check.used.value, rows, history, spots[0].case.proposal.channel)
        opens = pl.select(pl.when(closes.is_null()).then(pl.lit(NEVER, dtype=TIME)))["literal"]
    else:
        assert check.notice is not None
        letters = (
            KEYS[rule.scope] if rule.parameters.or_notice and rule.parameters.or_notice.letters else None
        )
        opens = _ripe(check.notice, letters, rows, history, spots)
    frame = pl.DataFrame({"opens": opens, "closes": closes}).with_columns(
        shut=_by_spot(dict.fromkeys(shut, True), rows, pl.Boolean).fill_null(value=False),
        free=_by_spot(dict.fromkeys(free, True), rows, pl.Boolean).fill_null(value=False),
    )
    frame = frame.select(
        opens=pl.when("shut").then(pl.lit(NEVER, dtype=TIME)).when(~pl.col("free")).then("opens"),
        closes=pl.when(~pl.col("free")).then("closes"),
    )
    return Spans(frame["opens"], frame["closes"])


def _last_use(
    rule: ChannelGateRule, days: int, rows: pl.DataFrame, history: History, channel: str
) -> pl.Series:
    """Until when the debtor's last word by this channel keeps it open; null where there is none."""
    keys = KEYS[rule.scope]
    used = (pl.col("channel") == channel) & (pl.col("direction") == "inbound")
    used &= pl.col("outcome").is_in(("answered", "delivered", "no_answer", "reply"))
    last = history.past.filter(used).group_by(keys).agg(last=pl.col("at").max())
    lines = rows.select("zone", *keys).with_row_index("line")
    parts = [
        part.select("line", closes=midnight_after(part, "last", days + 1, load_zone(str(zone[0]))))
        for zone, part in lines.join(last, on=keys).partition_by("zone", as_dict=True).items()
    ]
    if not parts:
        return _nulls(rows)
    return lines.join(pl.concat(parts), on="line", how="left", maintain_order="left")["closes"]
