"""The parameters of each rule kind, as a pack states them. Every number carries its unit."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from recupero_sdk.law.values import Channel, ContactOutcome, Flag, Place, Purpose, Recipient

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Period = Literal["day", "week", "month"]
Reading = Literal["calendar", "rolling"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_WALL = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d\Z|24:00\Z")


def _iso_date(value: object) -> date:
    if isinstance(value, date) and type(value) is date:
        return value
    if isinstance(value, str) and _ISO_DATE.match(value):
        return date.fromisoformat(value)
    raise ValueError("is not an ISO date; write YYYY-MM-DD")


def _wall_minute(value: object) -> int:
    """'HH:MM' to minutes after local midnight; 24:00 is the end of the day."""
    if isinstance(value, int) and 0 <= value <= 24 * 60:
        return value
    if not isinstance(value, str) or not _WALL.match(value):
        raise ValueError("is not a time of day; write 'HH:MM' between 00:00 and 24:00")
    hours, minutes = value.split(":")
    return int(hours) * 60 + int(minutes)


IsoDate = Annotated[date, BeforeValidator(_iso_date)]
WallMinute = Annotated[int, BeforeValidator(_wall_minute)]


class Strict(BaseModel):
    """Base of all pack data: no unknown keys, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Strict):
    """Words for people; Spanish and English always, Portuguese where written."""

    es: str = Field(min_length=1)
    en: str = Field(min_length=1)
    pt: str | None = None


class Contacts(Strict):
    """A number of contacts."""

    value: int = Field(ge=0)
    unit: Literal["contacts"]


class Hours(Strict):
    value: int = Field(gt=0)
    unit: Literal["hours"]


class Days(Strict):
    value: int = Field(ge=0)
    unit: Literal["days", "calendar_days", "business_days"]


class Span(Strict):
    """A length of time that a duty or a right lasts."""

    value: int = Field(ge=0)
    unit: Literal["days", "calendar_days", "business_days", "months", "years"]


class Amount(Strict):
    """A sum: a currency, an indexed unit (UF, UTM), a wage, a share in percent or a multiple of a rate."""

    value: Decimal
    unit: str = Field(min_length=1)


class Counted(Strict):
    """Which past contacts use up a limit: outcomes per channel, and those of inbound ones, if any."""

    outcomes: dict[Channel, tuple[ContactOutcome, ...]] = Field(min_length=1)
    inbound: tuple[ContactOutcome, ...] = ()


class OpenHours(Strict):
    """One stretch of permitted hours, start included and end excluded, in the debtor's local time."""

    days: tuple[Weekday, ...] = Field(min_length=1)
    opens: WallMinute
    closes: WallMinute

    @model_validator(mode="after")
    def _in_order(self) -> OpenHours:
        if self.opens >= self.closes:
            raise ValueError("closes at or before it opens; split a window that runs over midnight")
        return self


class HoursParameters(Strict):
    """kind hours: contact only inside these stretches, never on days closed by the rule `closed_by`."""

    unit: Literal["local_time"]
    open: tuple[OpenHours, ...] = Field(min_length=1)
    closed_by: str | None = None


class OneOffDay(Strict):
    """A closed day the calendar library lacks or places too widely: dated once, or yearly from `since`."""

    name: str = Field(min_length=1)
    on: IsoDate | None = None
    yearly: str | None = None
    since: IsoDate | None = None
    until: IsoDate | None = None
    regions: tuple[str, ...] = ()
    communes: tuple[str, ...] = ()
    law: str = Field(min_length=1)

    @field_validator("yearly")
    @classmethod
    def _month_day(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", value):
            raise ValueError("is not a month and day; write 'MM-DD'")
        return value

    @model_validator(mode="after")
    def _one_date(self) -> OneOffDay:
        if (self.on is None) == (self.yearly is None):
            raise ValueError("needs exactly one of `on` (YYYY-MM-DD) and `yearly` (MM-DD)")
        return self


class ClosedDaysParameters(Strict):
    """kind closed_days: no contact on these weekdays, on public holidays of `calendar` and on `additions`."""

    unit: Literal["local_day"]
    weekdays: tuple[Weekday, ...] = ()
    calendar: str | None = None
    regional: bool = False
    additions: tuple[OneOffDay, ...] = ()


class FrequencyParameters(Strict):
    """kind frequency: at most `limit` counted contacts per period, in every reading listed.

    A calendar period is the local day, the week from Monday or the month; a rolling one is the
    `rolling` hours before the proposed moment.
    """

    limit: Contacts
    period: Period
    readings: tuple[Reading, ...] = Field(min_length=1)
    rolling: Hours | None = None
    counts: Counted

    @model_validator(mode="after")
    def _length(self) -> FrequencyParameters:
        if "rolling" in self.readings and self.rolling is None:
            raise ValueError("a rolling reading needs `rolling: {value: N, unit: hours}`")
        if self.limit.value < 1:
            raise ValueError("a limit of 0 is a ban; use kind channel_ban")
        return self


class GapParameters(Strict):
    """kind gap: this much time between a counted contact and the next: full hours and calendar dates."""

    hours: Hours | None = None
    days: Days | None = None
    counts: Counted

    @model_validator(mode="after")
    def _some(self) -> GapParameters:
        if self.hours is None and self.days is None:
            raise ValueError("needs `hours` or `days` or both")
        return self


class ChannelLockParameters(Strict):
    """kind channel_lock: after a counted contact only its channel may be used for the period."""

    period: Period
    readings: tuple[Reading, ...] = Field(min_length=1)
    rolling: Hours | None = None
    counts: Counted

    @model_validator(mode="after")
    def _length(self) -> ChannelLockParameters:
        if "rolling" in self.readings and self.rolling is None:
            raise ValueError("a rolling reading needs `rolling: {value: N, unit: hours}`")
        return self


class ChannelGateParameters(Strict):
    """kind channel_gate: only channels the debtor authorised and did not withdraw; flags withdraw all."""

    requires: Literal["authorised"]
    withdrawn_by: tuple[Flag, ...] = ()


class OptOutParameters(Strict):
    """kind opt_out: a channel the debtor opted out of is closed; flags close all of the rule's channels."""

    honour: Literal["at_once"]
    closed_by: tuple[Flag, ...] = ()


class StopParameters(Strict):
    """kind stop: no contact while any of these flags stands, save with the recipients it `spares`."""

    flags: tuple[Flag, ...] = Field(min_length=1)
    spares: tuple[Recipient, ...] = ()


class RecipientParameters(Strict):
    """kind recipient: these may not be written or spoken to; `workplace` closes contact points at work."""

    refuse: tuple[Recipient, ...] = Field(min_length=1)
    workplace: bool = False


class PlaceParameters(Strict):
    """kind place: only here. A place not stated is the home unless the contact point is at work."""

    allowed: tuple[Place, ...] = Field(min_length=1)


class ChannelBanParameters(Strict):
    """kind channel_ban: the rule's channels are closed, save for these kinds of debt with authorisation."""

    except_debt_kinds: tuple[str, ...] = ()


class PurposeParameters(Strict):
    """kind purpose: how contact for this purpose is treated."""

    purpose: Purpose
    treated_as: Literal["collection", "free"]


class DisclosureItem(Strict):
    """One thing a message must state; `at` first means the first message of a collection."""

    item: str = Field(min_length=1)
    at: Literal["first", "every"] = "every"
    text: Text


class DisclosureParameters(Strict):
    """kind disclosure: what the rendered message must state."""

    items: tuple[DisclosureItem, ...] = Field(min_length=1)


class BannedText(Strict):
    """One regular expression (case and accents ignored) that a message may not match."""

    what: Text
    patterns: tuple[str, ...] = Field(min_length=1)

    @field_validator("patterns")
    @classmethod
    def _compiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"is not a regular expression: {pattern!r} ({error})") from None
        return value


class BannedContentParameters(Strict):
    """kind banned_content: what the rendered message may not say, unless a flag lifts the ban."""

    banned: tuple[BannedText, ...] = Field(min_length=1)
    unless: tuple[Flag, ...] = ()


class StatementParameters(Strict):
    """kind statement: scope, definition or absence of a rule; stated so that nobody need guess."""

    topic: Literal["scope", "definition", "absence", "counting", "period", "conduct", "data", "pending"]


class ClockParameters(Strict):
    """kind clock: something due within a time after an event."""

    starts_at: str = Field(min_length=1)
    within: Span
    duty: str = Field(min_length=1)
    otherwise: Amount | None = None


class Years(Strict):
    value: int = Field(gt=0)
    unit: Literal["years"]


class LimitationPeriod(Strict):
    """Years after which a kind of debt is time-barred; `then` further years as an ordinary claim."""

    debt_kinds: tuple[str, ...] = Field(min_length=1)
    period: Years
    then: Years | None = None


class LimitationParameters(Strict):
    """kind limitation: periods by kind of debt (`default` for all others), their start and effect."""

    runs_from: Literal["due_date"]
    periods: tuple[LimitationPeriod, ...] = Field(min_length=1)
    interrupted_by: tuple[str, ...] = ()
    effect: Literal["no_suit", "disclose", "no_contact", "extinguished"]

    @model_validator(mode="after")
    def _default(self) -> LimitationParameters:
        if not any("default" in period.debt_kinds for period in self.periods):
            raise ValueError("needs a period for debt kind `default`")
        return self


class FeeBand(Strict):
    """Percent of the part of the base above the previous band and up to `up_to` (None: no end)."""

    percent: Decimal = Field(ge=0)
    up_to: Amount | None = None


class FeeLadderParameters(Strict):
    """kind fee_ladder: the most that collection may cost the debtor, band by band, after free days."""

    base: Literal["overdue_amount", "capital_or_instalment"]
    free: Days
    bands: tuple[FeeBand, ...] = Field(min_length=1)
    without_useful_contact: Amount | None = None


class RateCapParameters(Strict):
    """kind rate_cap: interest or fee bounded by a published rate or another sum."""

    cap: Amount
    published_by: str | None = None


class RetentionParameters(Strict):
    """kind retention: how long records are kept, from what."""

    keep: Span
    runs_from: str = Field(min_length=1)


class CallerIdentityParameters(Strict):
    """kind caller_identity: number prefixes a call must show."""

    prefixes: tuple[str, ...] = Field(min_length=1)


class SanctionParameters(Strict):
    """kind sanction: the most a breach may cost."""

    maximum: Amount
    per: Literal["infringement", "continuing"]
