"""What questions to the gate share: kept from part to part of many accounts, and from question to question.

Nothing here depends on a single account. Places, settings and what a setting's facts and clock say are kept
per pack and question; the open stretches of one clock rule for all questions about the same stretch of time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recupero_sdk.law import HORIZON, Channel, Facts, Proposal, Purpose, Recipient, RegulationPack
from recupero_sdk.law.checks import Case, Check
from recupero_sdk.law.checks_time import ClosedDaysCheck, HoursCheck
from recupero_sdk.law.engine import Article, Conditional, Plan
from recupero_sdk.law.moments import DAY
from recupero_sdk.law.opening import (
    Stretch,
    facts_read,
    minds_channel,
    minds_region,
    open_in_both,
    open_under,
)
from recupero_sdk.law.zones import Whereabouts

_EPOCH, _MICRO = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every account: may it be contacted at this moment, and when else. `automated`: dialled
    or spoken by a machine, None not known.
    """

    at: datetime
    recipient: Recipient = "debtor"
    purpose: Purpose | None = None
    horizon: timedelta = HORIZON
    automated: bool | None = None

    def proposal(self, channel: Channel) -> Proposal:
        return Proposal(self.at, channel, self.recipient, self.purpose, automated=self.automated)


@dataclass(frozen=True, slots=True)
class Setting:
    """Facts shared by many accounts, the places that follow from them, and when their law turns.

    Their `due_date` is kept only where it may turn a reminder into collection within the horizon. `placed`
    is false where a zone does not exist.
    """

    number: int
    facts: Facts
    where: Whereabouts
    placed: bool
    turns: tuple[datetime, ...]
    spots: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """One setting in one zone it may be in, at the beginning of a stretch of time."""

    number: int
    setting: int
    zone: str
    case: Case


@dataclass(frozen=True, slots=True)
class Still:
    """What one spot gives without history: the first rules refusing, and those to be asked over columns.

    Spots of one `clock` have the same hours and closed days. `intricate`: a rule may open and close more than
    once.
    """

    spot: Spot
    by_facts: int | None
    by_clock: int | None
    asked: tuple[Article, ...]
    clock: int
    intricate: bool


class Known:
    """What has been worked out so far. Give the same one to all calls that belong together, then drop it."""

    def __init__(self) -> None:
        self._common: dict[tuple[RegulationPack, Question], Common] = {}
        self._stretches: dict[Any, list[Stretch]] = {}

    def common(self, pack: RegulationPack, question: Question) -> Common:
        """What accounts of one country share for one question."""
        key = (pack, question)
        if key not in self._common:
            self._common[key] = Common(self)
        return self._common[key]

    def open_under(self, check: Check, case: Case, until: datetime) -> list[Stretch]:
        """The stretches from the moment of the case on that one clock rule leaves open; kept."""
        key = (case.at, until, case.zone.key, *_minded(check, case, until))
        if key not in self._stretches:
            self._stretches[key] = open_under(check, case, until)
        return self._stretches[key]


@dataclass(slots=True)
class Common:
    """What the accounts of one country share for one question. Settings, spots and clocks are numbered."""

    known: Known
    wheres: list[Whereabouts] = field(default_factory=list)
    where_of: dict[Any, int] = field(default_factory=dict)
    settings: dict[Any, Setting] = field(default_factory=dict)
    stills: dict[Any, Still] = field(default_factory=dict)
    bars: dict[Any, tuple[datetime | None, date]] = field(default_factory=dict)
    spots: int = 0
    _clocks: dict[Any, int] = field(default_factory=dict)
    _first: dict[tuple[int, datetime], int | None] = field(default_factory=dict)
    _cases: list[tuple[Plan, Case]] = field(default_factory=list)
    _stretches: dict[Any, list[Stretch]] = field(default_factory=dict)
    _open: dict[Any, Moments] = field(default_factory=dict)

    def clock(self, plan: Plan, case: Case) -> tuple[int, int | None]:
        """The number of the clock rules as they look at a case, and the first of them that refuses it."""
        key = (case.at, *_clock_key(plan, case))
        number = self._clocks.setdefault(key, len(self._clocks))
        if number == len(self._cases):
            self._cases.append((plan, case))
            self._first[number, case.at] = _first_clock(plan, case)
        return number, self._first[number, case.at]

    def open_everywhere(self, clocks: tuple[int, ...], until: datetime) -> Moments:
        """Begins and ends of the stretches that are open in every zone of a setting, by its clocks."""
        key = (clocks, until)
        if key not in self._open:
            stretches = self._open_in_zone(clocks[0], until)
            for clock in clocks[1:]:
                stretches = open_in_both(stretches, self._open_in_zone(clock, until))
            self._open[key] = _moments(stretches)
        return self._open[key]

    def _open_in_zone(self, clock: int, until: datetime) -> list[Stretch]:
        key = (clock, until)
        if key not in self._stretches:
            plan, case = self._cases[clock]
            stretches: list[Stretch] = [(case.at, until)]
            for check in plan.clocks:
                if not isinstance(check, Conditional):
                    stretches = open_in_both(stretches, self.known.open_under(check, case, until))
                elif check.concern.holds(case):
                    stretches = open_in_both(stretches, self.known.open_under(check.inner, case, until))
            self._stretches[key] = stretches
        return self._stretches[key]


#: Microseconds of the epoch, in two columns: when stretches begin and when they end.
Moments = NDArray[np.int64]


def micro(moment: datetime) -> int:
    """Microseconds of the epoch."""
    return (moment - _EPOCH) // _MICRO


def _moments(stretches: list[Stretch]) -> Moments:
    each = [(micro(begins), micro(ends)) for begins, ends in stretches]
    return np.array(each, dtype=np.int64).reshape(-1, 2)


def _first_clock(plan: Plan, case: Case) -> int | None:
    """The first rule of hours or days that refuses at the moment asked about."""
    for place, check in plan.deciding:
        if check.basis == "clock" and check.refusal(case):
            return plan.articles[place].index
    return None


def _minded(check: Check, case: Case, until: datetime) -> tuple[Any, ...]:
    """The check, and what its answers up to a moment depend on beside the zone."""
    facts, proposal, key = case.facts, case.proposal, list[Any]((check,))
    if isinstance(check, HoursCheck | ClosedDaysCheck):
        if check.closed is not None:
            first, last = case.at.date() - 2 * DAY, until.date() + 2 * DAY  # a fixed clock may be a day off
            key.append(check.closed.between(first, last, case.regions, facts.commune))
    else:
        key += [case.regions, facts.commune, proposal.recipient, proposal.purpose]
    if minds_channel(check, facts):
        key.append(proposal.channel)
    return (*key, *(getattr(facts, name) for name in facts_read(check)))


def _clock_key(plan: Plan, case: Case) -> tuple[Any, ...]:
    """What the answers of the clock rules depend on, within one question; the zone first."""
    reading = _reading(plan.clocks)
    key: list[Any] = [case.zone.key, plan.clocks]
    key += [check.concern.holds(case) for check in reading.conditional]
    if reading.minds_region:
        key += [case.regions, case.facts.commune]
    if any(minds_channel(check, case.facts) for check in reading.others):
        key.append(case.proposal.channel)
    return (*key, *(getattr(case.facts, name) for name in reading.names))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What some clock rules look at: see `_clock_key`."""

    conditional: tuple[Conditional, ...]
    minds_region: bool
    others: tuple[Check, ...]
    names: tuple[str, ...]


@lru_cache(maxsize=4096)
def _reading(clocks: tuple[Check, ...]) -> _Reading:
    return _Reading(
        tuple(check for check in clocks if isinstance(check, Conditional)),
        any(map(minds_region, clocks)),
        tuple(check for check in clocks if not isinstance(check, ClosedDaysCheck)),
        tuple(sorted({name for check in clocks for name in facts_read(check)})),
    )
