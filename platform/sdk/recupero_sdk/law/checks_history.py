"""Checks that count what was done before: caps, gaps and the lock on one channel."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import ClassVar

from recupero_sdk.law.checks import Basis, Case, Refusal
from recupero_sdk.law.moments import DAY, instant, next_period, period_start
from recupero_sdk.law.rule import Scope
from recupero_sdk.law.schema import ChannelLockRule, FrequencyRule, GapRule
from recupero_sdk.law.terms import Counted, Period, Reading, Rolling
from recupero_sdk.law.values import PastContact


class Counter:
    """Which past contacts a rule counts. What is not known of one counts: it may have gone out."""

    def __init__(self, counted: Counted, scope: Scope) -> None:
        self._outcomes = {
            channel: frozenset((*outcomes, "unknown")) for channel, outcomes in counted.outcomes.items()
        }
        self._inbound = frozenset(counted.inbound)
        self._scope = scope
        self._excludes = frozenset(counted.excludes)
        self._places = frozenset((*counted.places, None)) if counted.places else None
        self._purposes = frozenset((*counted.purposes, None)) if counted.purposes else None
        self._recipients = frozenset(counted.recipients)
        self._per_recipient = counted.per_recipient
        self._narrowed = bool(
            self._excludes or self._places or self._purposes or self._recipients or self._per_recipient
        )

    def counts(self, contact: PastContact) -> bool:
        """Whether this contact uses up the limit."""
        outcomes = self._outcomes.get(contact.channel)
        if outcomes is not None and contact.direction == "inbound":
            outcomes = self._inbound
        if outcomes is None or contact.outcome not in outcomes:
            return False
        return self._of_scope(contact) and (not self._narrowed or self._of_kind(contact))

    def _of_scope(self, contact: PastContact) -> bool:
        if self._scope == "debt":
            return contact.same_debt
        if self._scope == "account":
            return contact.same_debt if contact.same_account is None else contact.same_account
        return contact.same_creditor or self._scope != "creditor"

    def _of_kind(self, contact: PastContact) -> bool:
        """Whether the contact is none of those left out, and of the place, purpose and person counted."""
        excludes = self._excludes
        if ("asked" in excludes and contact.asked) or ("with_consent" in excludes and contact.with_consent):
            return False
        if "reply" in excludes and contact.purpose == "reply":
            return False
        if self._per_recipient and not contact.same_recipient:
            return False
        if self._recipients and contact.recipient not in self._recipients:
            return False
        return (self._places is None or contact.place in self._places) and (
            self._purposes is None or contact.purpose in self._purposes
        )

    def contacts(self, case: Case) -> list[PastContact]:
        """The counted contacts, oldest first."""
        return sorted((c for c in case.history if self.counts(c)), key=lambda contact: contact.at)

    def times(self, case: Case) -> list[datetime]:
        """Moments of the counted contacts, oldest first."""
        return sorted(contact.at for contact in case.history if self.counts(contact))


class Spell:
    """A period in its readings: which earlier moments fall into it and when it ends."""

    def __init__(self, period: Period | None, readings: tuple[Reading, ...], rolling: Rolling | None) -> None:
        self.period, self.readings = period, readings
        self._hours = timedelta(hours=rolling.value) if rolling and rolling.unit == "hours" else None
        self._days = rolling.value if rolling and rolling.unit == "calendar_days" else 0

    @property
    def name(self) -> str:
        """The period in a word, or the rolling length."""
        if self.period:
            return self.period
        return f"{self._days} d" if self._hours is None else f"{self._hours // timedelta(hours=1)} h"

    def inside(self, times: list[datetime], case: Case, reading: Reading) -> list[datetime]:
        """Those of the moments that fall into the period around the proposed one."""
        if reading == "rolling" and self._hours is not None:
            return [at for at in times if at > case.at - self._hours]
        start = self._first_day(case, reading)
        return [at for at in times if at.astimezone(case.zone).date() >= start]

    def _first_day(self, case: Case, reading: Reading) -> date:
        if reading == "rolling":
            return case.day - (self._days - 1) * DAY
        return period_start(case.day, self.period or "ever")

    def ends(self, first_to_leave: datetime, case: Case, reading: Reading) -> datetime | None:
        """When `first_to_leave` and all before it no longer fall into the period; None is never."""
        if reading == "rolling":
            if self._hours is not None:
                return first_to_leave + self._hours
            return instant(first_to_leave.astimezone(case.zone).date() + self._days * DAY, 0, case.zone)
        following = next_period(case.day, self.period or "ever")
        return None if following == date.max else instant(following, 0, case.zone)


def _latest(ends: list[datetime | None], case: Case) -> datetime | None:
    """The last of some ends; None where one never comes."""
    free = case.at
    for end in ends:
        if end is None:
            return None
        free = max(free, end)
    return free


def _last_shown(contact: PastContact, case: Case) -> str:
    """When a contact was. Of one made for another creditor nothing is told: it is another tenant's."""
    return f"{contact.at.astimezone(case.zone):%Y-%m-%d %H:%M}" if contact.same_creditor else "elsewhere"


class FrequencyCheck:
    basis: ClassVar[Basis] = "history"

    def __init__(self, rule: FrequencyRule) -> None:
        parameters = rule.parameters
        self.limit = parameters.limit.value
        self._by_day = parameters.limit.unit == "days"
        self.spell = Spell(parameters.period, parameters.readings, parameters.rolling)
        self.counter = Counter(parameters.counts, rule.scope)

    def _units(self, times: list[datetime], case: Case) -> list[datetime]:
        """What is counted: every moment, or the last of each local day; empty where this day is counted."""
        if not self._by_day:
            return times
        last = {at.astimezone(case.zone).date(): at for at in times}
        return [] if case.day in last else list(last.values())

    def refusal(self, case: Case) -> Refusal | None:
        contacts = self.counter.contacts(case)
        if len(contacts) < self.limit:
            return None
        times = [contact.at for contact in contacts]
        for reading in self.spell.readings:
            used = self._units(self.spell.inside(times, case, reading), case)
            if len(used) >= self.limit:
                return Refusal(
                    "cap_reached",
                    {
                        "used": str(len(used)),
                        "limit": str(self.limit),
                        "period": self.spell.name,
                        "reading": reading,
                        "last": _last_shown(contacts[-1], case),
                    },
                )
        return None

    def free_from(self, case: Case) -> datetime | None:
        times, ends = self.counter.times(case), []
        for reading in self.spell.readings:
            used = self._units(self.spell.inside(times, case, reading), case)
            if len(used) >= self.limit:
                ends.append(self.spell.ends(used[-self.limit], case, reading))
        return _latest(ends, case)


class GapCheck:
    basis: ClassVar[Basis] = "history"

    def __init__(self, rule: GapRule) -> None:
        parameters = rule.parameters
        self._length = timedelta(
            hours=parameters.hours.value if parameters.hours else 0,
            minutes=parameters.minutes.value if parameters.minutes else 0,
        )
        self._days = parameters.days.value if parameters.days else 0
        self._dates = self._days + (1 if self._days and parameters.day_one == "next" else 0)
        self.counter = Counter(parameters.counts, rule.scope)
        stated = (parameters.hours, "h"), (parameters.minutes, "min"), (parameters.days, "d")
        self._stated = " + ".join(f"{length.value} {unit}" for length, unit in stated if length)

    def refusal(self, case: Case) -> Refusal | None:
        contacts = self.counter.contacts(case)
        if not contacts or self._ends(contacts[-1].at, case) <= case.at:
            return None
        return Refusal("too_soon", {"last": _last_shown(contacts[-1], case), "gap": self._stated})

    def _ends(self, last: datetime, case: Case) -> datetime:
        day = last.astimezone(case.zone).date() + timedelta(days=self._dates)
        by_date = instant(day, 0, case.zone) if self._dates else last
        return max(last + self._length, by_date)

    def free_from(self, case: Case) -> datetime | None:
        return self._ends(self.counter.times(case)[-1], case)


class ChannelLockCheck:
    basis: ClassVar[Basis] = "history"

    def __init__(self, rule: ChannelLockRule) -> None:
        parameters = rule.parameters
        self.spell = Spell(parameters.period, parameters.readings, parameters.rolling)
        self.counter = Counter(parameters.counts, rule.scope)

    def _others(self, case: Case) -> dict[datetime, PastContact]:
        """Counted contacts by other channels than the proposed one, oldest first."""
        channel = case.proposal.channel
        return {c.at: c for c in self.counter.contacts(case) if c.channel != channel}

    def refusal(self, case: Case) -> Refusal | None:
        others = self._others(case)
        if not others:
            return None
        for reading in self.spell.readings:
            if within := self.spell.inside(list(others), case, reading):
                last = others[within[-1]]
                channel = last.channel if last.same_creditor else "elsewhere"
                details = {"channel": channel, "last": _last_shown(last, case), "period": self.spell.name}
                return Refusal("channel_locked", details)
        return None

    def free_from(self, case: Case) -> datetime | None:
        times = list(self._others(case))
        inside = ((reading, self.spell.inside(times, case, reading)) for reading in self.spell.readings)
        return _latest([self.spell.ends(held[-1], case, reading) for reading, held in inside if held], case)
