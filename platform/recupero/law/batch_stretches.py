"""The answers for accounts whose law turns at the same moments: facts, clock, history, dates together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import numpy as np
import polars as pl

from recupero.law import batch_dates
from recupero.law.batch_dates import Spans
from recupero.law.batch_history import TIME, History, HistoryRule
from recupero.law.batch_known import Common, Moments, Setting, Spot, Still, micro
from recupero_sdk.law import Proposal, RegulationPack
from recupero_sdk.law.checks import Case
from recupero_sdk.law.engine import Article, Conditional, compiled, purpose_of
from recupero_sdk.law.moments import ceil_minute
from recupero_sdk.law.zones import load_zone

_MINUTE, _NEVER = 60_000_000, 2**62
_KEYS = ("person", "debt", "creditor", "account_key")


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
        common: Common,
    ) -> None:
        self._law, self._common = compiled(pack), common
        self._settings, self._turns, self._at = settings, turns, at
        self._rows = rows.with_row_index("row")
        spots = [(number, one.number, zone) for one in settings for number, zone in one.spots]
        schema: dict[str, Any] = {"spot": pl.UInt32, "setting": pl.UInt32, "zone": pl.String}
        self._spots = pl.DataFrame(spots, schema=schema, orient="row")
        lines = self._rows.select("row", "setting", "due_date", *_KEYS)
        self._lines = lines.join(self._spots, on="setting", how="left", maintain_order="left")
        self._history = History(past, self._lines, at)
        self._barred: dict[Any, Spans] = {}

    def answers(self, proposals: Sequence[Proposal], horizon: timedelta) -> tuple[pl.DataFrame, list[int]]:
        """The answers for the proposals, and the settings whose rules are too intricate to be asked so."""
        ends = [*self._turns, self._at + horizon + timedelta(minutes=1)]
        segments = list(pairwise([self._at, *ends]))
        stills = {
            (proposal.channel, start): self._stills(proposal, start)
            for proposal in proposals
            for start, _end in segments
        }
        intricate = {still.spot.setting for found in stills.values() for still in found if still.intricate}
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

    def _stills(self, proposal: Proposal, start: datetime) -> list[Still]:
        """Every spot judged without history, at the beginning of a stretch of time."""
        kept, found = self._common.stills, []
        for setting in self._settings:
            for number, zone in setting.spots:
                key = (number, proposal.channel, start)
                if key not in kept:
                    kept[key] = self._still(setting, number, zone, proposal, start)
                found.append(kept[key])
        return found

    def _still(
        self, setting: Setting, number: int, zone_name: str, proposal: Proposal, start: datetime
    ) -> Still:
        zone = load_zone(zone_name)
        local = start.astimezone(zone)
        day, facts, where = local.date(), setting.facts, setting.where
        purpose = purpose_of(facts, proposal, day)
        plan = self._law.plan(day, proposal.channel, purpose, where.places)
        case = Case(facts, proposal, [], start, zone, local, day, where.regions, purpose)
        by_facts, asked = None, []
        for place, check in plan.deciding:
            article = plan.articles[place]
            if check.basis == "facts":
                if by_facts is None and check.refusal(case):
                    by_facts = article.index
            elif check.basis != "clock" and (not isinstance(check, Conditional) or check.concern.holds(case)):
                asked.append(article)
        clock, by_clock = self._common.clock(plan, case)
        spot = Spot(number, setting.number, zone_name, case)
        intricate = any(batch_dates.too_intricate(article, case) for article in asked)
        return Still(spot, by_facts, by_clock, tuple(asked), clock, intricate)

    def _segment(
        self, proposal: Proposal, stills: list[Still], start: datetime, end: datetime, horizon: timedelta
    ) -> pl.DataFrame:
        """Per row: `first`, the first rule that refuses at the start; `lawful`, the first lawful moment."""
        columns = dict[str, pl.Series]()
        refused, opens, closes = [], [], []
        for article in dict.fromkeys(article for still in stills for article in still.asked):
            mine = [still.spot for still in stills if article in still.asked]
            spans, rank = self._spans(article, mine, proposal, start), article.index
            concerned = pl.lit(value=True)
            if len(mine) < len(stills):
                columns[f"concerned{rank}"] = self._concerned(mine)
                concerned = pl.col(f"concerned{rank}")
            if spans.opens is not None:
                columns[f"opens{rank}"] = spans.opens
                opens.append(_where(concerned, f"opens{rank}"))
                refused.append(_ranked(opens[-1] > start, rank))
            if spans.closes is not None:
                columns[f"closes{rank}"] = spans.closes
                closes.append(_where(concerned, f"closes{rank}"))
                refused.append(_ranked(closes[-1] <= start, rank))
        lines = self._still_columns(stills).with_columns(**columns)
        lines = lines.select(
            "row", "setting", "by_facts", "by_clock",
            first=_folded(refused, pl.min_horizontal, pl.Int32),
            opens=_folded(opens, pl.max_horizontal, TIME),
            closes=_folded(closes, pl.min_horizontal, TIME),
        )  # fmt: skip
        rows = self._per_row(lines)
        return rows.select(
            first=pl.min_horizontal("by_facts", "by_clock", "first"),
            lawful=self._lawful(rows, stills, start, end, horizon),
        )

    def _spans(self, article: Article, spots: list[Spot], proposal: Proposal, start: datetime) -> Spans:
        """When one rule lets each line pass; lines of other spots do not matter."""
        if article.check is not None and article.check.basis == "history":
            rule: HistoryRule = article.rule  # type: ignore[assignment]  # of history, so it is one
            return Spans(self._history.until_by_line(rule, proposal.channel, start), None)
        if article.rule.kind != "limitation":
            return batch_dates.spans(article, self._lines, self._history, spots, self._common)
        key = (article.index, tuple(spot.number for spot in spots))  # the same for every channel and moment
        if key not in self._barred:
            self._barred[key] = batch_dates.spans(article, self._lines, self._history, spots, self._common)
        return self._barred[key]

    def _concerned(self, spots: list[Spot]) -> pl.Series:
        flags = np.zeros(self._common.spots, dtype=bool)
        flags[[spot.number for spot in spots]] = True
        return pl.Series("concerned", flags).gather(self._lines["spot"])

    def _still_columns(self, stills: list[Still]) -> pl.DataFrame:
        """Per line, what facts and clock say."""
        spot, columns = self._lines["spot"], dict[str, pl.Series]()
        for name in ("by_facts", "by_clock"):
            values: list[int | None] = [None] * self._common.spots
            for still in stills:
                values[still.spot.number] = getattr(still, name)
            columns[name] = pl.Series(name, values, dtype=pl.Int32).gather(spot)
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
        self, rows: pl.DataFrame, stills: list[Still], start: datetime, end: datetime, horizon: timedelta
    ) -> pl.Series:
        """The first lawful moment of each row from `start` on and before `end`; null where there is none."""
        opens = _ceil_minute(_micros(rows["opens"], 0))
        moment = np.maximum(micro(ceil_minute(start)), opens)
        ahead = np.flatnonzero((moment < micro(end)) & rows["by_facts"].is_null().to_numpy())
        place_of, places, stretches = self._stretches(stills, end)
        place, moment = place_of[rows["setting"].to_numpy()[ahead]], moment[ahead]
        # Stretches in one line, place after place: the first that ends after the moment is the one sought.
        origin, length = micro(start), micro(end) - micro(start) + 1
        line = places * length + stretches[:, 1] - origin
        found = np.searchsorted(line, place * length + moment - origin, side="right")
        inside = found < np.searchsorted(line, (place + 1) * length)
        begins = stretches[np.where(inside, found, 0), 0] if len(stretches) else moment
        later = np.maximum(moment, _ceil_minute(begins))
        inside &= (later < micro(end)) & (later <= micro(self._at + horizon))
        inside &= later < _micros(rows["closes"], _NEVER)[ahead]
        lawful = np.full(rows.height, np.datetime64("NaT"), dtype="datetime64[us]")
        lawful[ahead[inside]] = later[inside].view("datetime64[us]")
        return pl.Series("lawful", lawful, nan_to_null=True).dt.replace_time_zone("UTC")

    def _stretches(self, stills: list[Still], end: datetime) -> tuple[Moments, Moments, Moments]:
        """The place of each setting, settings of one place being open alike; and each open stretch with its
        place, place after place."""
        clocks: dict[int, list[int]] = {}
        for still in stills:
            clocks.setdefault(still.spot.setting, []).append(still.clock)
        numbers: dict[tuple[int, ...], int] = {}
        place_of = np.zeros(max(clocks) + 1, dtype=np.int64)
        for setting, each in clocks.items():
            place_of[setting] = numbers.setdefault(tuple(each), len(numbers))
        found = [self._common.open_everywhere(each, end) for each in numbers]
        places = np.repeat(np.arange(len(found), dtype=np.int64), [len(one) for one in found])
        return place_of, places, np.concatenate(found)


def _where(concerned: pl.Expr, name: str) -> pl.Expr:
    return pl.when(concerned).then(pl.col(name))


def _ranked(refused: pl.Expr, rank: int) -> pl.Expr:
    return pl.when(refused).then(pl.lit(rank, pl.Int32))


def _folded(columns: list[pl.Expr], fold: Any, dtype: Any) -> pl.Expr:
    """The columns folded into one; nulls where there are none."""
    return cast("pl.Expr", fold(columns)) if columns else pl.lit(None, dtype)


def _micros(moments: pl.Series, missing: int) -> Moments:
    """Microseconds of the epoch; `missing` where there is no moment."""
    return moments.cast(pl.Int64).fill_null(missing).to_numpy()


def _ceil_minute(micros: Moments) -> Moments:
    return -(-micros // _MINUTE) * _MINUTE
