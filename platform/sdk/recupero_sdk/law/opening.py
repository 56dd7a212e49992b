"""The stretches of time that a pack's hours and closed days leave open, whatever the history.

For planning over many accounts, calendars of permitted hours and golden files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from recupero_sdk.law.checks import Case, Check, PurposeCheck
from recupero_sdk.law.checks_dates import InconvenientCheck, PauseCheck
from recupero_sdk.law.checks_time import ClosedDaysCheck, HoursCheck
from recupero_sdk.law.compiling import Conditional, compiled, purpose_of
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.values import Facts, Proposal, Purpose
from recupero_sdk.law.zones import load_zone

Stretch = tuple[datetime, datetime]


def open_stretches(pack: RegulationPack, facts: Facts, proposal: Proposal, until: datetime) -> list[Stretch]:
    """UTC stretches [start, end) from the proposed moment to `until` that every clock rule leaves open, in
    every zone the debtor may be in."""
    zones = compiled(pack).whereabouts(facts).zones
    stretches = open_in_zone(pack, facts, proposal, until, zones[0])
    for zone in zones[1:]:
        stretches = open_in_both(stretches, open_in_zone(pack, facts, proposal, until, zone))
    return stretches


def open_in_zone(
    pack: RegulationPack, facts: Facts, proposal: Proposal, until: datetime, zone: str
) -> list[Stretch]:
    """As `open_stretches`, for a debtor known to be in one zone.

    Clock rules answer alike between two edges: a local midnight or a minute at which hours open or close.
    So each stretch between edges is judged once, at its start.
    """
    law = compiled(pack)
    where = law.whereabouts(facts)

    @cache
    def clocks(day: date) -> _OnDay:
        purpose = purpose_of(facts, proposal, day)
        return purpose, law.plan(day, proposal.channel, purpose, where.places).clocks

    return _Hours(facts, proposal, load_zone(zone), where.regions, clocks).stretches(until)


def open_under(check: Check, case: Case, until: datetime) -> list[Stretch]:
    """UTC stretches from the moment of the case to `until` that one clock rule leaves open, for as long as it
    holds."""
    facts, proposal = case.facts, replace(case.proposal, at=case.at)

    def clocks(day: date) -> _OnDay:
        return purpose_of(facts, proposal, day), (check,)

    return _Hours(facts, proposal, case.zone, case.regions, clocks).stretches(until)


def open_in_both(some: list[Stretch], others: list[Stretch]) -> list[Stretch]:
    """The time that lies in a stretch of each; both lists in order and without overlaps."""
    found, one, other = list[Stretch](), 0, 0
    while one < len(some) and other < len(others):
        begins = max(some[one][0], others[other][0])
        ends = min(some[one][1], others[other][1])
        if begins < ends:
            found.append((begins, ends))
        if some[one][1] < others[other][1]:
            one += 1
        else:
            other += 1
    return found


#: The purpose of a contact on a local day, and the clock rules for it.
_OnDay = tuple[Purpose, tuple[Check, ...]]


class _Hours:
    """When one debtor may be reached by one channel in one zone, by some clock rules alone."""

    def __init__(
        self,
        facts: Facts,
        proposal: Proposal,
        zone: ZoneInfo,
        regions: frozenset[str],
        clocks: Callable[[date], _OnDay],
    ) -> None:
        self._facts, self._proposal, self._zone = facts, proposal, zone
        self._regions, self._clocks = regions, clocks
        windows = facts.closed_windows
        self._wished = {0, *(edge for window in windows for edge in (window.opens, window.closes))}

    def stretches(self, until: datetime) -> list[Stretch]:
        """The open stretches from the proposed moment on."""
        start, found = self._proposal.at, list[Stretch]()
        for begins, ends in pairwise([start, *self._edges(start, until), until]):
            if not self._open_at(begins):
                continue
            if found and found[-1][1] == begins:
                begins = found.pop()[0]
            found.append((begins, ends))
        return found

    def _edges(self, start: datetime, until: datetime) -> list[datetime]:
        """Every moment between the two at which some clock rule may open or close."""
        found, zone = set[datetime](), self._zone
        day = start.astimezone(zone).date() - DAY
        while instant(day, 0, zone) < until:
            minutes = set(self._wished)
            for check in self._clocks(day)[1]:
                hours = check.inner if isinstance(check, Conditional) else check
                if isinstance(hours, HoursCheck) and hours.zone is None:
                    minutes |= hours.edges(self._facts)
                elif isinstance(hours, HoursCheck):
                    found.update(hours.fixed_moments(day, self._facts))
            found.update(instant(day, minute, zone) for minute in minutes)
            day += DAY
        return sorted(edge for edge in found if start < edge < until)

    def _open_at(self, at: datetime) -> bool:
        """Whether every clock rule leaves a moment open."""
        local = at.astimezone(self._zone)
        day = local.date()
        purpose, clocks = self._clocks(day)
        case = Case(self._facts, self._proposal, [], at, self._zone, local, day, self._regions, purpose)
        return not any(check.refusal(case) for check in clocks)


def minds_channel(check: Check, facts: Facts) -> bool:
    """Whether a clock rule may answer another channel otherwise, for a debtor of these facts."""
    inner = check.inner if isinstance(check, Conditional) else check
    if isinstance(inner, ClosedDaysCheck | PurposeCheck):
        return False
    if isinstance(inner, HoursCheck):
        return bool(facts.asked_windows)
    if isinstance(inner, InconvenientCheck):
        return bool(facts.closed_windows)
    return not isinstance(inner, PauseCheck) or bool(facts.events)


def facts_read(check: Check) -> tuple[str, ...]:
    """The facts, beside the place, that a clock rule looks at: debtors alike in them are open alike."""
    inner = check.inner if isinstance(check, Conditional) else check
    if isinstance(inner, HoursCheck):
        return ("asked_windows",)
    return _READ.get(type(inner).__name__, ())


def minds_region(check: Check) -> bool:
    """Whether a clock rule asks which days are closed where the debtor lives."""
    inner = check.inner if isinstance(check, Conditional) else check
    return isinstance(inner, ClosedDaysCheck) or getattr(inner, "has_calendar", False)


_READ: dict[str, tuple[str, ...]] = {
    "InconvenientCheck": ("closed_windows", "closed_places", "employer_contact"),
    "PauseCheck": ("events",),
    "PriorNoticeCheck": ("events",),
    "PurposeCheck": ("due_date",),
    "OptOutCheck": ("consented_channels", "events", "flags", "opted_out_channels", "point_refused"),
    "ChannelGateCheck": ("consented_channels", "events", "flags", "opted_out_channels", "written_consents"),
}
