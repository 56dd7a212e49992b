"""What questions to the gate share: kept from part to part of many accounts, and from question to question.

Nothing here depends on a single account. Places, settings and what a setting's facts and clock say are kept
per pack and question; the open stretches of one clock rule for all questions about the same stretch of time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recupero.law.batch_clock import Clocks, micro
from recupero_sdk.law import HORIZON, Channel, Facts, Proposal, Purpose, Recipient, RegulationPack
from recupero_sdk.law.checks import Case, Check
from recupero_sdk.law.checks_dates import ChannelGateCheck, PriorNoticeCheck
from recupero_sdk.law.checks_time import ClosedDaysCheck, HoursCheck
from recupero_sdk.law.compiling import Article, Conditional, Plan
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

    Their `due_date` is kept only where it may turn a reminder into collection within the horizon. Settings of
    one `manner` differ in nothing but the place. `placed` is false where a zone does not exist; `spots` are
    numbered one after the other.
    """

    number: int
    manner: int
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
class Bearing:
    """What a plan says of settings of one manner, wherever they are: the first rule that the facts break, the
    rules to be asked over columns, and what the clock rules look at beside zone and region.

    `intricate`: a rule may open and close more than once.
    """

    plan: Plan
    by_facts: int
    asked: tuple[Article, ...]
    intricate: bool
    clock: tuple[Any, ...]
    minds_region: bool


class Known:
    """What has been worked out so far. Give the same one to all calls that belong together, then drop it."""

    def __init__(self) -> None:
        self.clocks = Clocks()
        self._common: dict[tuple[RegulationPack, Question], Common] = {}
        self._stretches: dict[Any, list[Stretch]] = {}

    def common(self, pack: RegulationPack, question: Question) -> Common:
        """What accounts of one country share for one question."""
        key = (pack, question)
        if key not in self._common:
            self._common[key] = Common(self, question)
        return self._common[key]

    def open_under(self, check: Check, case: Case, until: datetime, zone: int) -> list[Stretch]:
        """The stretches from the moment of the case on that one clock rule leaves open in a zone or another
        of the same clock; kept."""
        key = (case.at, until, zone, *_minded(check, case, until))
        if key not in self._stretches:
            self._stretches[key] = open_under(check, case, until)
        return self._stretches[key]


@dataclass(slots=True)
class Common:
    """What the accounts of one country share for one question. Settings, spots and clocks are numbered."""

    known: Known
    question: Question
    wheres: list[tuple[Whereabouts, str | None]] = field(default_factory=list)
    where_of: dict[Any, int] = field(default_factory=dict)
    settings: dict[Any, Setting] = field(default_factory=dict)
    manners: dict[Any, int] = field(default_factory=dict)
    facts: dict[Any, Facts] = field(default_factory=dict)
    turns: dict[Any, tuple[datetime, ...]] = field(default_factory=dict)
    stills: dict[tuple[Channel, datetime], Stills] = field(default_factory=dict)
    bars: dict[Any, tuple[int, int]] = field(default_factory=dict)
    ripe: dict[Any, date] = field(default_factory=dict)
    spots: int = 0
    _bearings: dict[tuple[int, int], Bearing] = field(default_factory=dict)
    _clocks: dict[Any, int] = field(default_factory=dict)
    _first: list[int] = field(default_factory=list)
    _cases: list[tuple[Plan, Case, int]] = field(default_factory=list)
    _stretches: dict[Any, list[Stretch]] = field(default_factory=dict)
    _open: dict[Any, Moments] = field(default_factory=dict)

    def bearing(self, plan: Plan, manner: int, case: Case) -> Bearing:
        """What the plan says of every setting of a manner, worked out with one case of it."""
        key = (id(plan), manner)  # the bearing keeps its plan, so that no other takes its id
        if key not in self._bearings:
            self._bearings[key] = _bearing(plan, case)
        return self._bearings[key]

    def clock(self, bearing: Bearing, case: Case) -> tuple[int, int]:
        """The number of the clock rules as they look at a case, and the first of them that refuses it."""
        around, at = 3 * DAY, self.question.at
        zone = self.known.clocks.alike(case.zone.key, at - around, at + self.question.horizon + around)
        place = (case.regions, case.facts.commune) if bearing.minds_region else None
        key = (case.at, zone, bearing.clock, place)
        number = self._clocks.setdefault(key, len(self._clocks))
        if number == len(self._cases):
            self._cases.append((bearing.plan, case, zone))
            self._first.append(_first_clock(bearing.plan, case))
        return number, self._first[number]

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
            plan, case, zone = self._cases[clock]
            stretches: list[Stretch] = [(case.at, until)]
            for check in plan.clocks:
                if not isinstance(check, Conditional):
                    stretches = open_in_both(stretches, self.known.open_under(check, case, until, zone))
                elif check.concern.holds(case):
                    inner = self.known.open_under(check.inner, case, until, zone)
                    stretches = open_in_both(stretches, inner)
            self._stretches[key] = stretches
        return self._stretches[key]


class Stills:
    """What spots give without history, by their numbers, for one channel at the beginning of a stretch of
    time: the first rules refusing (`NO_RULE`: none), their clocks, and the rules to be asked over columns.

    Spots of one `clock` have the same hours and closed days. `asked` numbers the rules in `to_ask`.
    """

    def __init__(self) -> None:
        self.spots: dict[int, Spot] = {}
        self.by_facts = self.by_clock = self.clock = self.asked = np.empty(0, dtype=np.int64)
        self.to_ask: list[tuple[Article, ...]] = []
        self.intricate: set[int] = set()
        self.settings: set[int] = set()
        self._numbers: dict[tuple[Article, ...], int] = {}

    def make_room(self, count: int) -> None:
        """Room for that many spots."""
        more = count - len(self.by_facts)
        for name in ("by_facts", "by_clock", "clock", "asked") if more > 0 else ():
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros(more, dtype=np.int64)]))

    def put(self, spot: Spot, bearing: Bearing, clock: int, by_clock: int) -> None:
        """Takes in what was found of one spot."""
        number = spot.number
        asked = self._numbers.setdefault(bearing.asked, len(self.to_ask))
        if asked == len(self.to_ask):
            self.to_ask.append(bearing.asked)
        self.spots[number] = spot
        self.by_facts[number], self.asked[number] = bearing.by_facts, asked
        self.clock[number], self.by_clock[number] = clock, by_clock
        self.settings.add(spot.setting)
        if bearing.intricate:
            self.intricate.add(spot.setting)


#: Microseconds of the epoch, in two columns: when stretches begin and when they end.
Moments = NDArray[np.int64]
#: Later than any rule of a pack: none refuses.
NO_RULE = 2**31 - 1


def _bearing(plan: Plan, case: Case) -> Bearing:
    by_facts, asked, reading = NO_RULE, list[Article](), _reading(plan.clocks)
    for place, check in plan.deciding:
        article = plan.articles[place]
        if check.basis == "facts":
            if by_facts == NO_RULE and check.refusal(case):
                by_facts = article.index
        elif check.basis != "clock" and (not isinstance(check, Conditional) or check.concern.holds(case)):
            asked.append(article)
    clock: list[Any] = [plan.clocks]
    clock += [check.concern.holds(case) for check in reading.conditional]
    if any(minds_channel(check, case.facts) for check in reading.others):
        clock.append(case.proposal.channel)
    clock += [getattr(case.facts, name) for name in reading.names]
    intricate = any(too_intricate(article, case) for article in asked)
    return Bearing(plan, by_facts, tuple(asked), intricate, tuple(clock), reading.minds_region)


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


def _moments(stretches: list[Stretch]) -> Moments:
    each = [(micro(begins), micro(ends)) for begins, ends in stretches]
    return np.array(each, dtype=np.int64).reshape(-1, 2)


def _first_clock(plan: Plan, case: Case) -> int:
    """The first rule of hours or days that refuses at the moment asked about."""
    for place, check in plan.deciding:
        if check.basis == "clock" and check.refusal(case):
            return plan.articles[place].index
    return NO_RULE


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


@dataclass(frozen=True, slots=True)
class _Reading:
    """What some clock rules look at, beside the zone."""

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
