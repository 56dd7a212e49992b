"""Checks that follow a debtor's wishes and the dates of a debt: pauses, notices, gates, limitation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import partial
from typing import ClassVar

from recupero_sdk.law.calendars import ClosedDays
from recupero_sdk.law.checks import Basis, Case, Refusal
from recupero_sdk.law.checks_history import Counter
from recupero_sdk.law.limitation import barred_from
from recupero_sdk.law.moments import instant
from recupero_sdk.law.parameters import PriorNoticeParameters
from recupero_sdk.law.rule import Scope
from recupero_sdk.law.schema import (
    ChannelGateRule,
    InconvenientRule,
    LimitationRule,
    OptOutRule,
    PauseRule,
    PriorNoticeRule,
)
from recupero_sdk.law.spans import DAY, ClosedDay, day_after, weekend
from recupero_sdk.law.terms import Counted, Days, place_of
from recupero_sdk.law.values import CHANNELS, ContactOutcome, Event, EventKind, Place

_LETTERS = Counted(outcomes={"letter": ("answered", "delivered", "no_answer", "reply")})
_NO_OUTCOMES: tuple[ContactOutcome, ...] = ()
_INBOUND = Counted(
    outcomes=dict.fromkeys(CHANNELS, _NO_OUTCOMES), inbound=("answered", "delivered", "no_answer", "reply")
)


def _business_days(closed: ClosedDays | None, case: Case) -> ClosedDay:
    """Which days are no business days for this debtor."""
    if closed is None:
        return weekend
    return lambda day: closed.name(day, case.regions, case.facts.commune) is not None


def _events(case: Case, kinds: Iterable[EventKind]) -> Iterator[Event]:
    """Events of these kinds, up to the day, that are about the proposed channel or about none."""
    for event in case.facts.events:
        if event.kind in kinds and event.on <= case.day and event.channel in (None, case.proposal.channel):
            yield event


class PauseCheck:
    basis: ClassVar[Basis] = "clock"

    def __init__(self, rule: PauseRule, closed: ClosedDays | None) -> None:
        self._rule, self._closed = rule.parameters, closed
        self._after, self._lifted_by = frozenset(rule.parameters.after), frozenset(rule.parameters.lifted_by)
        self.has_calendar = closed is not None

    def _opens(self, event: Event, case: Case) -> date:
        """The day on which the pause after an event is over; the last of all days where it never is."""
        lasts, opens = self._rule.lasts, date.max
        if event.until is not None:
            opens = event.until + DAY
        elif lasts is not None:
            opens = day_after(event.on, lasts, _business_days(self._closed, case))
            opens += DAY if self._rule.day_one == "next" else 0 * DAY
        lifted = (later.on for later in _events(case, self._lifted_by) if later.on >= event.on)
        return min(opens, *lifted, date.max)

    def _standing(self, case: Case) -> list[tuple[date, Event]]:
        opens = ((self._opens(event, case), event) for event in _events(case, self._after))
        return [(day, event) for day, event in opens if case.day < day]

    def refusal(self, case: Case) -> Refusal | None:
        standing = self._standing(case)
        if not standing:
            return None
        until, event = max(standing, key=lambda pair: pair[0])
        shown = "" if until == date.max else (until - DAY).isoformat()
        code = "paused_for_good" if until == date.max else "paused"
        return Refusal(code, {"event": event.kind, "on": event.on.isoformat(), "until": shown})

    def free_from(self, case: Case) -> datetime | None:
        until = max(day for day, _event in self._standing(case))
        if until < date.max:
            return instant(until, 0, case.zone)
        lifts = [e.on for e in case.facts.events if e.kind in self._lifted_by and e.on > case.day]
        return instant(min(lifts), 0, case.zone) if lifts else None


class Notice:
    """A notice that must come some time before: an event of the debt or a letter of the history."""

    def __init__(self, parameters: PriorNoticeParameters, scope: Scope, closed: ClosedDays | None) -> None:
        self._rule, self._closed = parameters, closed
        self.has_calendar = closed is not None
        self._letters = Counter(_LETTERS, scope) if parameters.letters else None

    @property
    def expires(self) -> bool:
        """Whether a notice holds only for some time."""
        return self._rule.at_most is not None

    @property
    def by_letter(self) -> bool:
        """Whether a letter of the history may be the notice."""
        return self._rule.letters

    def given(self, case: Case) -> list[date]:
        """Days on which the notice was given."""
        days = [event.on for event in _events(case, self._rule.events)]
        if self._letters:
            days += [at.astimezone(case.zone).date() for at in self._letters.times(case)]
        return days

    def holds(self, case: Case) -> bool:
        if any(True for _event in _events(case, self._rule.opened_by)):
            return True
        return any(self.ripe(day, case) <= case.day < self.ends(day) for day in self.given(case))

    def ripe(self, given: date, case: Case) -> date:
        """The first day on which a notice opens."""
        least = self._rule.at_least
        return day_after(given, least, _business_days(self._closed, case)) if least else given

    def ends(self, given: date) -> date:
        most = self._rule.at_most
        return day_after(given, most) + DAY if most else date.max

    def opening_days(self, case: Case) -> list[date]:
        """Days from which dated events open, those yet to come included."""
        channel = case.proposal.channel
        events = [event for event in case.facts.events if event.channel in (None, channel)]
        ripe = [self.ripe(event.on, case) for event in events if event.kind in self._rule.events]
        return ripe + [event.on for event in events if event.kind in self._rule.opened_by]

    def next_ripe(self, case: Case) -> datetime | None:
        """When a notice already given, or an event already dated, opens."""
        days = [self.ripe(day, case) for day in self.given(case)] + self.opening_days(case)
        later = [day for day in days if day > case.day]
        return instant(min(later), 0, case.zone) if later else None


class PriorNoticeCheck:
    def __init__(self, rule: PriorNoticeRule, closed: ClosedDays | None) -> None:
        self.basis: Basis = "dates" if rule.parameters.letters else "clock"
        self.notice = Notice(rule.parameters, rule.scope, closed)
        self.has_calendar = self.notice.has_calendar
        self._wanted = ", ".join(rule.parameters.events) or "letter"

    def refusal(self, case: Case) -> Refusal | None:
        if self.notice.holds(case):
            return None
        given = self.notice.given(case)
        if not given:
            return Refusal("notice_missing", {"event": self._wanted})
        return Refusal("notice_not_ripe", {"event": self._wanted, "on": max(given).isoformat()})

    def free_from(self, case: Case) -> datetime | None:
        return self.notice.next_ripe(case)


class ChannelGateCheck:
    def __init__(self, rule: ChannelGateRule, closed: ClosedDays | None) -> None:
        parameters = rule.parameters
        self._written = parameters.requires == "written"
        self._unrecorded = parameters.unrecorded == "allowed"
        self._withdrawn_by = frozenset(parameters.withdrawn_by)
        self.used = parameters.or_used_within
        self._uses = Counter(_INBOUND, rule.scope)
        notice = parameters.or_notice
        self.notice = Notice(notice, rule.scope, closed) if notice else None
        self.has_calendar = closed is not None
        self.basis: Basis = "clock" if notice else "facts"
        if self.used or (notice and notice.letters):
            self.basis = "dates"

    def withdrawn(self, case: Case) -> bool:
        """Whether the debtor closed the channel again."""
        facts = case.facts
        return case.proposal.channel in facts.opted_out_channels or not self._withdrawn_by.isdisjoint(
            facts.flags
        )

    def refusal(self, case: Case) -> Refusal | None:
        channel = case.proposal.channel
        if self.withdrawn(case):
            return Refusal("authorisation_withdrawn", {"channel": channel})
        if (
            self.opened_on_record(case)
            or self._used_lately(case)
            or (self.notice and self.notice.holds(case))
        ):
            return None
        return Refusal("not_authorised", {"channel": channel})

    def opened_on_record(self, case: Case) -> bool:
        """Whether consent on record opens the channel, whatever else was said or sent."""
        channel, facts = case.proposal.channel, case.facts
        if self._written:
            return channel in facts.written_consents
        if facts.consented_channels is None:
            return self._unrecorded
        return channel in facts.consented_channels or channel in facts.written_consents

    def _used_lately(self, case: Case) -> bool:
        """Whether the debtor wrote or called by this channel within the days stated."""
        if self.used is None:
            return False
        earliest = case.day - self.used.value * DAY
        return any(
            contact.at.astimezone(case.zone).date() >= earliest
            for contact in case.history
            if contact.channel == case.proposal.channel
            and contact.direction == "inbound"
            and self._uses.counts(contact)
        )

    def free_from(self, case: Case) -> datetime | None:
        if self.withdrawn(case):
            return None
        return self.notice.next_ripe(case) if self.notice else None


class OptOutCheck:
    def __init__(self, rule: OptOutRule) -> None:
        parameters = rule.parameters
        self._closed_by = frozenset(parameters.closed_by)
        self._delay = parameters.honour if isinstance(parameters.honour, Days) else None
        self._register = parameters.register_after
        self._points = parameters.points
        self._unless_consented = parameters.unless_consented
        self._while_another = parameters.while_another_remains
        self.basis: Basis = "clock" if self._delay or self._register else "facts"

    def refusal(self, case: Case) -> Refusal | None:
        channel, facts = case.proposal.channel, case.facts
        if self._unless_consented and channel in (facts.consented_channels or ()):
            return None
        if not self._closed_by.isdisjoint(facts.flags):
            return Refusal("opted_out", {"channel": channel})
        if self._points and facts.point_refused:
            return Refusal("point_refused", {})
        if self._register and self._aged(case, "do_not_call", self._register):
            return Refusal("registered", {"channel": channel})
        if self._while_another and facts.opted_out_channels.issuperset(CHANNELS):
            return None
        return Refusal("opted_out", {"channel": channel}) if self._opted_out(case) else None

    def _opted_out(self, case: Case) -> bool:
        if self._delay is None:
            return case.proposal.channel in case.facts.opted_out_channels
        dated = list(_events(case, ("opt_out",)))
        if not dated:
            return case.proposal.channel in case.facts.opted_out_channels
        return self._aged(case, "opt_out", self._delay)

    def _aged(self, case: Case, kind: EventKind, delay: Days) -> bool:
        """Whether an event of this kind is as many days old as the rule leaves to honour it."""
        return any(day_after(event.on, delay) <= case.day for event in _events(case, (kind,)))

    def free_from(self, case: Case) -> datetime | None:
        return None


class InconvenientCheck:
    basis: ClassVar[Basis] = "clock"

    def __init__(self, rule: InconvenientRule) -> None:
        self._times, self._places = rule.parameters.times, rule.parameters.places

    def _closed_place(self, case: Case) -> Place | None:
        place = place_of(case.facts, case.proposal)
        return place if self._places and place in case.facts.closed_places else None

    def refusal(self, case: Case) -> Refusal | None:
        if place := self._closed_place(case):
            return Refusal("inconvenient_place", {"place": place})
        if not self._times:
            return None
        minute, channel = case.local.hour * 60 + case.local.minute, case.proposal.channel
        if any(window.holds(channel, case.day, minute) for window in case.facts.closed_windows):
            return Refusal("inconvenient_time", {"local": f"{case.local:%Y-%m-%d %H:%M}"})
        return None

    def free_from(self, case: Case) -> datetime | None:
        if self._closed_place(case):
            return None
        minute, channel = case.local.hour * 60 + case.local.minute, case.proposal.channel
        closes = (w.closes for w in case.facts.closed_windows if w.holds(channel, case.day, minute))
        return instant(case.day, max(closes), case.zone)


class LimitationCheck:
    """A debt that contact may no longer be made about once it is barred."""

    basis: ClassVar[Basis] = "dates"

    def __init__(self, rule: LimitationRule) -> None:
        self._rule = rule.parameters
        contact = rule.parameters.unless_contact
        self.contact = Counter(contact, rule.scope) if contact else None
        self._barred = partial(barred_from, rule.parameters)

    def barred_from(self, case: Case) -> date | None:
        """First day on which the debt is barred; None where its due date is not known."""
        facts = case.facts
        return self._barred(facts.debt_kind, facts.due_date, facts.events) if facts.due_date else None

    def refusal(self, case: Case) -> Refusal | None:
        barred = self.barred_from(case)
        if barred is None or case.day < barred or self._was_in_contact(case, barred):
            return None
        return Refusal("time_barred", {"since": barred.isoformat(), "effect": self._rule.effect})

    def _was_in_contact(self, case: Case, barred: date) -> bool:
        due = case.facts.due_date
        if self.contact is None or due is None:
            return False
        kinds = ("contact", "payment", "acknowledgement")
        if any(event.kind in kinds and due <= event.on < barred for event in case.facts.events):
            return True
        return any(due <= at.astimezone(case.zone).date() < barred for at in self.contact.times(case))

    def free_from(self, case: Case) -> datetime | None:
        return None
