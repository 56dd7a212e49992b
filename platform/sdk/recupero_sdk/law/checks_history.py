"""Checks that count what was done before: caps, gaps and the lock on one channel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from recupero_sdk.law.checks import Basis, Case, Refusal
from recupero_sdk.law.moments import instant, next_period, period_start
from recupero_sdk.law.parameters import Counted, Hours, Period, Reading
from recupero_sdk.law.schema import ChannelLockRule, FrequencyRule, GapRule, Scope
from recupero_sdk.law.values import PastContact


class Counter:
    """Which past contacts a rule counts. One whose outcome is unknown counts: it may have gone out."""

    def __init__(self, counted: Counted, scope: Scope) -> None:
        self._outcomes = {
            channel: frozenset((*outcomes, "unknown")) for channel, outcomes in counted.outcomes.items()
        }
        self._inbound = frozenset(counted.inbound)
        self._scope = scope

    def counts(self, contact: PastContact) -> bool:
        """Whether this contact uses up the limit."""
        outcomes = self._outcomes.get(contact.channel)
        if outcomes is not None and contact.direction == "inbound":
            outcomes = self._inbound
        if outcomes is None or contact.outcome not in outcomes:
            return False
        if self._scope == "debt":
            return contact.same_debt
        return contact.same_creditor or self._scope != "creditor"

    def times(self, case: Case) -> list[datetime]:
        """Moments of the counted contacts, oldest first."""
        return sorted(contact.at for contact in case.history if self.counts(contact))


class _Spell:
    """A period in its readings: which earlier moments fall into it and when it ends."""

    def __init__(self, period: Period, readings: tuple[Reading, ...], rolling: Hours | None) -> None:
        self.period, self.readings = period, readings
        self._length = timedelta(hours=rolling.value) if rolling else timedelta()

    def inside(self, times: list[datetime], case: Case, reading: Reading) -> list[datetime]:
        if reading == "rolling":
            return [at for at in times if at > case.at - self._length]
        start = period_start(case.day, self.period)
        return [at for at in times if at.astimezone(case.zone).date() >= start]

    def ends(self, first_to_leave: datetime, case: Case, reading: Reading) -> datetime:
        """When `first_to_leave` and all before it no longer fall into the period."""
        if reading == "rolling":
            return first_to_leave + self._length
        return instant(next_period(case.day, self.period), 0, case.zone)


def _shown(at: datetime, case: Case) -> str:
    return f"{at.astimezone(case.zone):%Y-%m-%d %H:%M}"


class FrequencyCheck:
    basis: ClassVar[Basis] = "history"

    def __init__(self, rule: FrequencyRule) -> None:
        parameters = rule.parameters
        self._limit = parameters.limit.value
        self._spell = _Spell(parameters.period, parameters.readings, parameters.rolling)
        self._counter = Counter(parameters.counts, rule.scope)

    def refusal(self, case: Case) -> Refusal | None:
        times = self._counter.times(case)
        if len(times) < self._limit:
            return None
        for reading in self._spell.readings:
            used = self._spell.inside(times, case, reading)
            if len(used) >= self._limit:
                return Refusal(
                    "cap_reached",
                    {
                        "used": str(len(used)),
                        "limit": str(self._limit),
                        "period": self._spell.period,
                        "reading": reading,
                        "last": _shown(used[-1], case),
                    },
                )
        return None

    def free_from(self, case: Case) -> datetime | None:
        times, free = self._counter.times(case), case.at
        for reading in self._spell.readings:
            used = self._spell.inside(times, case, reading)
            if len(used) >= self._limit:
                free = max(free, self._spell.ends(used[-self._limit], case, reading))
        return free


class GapCheck:
    basis: ClassVar[Basis] = "history"

    def __init__(self, rule: GapRule) -> None:
        parameters = rule.parameters
        self._hours = parameters.hours.value if parameters.hours else 0
        self._days = parameters.days.value if parameters.days else 0
        self._counter = Counter(parameters.counts, rule.scope)

    def refusal(self, case: Case) -> Refusal | None:
        times = self._counter.times(case)
        if not times or self._ends(times[-1], case) <= case.at:
            return None
        stated = (f"{self._hours} h" if self._hours else "", f"{self._days} d" if self._days else "")
        gap = " + ".join(filter(None, stated))
        return Refusal("too_soon", {"last": _shown(times[-1], case), "gap": gap})

    def _ends(self, last: datetime, case: Case) -> datetime:
        day = last.astimezone(case.zone).date() + timedelta(days=self._days)
        by_date = instant(day, 0, case.zone) if self._days else last
        return max(last + timedelta(hours=self._hours), by_date)

    def free_from(self, case: Case) -> datetime | None:
        return self._ends(self._counter.times(case)[-1], case)


class ChannelLockCheck:
    basis: ClassVar[Basis] = "history"

    def __init__(self, rule: ChannelLockRule) -> None:
        parameters = rule.parameters
        self._spell = _Spell(parameters.period, parameters.readings, parameters.rolling)
        self._counter = Counter(parameters.counts, rule.scope)

    def _others(self, case: Case) -> dict[datetime, str]:
        """Counted contacts by other channels than the proposed one, oldest first."""
        others = (
            (contact.at, contact.channel)
            for contact in case.history
            if contact.channel != case.proposal.channel and self._counter.counts(contact)
        )
        return dict(sorted(others))

    def refusal(self, case: Case) -> Refusal | None:
        others = self._others(case)
        if not others:
            return None
        for reading in self._spell.readings:
            if within := self._spell.inside(list(others), case, reading):
                last = within[-1]
                details = {"channel": others[last], "last": _shown(last, case), "period": self._spell.period}
                return Refusal("channel_locked", details)
        return None

    def free_from(self, case: Case) -> datetime | None:
        times, free = list(self._others(case)), case.at
        for reading in self._spell.readings:
            if within := self._spell.inside(times, case, reading):
                free = max(free, self._spell.ends(within[-1], case, reading))
        return free
