"""The answers for accounts whose law turns at the same moments: facts, clock, history, dates together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

import polars as pl

from recupero.law import batch_dates
from recupero.law.batch_dates import Spot
from recupero.law.batch_history import TIME, History, HistoryRule
from recupero.law.batch_settings import Setting
from recupero_sdk.law import Proposal, RegulationPack
from recupero_sdk.law.checks import Case, Check
from recupero_sdk.law.engine import Article, Conditional, Plan, compiled, purpose_of
from recupero_sdk.law.moments import ceil_minute
from recupero_sdk.law.opening import (
    Stretch,
    facts_read,
    minds_channel,
    minds_region,
    open_in_both,
    open_in_zone,
)
from recupero_sdk.law.zones import load_zone

_KEYS = ("person", "debt", "creditor", "account_key")


@dataclass(frozen=True, slots=True)
class _Still:
    """What one spot gives without history: the first rules refusing, and those to be asked over columns."""

    spot: Spot
    by_facts: int | None
    by_clock: int | None
    asked: tuple[Article, ...]
    clock_key: tuple[Any, ...]


#: Open stretches already worked out, by all they depend on.
Stretches = dict[Any, list[Stretch]]


class Together:
    """Accounts of one country whose settings turn at the same moments."""

    def __init__(
        self,
        pack: RegulationPack,
        rows: pl.DataFrame,
        settings: Sequence[Setting],
        past: pl.DataFrame,
        turns: tuple[datetime, ...],
        at: datetime,
        known: Stretches,
    ) -> None:
        self._pack, self._law, self._known = pack, compiled(pack), known
        self._settings, self._turns, self._at = settings, turns, at
        self._rows = rows.with_row_index("row")
        spots = [(one.number, zone) for one in settings for zone in one.where.zones]
        self._spots = pl.DataFrame(
            {"setting": [number for number, _zone in spots], "zone": [zone for _number, zone in spots]},
            schema={"setting": pl.UInt32, "zone": pl.String},
        ).with_row_index("spot")
        lines = self._rows.select("row", "setting", "due_date", *_KEYS)
        self._lines = lines.join(self._spots, on="setting", how="left", maintain_order="left")
        self._history = History(past, self._lines, at)

    def answers(self, proposals: Sequence[Proposal], horizon: timedelta) -> tuple[pl.DataFrame, list[int]]:
        """The answers for the proposals, and the settings whose rules are too intricate to be asked so."""
        ends = [*self._turns, self._at + horizon + timedelta(minutes=1)]
        segments = list(pairwise([self._at, *ends]))
        stills = {
            (proposal.channel, start): self._stills(proposal, start)
            for proposal in proposals
            for start, _end in segments
        }
        intricate = {
            still.spot.setting
            for found in stills.values()
            for still in found
            if any(batch_dates.too_intricate(article, still.spot.case) for article in still.asked)
        }
        answers = []
        for proposal in proposals:
            judged = [
                self._segment(proposal, stills[proposal.channel, start], start, end, horizon)
                for start, end in segments
            ]
            answers.append(self._answer(proposal, judged))
        answer = pl.concat(answers)
        if intricate:
            answer = answer.filter(~pl.col("setting").is_in(list(intricate)))
        return answer.drop("setting"), sorted(intricate)

    def _answer(self, proposal: Proposal, judged: list[pl.DataFrame]) -> pl.DataFrame:
        """What the first stretch says of the moment asked about, and the first lawful moment of any."""
        first = judged[0]["first"]
        names = {article.index: article.rule.id for article in self._law.articles}
        lawful = pl.DataFrame({str(number): one["lawful"] for number, one in enumerate(judged)})
        return self._rows.select("number", "account", "setting").with_columns(
            channel=pl.lit(proposal.channel),
            allowed=first.is_null(),
            first_refusal=first.replace_strict(names, default=None, return_dtype=pl.String),
            next_lawful_at=lawful.select(
                pl.when(first.is_null())
                .then(pl.lit(self._at, dtype=TIME))
                .otherwise(pl.coalesce(pl.all()))
                .alias("lawful")
            )["lawful"],
        )

    def _stills(self, proposal: Proposal, start: datetime) -> list[_Still]:
        """Every spot judged without history, at the beginning of a stretch of time."""
        by_number = {one.number: one for one in self._settings}
        found, by_clock = [], dict[Any, int | None]()
        for number, setting_number, zone_name in self._spots.iter_rows():
            setting, zone = by_number[setting_number], load_zone(zone_name)
            local = start.astimezone(zone)
            day, facts, where = local.date(), setting.facts, setting.where
            purpose = purpose_of(facts, proposal, day)
            plan = self._law.plan(day, proposal.channel, purpose, where.places)
            case = Case(facts, proposal, [], start, zone, local, day, where.regions, purpose)
            spot = Spot(number, setting_number, zone_name, case)
            by_facts, asked = None, []
            for place, check in plan.deciding:
                article = plan.articles[place]
                if check.basis == "facts":
                    if by_facts is None and check.refusal(case):
                        by_facts = article.index
                elif check.basis != "clock" and (
                    not isinstance(check, Conditional) or check.concern.holds(case)
                ):
                    asked.append(article)
            clock_key = _clock_key(spot, plan)
            if clock_key not in by_clock:
                by_clock[clock_key] = _first_clock(plan, case)
            found.append(_Still(spot, by_facts, by_clock[clock_key], tuple(asked), clock_key))
        return found

    def _segment(
        self, proposal: Proposal, stills: list[_Still], start: datetime, end: datetime, horizon: timedelta
    ) -> pl.DataFrame:
        """Per row: `first`, the first rule that refuses at the start; `lawful`, the first lawful moment."""
        at_start = pl.lit(start, dtype=TIME)
        refused, opens, closes = [], [], []
        for article in dict.fromkeys(article for still in stills for article in still.asked):
            mine = [still.spot for still in stills if article in still.asked]
            concerned = self._concerned(mine)
            if article.check is not None and article.check.basis == "history":
                rule: HistoryRule = article.rule  # type: ignore[assignment]  # of history, so it is one
                until = self._history.until_by_line(rule, proposal.channel, start)
                spans = batch_dates.Spans(until, _nulls(until))
            else:
                spans = batch_dates.spans(article, self._lines, self._history, mine)
            frame = pl.DataFrame({"opens": spans.opens, "closes": spans.closes, "concerned": concerned})
            frame = frame.select(
                opens=pl.when("concerned").then("opens"), closes=pl.when("concerned").then("closes")
            )
            blocked = (pl.col("opens") > at_start) | (pl.col("closes") <= at_start)
            rank = pl.lit(article.index, pl.Int32)
            refused.append(frame.select(pl.when(blocked).then(rank).alias(f"r{article.index}")))
            opens.append(frame["opens"].alias(f"o{article.index}"))
            closes.append(frame["closes"].alias(f"c{article.index}"))
        lines = self._still_columns(stills)
        lines = lines.with_columns(
            first=_least(lines, [one.to_series() for one in refused]),
            opens=_folded(lines.height, opens, pl.max_horizontal),
            closes=_folded(lines.height, closes, pl.min_horizontal),
        )
        return self._lawful(self._per_row(lines), proposal, stills, start, end, horizon)

    def _concerned(self, spots: list[Spot]) -> pl.Series:
        numbers = {spot.number for spot in spots}
        flags = pl.Series("concerned", [number in numbers for number in range(self._spots.height)])
        return flags.gather(self._lines["spot"])

    def _still_columns(self, stills: list[_Still]) -> pl.DataFrame:
        """Per line, what facts and clock say."""
        spot = self._lines["spot"]
        columns = {
            name: pl.Series(name, [getattr(still, name) for still in stills], dtype=pl.Int32).gather(spot)
            for name in ("by_facts", "by_clock")
        }
        return pl.DataFrame({"row": self._lines["row"], "setting": self._lines["setting"], **columns})

    def _per_row(self, lines: pl.DataFrame) -> pl.DataFrame:
        """One line per row: what refuses in any zone refuses."""
        if self._lines.height == self._rows.height:
            return lines
        return (
            lines.group_by("row", maintain_order=True)
            .agg(
                pl.col("setting").first(),
                pl.col("by_facts", "by_clock", "first").min(),
                pl.col("opens").max(),
                pl.col("closes").min(),
            )
            .sort("row")
        )

    def _lawful(
        self,
        rows: pl.DataFrame,
        proposal: Proposal,
        stills: list[_Still],
        start: datetime,
        end: datetime,
        horizon: timedelta,
    ) -> pl.DataFrame:
        places, stretches = self._stretches(proposal, stills, start, end)
        rows = rows.join(places, on="setting", how="left", maintain_order="left")
        begin = pl.lit(ceil_minute(start), dtype=TIME)
        rows = rows.with_columns(moment=pl.max_horizontal(begin, _ceil_minute(pl.col("opens"))))
        ahead = rows.filter(pl.col("by_facts").is_null() & (pl.col("moment") < end))
        ahead = ahead.sort("moment").join_asof(
            stretches, left_on="moment", right_on="ends", by="place", strategy="forward",
            allow_exact_matches=False, check_sortedness=False,
        )  # fmt: skip
        later = pl.max_horizontal("moment", _ceil_minute(pl.col("starts")))
        within = pl.col("starts").is_not_null() & (later < end) & (later <= self._at + horizon)
        within &= pl.col("closes").is_null() | (later < pl.col("closes"))
        found = ahead.filter(within).select("row", lawful=later)
        rows = rows.join(found, on="row", how="left", maintain_order="left")
        return rows.select(first=pl.min_horizontal("by_facts", "by_clock", "first"), lawful="lawful")

    def _stretches(
        self, proposal: Proposal, stills: list[_Still], start: datetime, end: datetime
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The place of each setting, settings of one place being open alike, and its open stretches."""
        signatures: dict[int, list[Any]] = {}
        for still in stills:
            signatures.setdefault(still.spot.setting, []).append(still.clock_key)
        settings = {one.number: one for one in self._settings}
        numbers: dict[Any, int] = {}
        place_of, found = [], []
        for number, signature in signatures.items():
            key = tuple(signature)
            if key not in numbers:
                numbers[key] = place = len(numbers)
                asked = replace(proposal, at=start)
                stretches = self._open_everywhere(signature, settings[number], asked, end)
                found += [(place, starts, ends) for starts, ends in stretches]
            place_of.append((number, numbers[key]))
        schema: dict[str, Any] = {"place": pl.Int32, "starts": TIME, "ends": TIME}
        places = pl.DataFrame(place_of, schema={"setting": pl.UInt32, "place": pl.Int32}, orient="row")
        return places, pl.DataFrame(found, schema=schema, orient="row").sort("ends")

    def _open_everywhere(
        self, signature: list[Any], setting: Setting, proposal: Proposal, end: datetime
    ) -> list[Stretch]:
        """The open stretches of a setting: those of every zone it may be in, of which many are shared."""
        stretches: list[Stretch] | None = None
        for zone, *rest in signature:
            key = (zone, *rest, self._pack.id, proposal.at, end)
            if key not in self._known:
                self._known[key] = open_in_zone(self._pack, setting.facts, proposal, end, zone)
            here = self._known[key]
            stretches = here if stretches is None else open_in_both(stretches, here)
        return stretches or []


def _first_clock(plan: Plan, case: Case) -> int | None:
    """The first rule of hours or days that refuses at the moment asked about."""
    for place, check in plan.deciding:
        if check.basis == "clock" and check.refusal(case):
            return plan.articles[place].index
    return None


def _clock_key(spot: Spot, plan: Plan) -> tuple[Any, ...]:
    """What the answers of the clock rules depend on, for a spot; its zone first."""
    case, reading = spot.case, _reading(plan.clocks)
    key: list[Any] = [spot.zone, reading.ids]
    key += [check.concern.holds(case) for check in reading.conditional]
    if reading.minds_region:
        key += [case.regions, case.facts.commune]
    if any(minds_channel(check, case.facts) for check in plan.clocks):
        key.append(case.proposal.channel)
    return (*key, *(getattr(case.facts, name) for name in reading.names))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What some clock rules look at: see `_clock_key`."""

    ids: tuple[int, ...]
    conditional: tuple[Conditional, ...]
    minds_region: bool
    names: tuple[str, ...]


@lru_cache(maxsize=4096)
def _reading(clocks: tuple[Check, ...]) -> _Reading:
    return _Reading(
        tuple(map(id, clocks)),
        tuple(check for check in clocks if isinstance(check, Conditional)),
        any(map(minds_region, clocks)),
        tuple(sorted({name for check in clocks for name in facts_read(check)})),
    )


def _nulls(like: pl.Series) -> pl.Series:
    return pl.Series("none", [None], dtype=TIME).new_from_index(0, like.len())


def _least(lines: pl.DataFrame, ranks: list[pl.Series]) -> pl.Series:
    return _folded(lines.height, ranks, pl.min_horizontal, pl.Int32)


def _folded(height: int, columns: list[pl.Series], fold: Any, dtype: Any = TIME) -> pl.Series:
    """The columns folded into one; nulls where there are none."""
    if not columns:
        return pl.Series("folded", [None], dtype=dtype).new_from_index(0, height)
    return pl.DataFrame(columns).select(fold(pl.all()).alias("folded"))["folded"]


def _ceil_minute(moment: pl.Expr) -> pl.Expr:
    whole = moment.dt.truncate("1m")
    return pl.when(whole == moment).then(moment).otherwise(whole + timedelta(minutes=1))
