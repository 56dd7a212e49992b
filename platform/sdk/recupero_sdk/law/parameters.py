"""The parameters of the rule kinds that decide about a contact. Every number carries its unit.

Those of the kinds that bind otherwise (words, clocks, sums, records) are in `duties`.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from recupero_sdk.law.terms import (
    LASTING,
    REMEMBERED_DAYS,
    Contacts,
    Counted,
    Days,
    Hours,
    IsoDate,
    Minutes,
    Period,
    Reading,
    Rolling,
    Span,
    Strict,
    WallMinute,
    Years,
)
from recupero_sdk.law.values import EventKind, Flag, Place, Purpose, Recipient, Weekday


class _Ends(Strict):
    """The ends of a stretch as `OpenHours` may be given them; what is wrong is told at their own names."""

    after: WallMinute | None = None
    until: WallMinute | None = None


class OpenHours(Strict):
    """One stretch of permitted hours in local time, kept as first minute in and first minute out.

    Written with `opens` (that minute is in) or `after` (it is not), and `closes` (that minute is out) or
    `until` (it is still in). The day `holiday` stands for the days of the rule's `closed_by`.
    """

    days: tuple[Weekday | Literal["holiday"], ...] = Field(min_length=1)
    opens: WallMinute
    closes: WallMinute

    @model_validator(mode="before")
    @classmethod
    def _ends(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        stated = _Ends.model_validate({name: data.pop(name) for name in ("after", "until") if name in data})
        for exclusive, inclusive in (("after", "opens"), ("until", "closes")):
            minute = getattr(stated, exclusive)
            if minute is not None:
                if inclusive in data:
                    raise ValueError(f"give either `{inclusive}` or `{exclusive}`")
                data[inclusive] = minute + 1
        return data

    @model_validator(mode="after")
    def _in_order(self) -> OpenHours:
        if self.opens >= self.closes:
            raise ValueError("closes at or before it opens; split a window that runs over midnight")
        return self


class HoursParameters(Strict):
    """kind hours: contact only inside these stretches, never on days closed by the rule `closed_by`.

    Stretches for the day `holiday` open those days again for some hours. `zone`: the debtor's clock, or a
    fixed IANA zone. `widened_by_request`: hours the debtor asked for are open too.
    """

    unit: Literal["local_time"]
    zone: str = "debtor"
    open: tuple[OpenHours, ...] = Field(min_length=1)
    closed_by: str | None = None
    widened_by_request: bool = False

    @model_validator(mode="after")
    def _holidays_have_a_calendar(self) -> HoursParameters:
        if self.closed_by is None and any("holiday" in stretch.days for stretch in self.open):
            raise ValueError("hours for `holiday` need `closed_by`: the rule that names the holidays")
        return self


class OneOffDay(Strict):
    """A closed day the calendar library lacks or places too widely: dated once, or yearly from `since`.

    `easter` counts days from Easter Sunday (-48 and -47: Carnival, 60: Corpus Christi). `unknown_commune`:
    whether a day of some communes closes for a debtor of the region whose commune is not known.
    """

    name: str = Field(min_length=1)
    on: IsoDate | None = None
    yearly: str | None = None
    easter: int | None = Field(default=None, ge=-100, le=100)
    since: IsoDate | None = None
    until: IsoDate | None = None
    regions: tuple[str, ...] = ()
    communes: tuple[str, ...] = ()
    unknown_commune: Literal["closed", "open"] = "closed"
    law: str = Field(min_length=1)

    @field_validator("yearly")
    @classmethod
    def _month_day(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", value):
            raise ValueError("is not a month and day; write 'MM-DD'")
        return value

    @model_validator(mode="after")
    def _one_date(self) -> OneOffDay:
        if [self.on, self.yearly, self.easter].count(None) != 2:
            raise ValueError("needs exactly one of `on` (YYYY-MM-DD), `yearly` (MM-DD) and `easter` (days)")
        return self


class ClosedDaysParameters(Strict):
    """kind closed_days: no contact on these weekdays, on public holidays of `calendar` and on `additions`.

    `categories` adds the library's other lists (`optional`, `bank`, `government` …) to the public holidays;
    `except_days` are days the library closes and the law does not. `closes: false` only names the days, for
    hours and business days to refer to.
    """

    unit: Literal["local_day"]
    weekdays: tuple[Weekday, ...] = ()
    calendar: str | None = None
    regional: bool = False
    categories: tuple[str, ...] = ()
    additions: tuple[OneOffDay, ...] = ()
    except_days: tuple[OneOffDay, ...] = ()
    closes: bool = True


class _Periodic(Strict):
    """A calendar period, a rolling length, or both."""

    period: Period | None = None
    readings: tuple[Reading, ...] = Field(min_length=1)
    rolling: Rolling | None = None
    counts: Counted

    @model_validator(mode="after")
    def _length(self) -> _Periodic:
        if "rolling" in self.readings and self.rolling is None:
            raise ValueError("a rolling reading needs `rolling: {value: N, unit: hours}`, or calendar_days")
        if "calendar" in self.readings and self.period is None:
            raise ValueError("a calendar reading needs `period`: day, week, month, year or ever")
        purposes = self.counts.purposes
        if self.period == "ever" and not (purposes and {*purposes} <= {*LASTING}):
            raise ValueError(
                "period `ever` counts reminders and enquiries, since others are told of for"
                f" {REMEMBERED_DAYS} days; name counts.purposes: one or more of {', '.join(LASTING)}"
            )
        return self


class FrequencyParameters(_Periodic):
    """kind frequency: at most `limit` counted contacts per period, in every reading listed.

    A calendar period is the local day, the week from Monday, the month, the year, or `ever`; a rolling one
    is the hours before the proposed moment, or so many local days of which the proposed one is the last.
    A limit in `days` counts local days with a contact: another contact on such a day uses up nothing.
    """

    limit: Contacts

    @model_validator(mode="after")
    def _some(self) -> FrequencyParameters:
        if self.limit.value < 1:
            raise ValueError("a limit of 0 is a ban; use kind channel_ban")
        return self


class GapParameters(Strict):
    """kind gap: this much time between a counted contact and the next: minutes, hours, and local dates.

    Also the pause after a conversation or a visit: `days: 7` closes the day of the contact and the six after
    it (`day_one: event`), or that day and the seven after it (`day_one: next`).
    """

    minutes: Minutes | None = None
    hours: Hours | None = None
    days: Days | None = None
    day_one: Literal["event", "next"] = "event"
    counts: Counted

    @model_validator(mode="after")
    def _some(self) -> GapParameters:
        if self.minutes is None and self.hours is None and self.days is None:
            raise ValueError("needs `minutes`, `hours` or `days`, or several of them")
        if self.days is not None and self.days.unit == "business_days":
            raise ValueError("days between contacts are calendar days; write unit: calendar_days")
        return self


class ChannelLockParameters(_Periodic):
    """kind channel_lock: after a counted contact only its channel may be used for the period."""


class PauseParameters(Strict):
    """kind pause: nothing for a time after an event of the debt; for good where `lasts` is left out.

    An event with a last day of its own (`until`) closes through that day. `lifted_by` events, later than or
    on the day of the event, open again. `day_one: event` counts the day of the event as the first.
    `business_days` are counted by the closed days of the rule `closed_by`, else Monday to Friday.
    """

    after: tuple[EventKind, ...] = Field(min_length=1)
    lasts: Span | None = None
    day_one: Literal["event", "next"] = "next"
    lifted_by: tuple[EventKind, ...] = ()
    closed_by: str | None = None

    @field_validator("lasts")
    @classmethod
    def _in_days(cls, value: Span | None) -> Span | None:
        if value is not None and value.unit == "hours":
            raise ValueError("a pause is counted in days or longer; round hours up to days")
        return value


class PriorNoticeParameters(Strict):
    """kind prior_notice: only after a notice was given, `at_least` so long before the contact.

    The notice is an event of the debt of one of `events`, or a letter of the history where `letters` says
    so; `at_most` is how long it holds. `opened_by` events make the notice needless.
    """

    events: tuple[EventKind, ...] = ()
    letters: bool = False
    at_least: Days | None = None
    at_most: Span | None = None
    opened_by: tuple[EventKind, ...] = ()
    closed_by: str | None = None

    @model_validator(mode="after")
    def _some(self) -> PriorNoticeParameters:
        if not self.events and not self.letters:
            raise ValueError("needs `events`, or `letters: true`, to know the notice by")
        return self


class ChannelGateParameters(Strict):
    """kind channel_gate: only channels the debtor opened and did not withdraw; flags withdraw all.

    `requires`: `authorised` a recorded consent, `written` one in writing. `or_used_within` opens a channel
    by which the debtor wrote or called in that time, whatever is recorded; `or_notice` by a dated notice.
    `unrecorded: allowed` opens it while nothing at all is recorded.
    """

    requires: Literal["authorised", "written"]
    or_used_within: Days | None = None
    or_notice: PriorNoticeParameters | None = None
    unrecorded: Literal["refused", "allowed"] = "refused"
    withdrawn_by: tuple[Flag, ...] = ()


class OptOutParameters(Strict):
    """kind opt_out: a channel the debtor opted out of is closed; flags close all of the rule's channels.

    `honour`: at once, or within so many days of a dated `opt_out` event. `register_after`: a `do_not_call`
    event closes the channel so many days after it. `points`: a refused number or address is closed as well.
    `unless_consented`: a recorded consent to the channel goes before. `while_another_remains`: only as long
    as the debtor has not opted out of every channel.
    """

    honour: Literal["at_once"] | Days
    closed_by: tuple[Flag, ...] = ()
    register_after: Days | None = None
    points: bool = True
    unless_consented: bool = False
    while_another_remains: bool = False


class InconvenientParameters(Strict):
    """kind inconvenient: times and places the debtor named as inconvenient are closed."""

    times: bool = True
    places: bool = True


class StopParameters(Strict):
    """kind stop: no contact while any of these flags stands, save with the recipients it `spares`."""

    flags: tuple[Flag, ...] = Field(min_length=1)
    spares: tuple[Recipient, ...] = ()


class RecipientParameters(Strict):
    """kind recipient: these may not be written or spoken to; `workplace` closes contact points at work."""

    refuse: tuple[Recipient, ...] = ()
    workplace: bool = False

    @model_validator(mode="after")
    def _some(self) -> RecipientParameters:
        if not self.refuse and not self.workplace:
            raise ValueError("needs `refuse` or `workplace: true`")
        return self


class PlaceParameters(Strict):
    """kind place: only here. A place not stated is the home unless the contact point is at work."""

    allowed: tuple[Place, ...] = Field(min_length=1)


class ChannelBanParameters(Strict):
    """kind channel_ban: the rule's channels are closed, save for these kinds of debt with authorisation."""

    except_debt_kinds: tuple[str, ...] = ()


class PurposeParameters(Strict):
    """kind purpose: how contact for this purpose is treated.

    `collection`: like collection; `own`: by the rules that name it; `free`: not limited; `banned`: refused.
    A banned `collection` with `before_due` is refused only before the due date.
    """

    purpose: Purpose
    treated_as: Literal["collection", "own", "free", "banned"]
    before_due: bool = False


class LimitationPeriod(Strict):
    """Years after which a kind of debt is time-barred; `then` further years as an ordinary claim."""

    debt_kinds: tuple[str, ...] = Field(min_length=1)
    period: Years
    then: Years | None = None


class Transition(Strict):
    """Debts that fell due in this span are barred from the day after `ends`, whatever the period says."""

    due_from: IsoDate | None = None
    due_to: IsoDate
    ends: IsoDate


class Suspension(Strict):
    """An event that holds the period for so long, at most so many `times`."""

    event: EventKind
    at_most: Span
    times: int = Field(default=1, gt=0)


class LimitationParameters(Strict):
    """kind limitation: periods by kind of debt (`default` for all others), their start and effect.

    `interrupted_by` events inside the period start it anew; `revived_by` ones even after it has run out;
    `suspended_by` ones inside it add their time.
    `no_suit` and `disclose` leave contact open; `no_contact` and `extinguished` close it from the first day
    on which the debt is barred. `unless_contact`: not where a counted contact was made between the due date
    and that day, or an event `contact`, payment or acknowledgement lies there.
    """

    runs_from: Literal["due_date"]
    periods: tuple[LimitationPeriod, ...] = Field(min_length=1)
    interrupted_by: tuple[EventKind, ...] = ()
    revived_by: tuple[EventKind, ...] = ()
    suspended_by: tuple[Suspension, ...] = ()
    transitions: tuple[Transition, ...] = ()
    effect: Literal["no_suit", "disclose", "no_contact", "extinguished"]
    unless_contact: Counted | None = None

    @model_validator(mode="after")
    def _default(self) -> LimitationParameters:
        if not any("default" in period.debt_kinds for period in self.periods):
            raise ValueError("needs a period for debt kind `default`")
        if self.unless_contact is not None and self.effect not in ("no_contact", "extinguished"):
            raise ValueError("`unless_contact` needs an effect that closes contact: no_contact, extinguished")
        return self
