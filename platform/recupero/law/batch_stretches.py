"""The answers for accounts whose law turns at the same moments: facts, clock, history, dates together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from recupero.law import batch_dates
from recupero.law.batch_clock import NEVER, NONE, Flags, Ints, micro
from recupero.law.batch_dates import Spans
from recupero.law.batch_history import KEYS, History, HistoryRule, Lines
from recupero.law.batch_known import NO_RULE, Common, Setting, Spot, Stills
from recupero_sdk.law import Proposal, RegulationPack
from recupero_sdk.law.checks import Case
from recupero_sdk.law.compiling import Article, compiled, purpose_of
from recupero_sdk.law.moments import ceil_minute
from recupero_sdk.law.zones import load_zone

_MINUTE = 60_000_000


class _Judged(NamedTuple):
    """Per row or line: the first rule that refuses (`NO_RULE`: none); and from when to when facts and history
    leave it open, `NEVER` to be opened where a fact refuses."""

    first: Ints
    opens: Ints
    closes: Ints


class Together:
    """Accounts of one country whose settings turn at the same moments."""

    def __init__(
        self,
        pack: RegulationPack,
        rows: pl.DataFrame,
        settings: Sequence[Setting],
        past: pl.DataFrame,
        turns: tuple[datetime, ...],
        common: Common,
    ) -> None:
        self._law, self._common, self._at = compiled(pack), common, common.question.at.astimezone(UTC)
        self._settings, self._turns = settings, turns
        self._of_row = rows["setting"].cast(pl.Int64).to_numpy()
        self._numbers = np.concatenate([[number for number, _zone in one.spots] for one in settings])
        lines, self._firsts = self._lines_of(rows["due_date"])
        keys = rows.select(*dict.fromkeys(key for keys in KEYS.values() for key in keys))
        self._history = History(past, keys, lines, self._at, common.known.clocks)
        self._lines = lines
        self._barred: dict[Any, Spans] = {}

    def _lines_of(self, due: pl.Series) -> tuple[Lines, Ints | None]:
        """The lines, and where each row begins in them; None where each has one."""
        clocks, common = self._common.known.clocks, self._common
        first, many = np.zeros((2, len(common.settings)), dtype=np.int64)
        zones = np.zeros(common.spots, dtype=np.int64)
        for setting in self._settings:
            first[setting.number], many[setting.number] = setting.spots[0][0], len(setting.spots)
            for number, zone in setting.spots:
                zones[number] = clocks.number(zone)
        mine = many[self._of_row]
        begins = np.cumsum(mine) - mine
        row = np.repeat(np.arange(len(mine)), mine)
        spot = first[self._of_row][row] + np.arange(len(row)) - begins[row]
        days = due.cast(pl.Date).cast(pl.Int64).fill_null(NONE).to_numpy()
        return Lines(row, spot, zones[spot], days[row]), begins if len(row) > len(mine) else None

    def answers(
        self, proposals: Sequence[Proposal], horizon: timedelta
    ) -> tuple[list[tuple[Ints, Ints]], list[int]]:
        """For each proposal, per row: the first rule that refuses (`NO_RULE`: none) and the first lawful
        moment (`NONE`: none). And the settings whose rules are too intricate to be asked so."""
        ends = [*self._turns, self._at + horizon + timedelta(minutes=1)]
        segments = list(pairwise([self._at, *ends]))
        found, intricate = [], set[int]()
        for proposal in proposals:
            stills = [self._stills(proposal, start) for start, _end in segments]
            judged = self._judged(proposal, stills[0], self._at)
            first, lawful = judged.first, np.where(judged.first == NO_RULE, micro(self._at), NONE)
            for one, (start, end) in zip(stills, segments, strict=True):
                if start > self._at and (lawful == NONE).any():
                    judged = self._judged(proposal, one, start)
                seek = np.flatnonzero((lawful == NONE) & (judged.opens < micro(end)))
                if len(seek):
                    lawful[seek] = self._lawful(judged, seek, one, start, end, horizon)
            found.append((first, lawful))
            intricate |= set[int]().union(*(one.intricate for one in stills))
        return found, sorted(intricate & {setting.number for setting in self._settings})

    def _stills(self, proposal: Proposal, start: datetime) -> Stills:
        """Every spot judged without history, at the beginning of a stretch of time."""
        stills = self._common.stills.setdefault((proposal.channel, start), Stills())
        stills.make_room(self._common.spots)
        days: dict[str, datetime] = {}
        for setting in self._settings:
            if setting.number in stills.settings:
                continue
            for number, zone in setting.spots:
                local = days.get(zone) or days.setdefault(zone, start.astimezone(load_zone(zone)))
                self._still(stills, setting, number, zone, proposal, start, local)
        return stills

    def _still(
        self,
        stills: Stills,
        setting: Setting,
        number: int,
        zone: str,
        proposal: Proposal,
        start: datetime,
        local: datetime,
    ) -> None:
        day, facts, where = local.date(), setting.facts, setting.where
        purpose = purpose_of(facts, proposal, day)
        plan = self._law.plan(day, proposal.channel, purpose, where.places)
        case = Case(facts, proposal, [], start, load_zone(zone), local, day, where.regions, purpose)
        bearing = self._common.bearing(plan, setting.manner, case)
        clock, by_clock = self._common.clock(bearing, case)
        stills.put(Spot(number, setting.number, zone, case), bearing, clock, by_clock)

    def _judged(self, proposal: Proposal, stills: Stills, start: datetime) -> _Judged:
        """What facts, clock, history and dates say at the beginning of a stretch, per row."""
        spot, at = self._lines.spot, micro(start)
        by_facts = stills.by_facts[spot]
        first = np.minimum(by_facts, stills.by_clock[spot])
        opens = np.where(by_facts == NO_RULE, NONE, NEVER)
        closes = np.full(len(spot), NEVER, dtype=np.int64)
        asked = sorted(set(stills.asked[self._numbers].tolist()))
        for article in dict.fromkeys(one for number in asked for one in stills.to_ask[number]):
            concerned = np.array([article in each for each in stills.to_ask])[stills.asked]
            spans = self._spans(article, concerned, stills, proposal, start)
            mine = concerned[spot]
            if spans.opens is not None:
                opens = np.where(mine, np.maximum(opens, spans.opens), opens)
                first[mine & (spans.opens > at) & (first > article.index)] = article.index
            if spans.closes is not None:
                closes = np.where(mine, np.minimum(closes, spans.closes), closes)
                first[mine & (spans.closes <= at) & (first > article.index)] = article.index
        if self._firsts is None:
            return _Judged(first, opens, closes)
        return _Judged(
            np.minimum.reduceat(first, self._firsts),
            np.maximum.reduceat(opens, self._firsts),
            np.minimum.reduceat(closes, self._firsts),
        )

    def _spans(
        self, article: Article, concerned: Flags, stills: Stills, proposal: Proposal, start: datetime
    ) -> Spans:
        """When one rule lets each line pass; lines of spots that it does not concern do not matter."""
        if article.check is not None and article.check.basis == "history":
            rule: HistoryRule = article.rule  # type: ignore[assignment]  # of history, so it is one
            return Spans(self._history.until_by_line(rule, proposal.channel, start), None)
        spots = [stills.spots[number] for number in self._numbers[concerned[self._numbers]].tolist()]
        if article.rule.kind != "limitation":
            return batch_dates.spans(article, self._history, spots, self._common)
        key = (article.index, tuple(spot.number for spot in spots))  # the same for every channel and moment
        if key not in self._barred:
            self._barred[key] = batch_dates.spans(article, self._history, spots, self._common)
        return self._barred[key]

    def _lawful(
        self, judged: _Judged, seek: Ints, stills: Stills, start: datetime, end: datetime, horizon: timedelta
    ) -> Ints:
        """The first lawful moment of some rows from `start` on and before `end`; `NONE` where none is."""
        moment = np.maximum(micro(ceil_minute(start)), _ceil_minute(judged.opens[seek]))
        place_of, places, stretches = self._stretches(stills, end)
        place = place_of[self._of_row[seek]]
        # Stretches in one line, place after place: the first that ends after the moment is the one sought.
        origin, length = micro(start), micro(end) - micro(start) + 1
        line = places * length + stretches[:, 1] - origin
        found = np.searchsorted(line, place * length + moment - origin, side="right")
        inside = found < np.searchsorted(line, (place + 1) * length)
        begins = stretches[np.where(inside, found, 0), 0] if len(stretches) else moment
        later = np.maximum(moment, _ceil_minute(begins))
        inside &= (later < micro(end)) & (later <= micro(self._at + horizon)) & (later < judged.closes[seek])
        return np.where(inside, later, NONE)

    def _stretches(self, stills: Stills, end: datetime) -> tuple[Ints, Ints, Ints]:
        """The place of each setting, settings of one place being open alike; and each open stretch with its
        place, place after place."""
        clock, numbers = stills.clock.tolist(), dict[tuple[int, ...], int]()
        place_of = np.zeros(len(self._common.settings), dtype=np.int64)
        for setting in self._settings:
            each = tuple(dict.fromkeys(clock[number] for number, _zone in setting.spots))
            place_of[setting.number] = numbers.setdefault(each, len(numbers))
        found = [self._common.open_everywhere(each, end) for each in numbers]
        places = np.repeat(np.arange(len(found), dtype=np.int64), [len(one) for one in found])
        return place_of, places, np.concatenate(found)


def _ceil_minute(micros: Ints) -> Ints:
    return -(-micros // _MINUTE) * _MINUTE
