"""The parameters of the rule kinds that close no contact and bind all the same: words, clocks, sums."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from recupero_sdk.law.terms import Amount, Condition, Contacts, Days, Span, Strict, Text
from recupero_sdk.law.values import Channel, Flag, Purpose


def _compiled(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {pattern!r} ({error})") from None
    return patterns


class DisclosureItem(Strict):
    """One thing a message must state: the value shown for it, or words that match one of `patterns`.

    `at`: the first message of a collection, every one, every one but the first, or those of the first `days`
    days. `barred`: only where the debt is time-barred. `when`: only where the condition holds.
    """

    item: str = Field(min_length=1)
    at: Literal["first", "later", "every", "first_days"] = "every"
    days: Days | None = None
    text: Text
    patterns: tuple[str, ...] = ()
    barred: bool = False
    when: Condition | None = None

    _patterns_compile = field_validator("patterns")(_compiled)

    @model_validator(mode="after")
    def _length(self) -> DisclosureItem:
        if (self.at == "first_days") is not (self.days is not None):
            raise ValueError("`at: first_days` and `days: {value: N, unit: days}` go together")
        return self


class DisclosureParameters(Strict):
    """kind disclosure: what the rendered message must state, and the language it must be in."""

    items: tuple[DisclosureItem, ...] = Field(min_length=1)
    language: str | None = Field(default=None, pattern=r"^(debtor|[a-z]{2})$")


class BannedText(Strict):
    """Regular expressions (case and accents ignored) that a message may not match.

    Given as a list, or by language; all are tried, whatever the language of the message.
    """

    what: Text
    patterns: tuple[str, ...] | dict[str, tuple[str, ...]] = Field(min_length=1)

    @field_validator("patterns")
    @classmethod
    def _compile(cls, value: tuple[str, ...] | dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        if isinstance(value, dict):
            value = tuple(pattern for patterns in value.values() for pattern in patterns)
        return _compiled(value)


class BannedContentParameters(Strict):
    """kind banned_content: what the rendered message may not say, unless a flag lifts the ban.

    `barred: true` bans it only where the debt is time-barred (a threat of suit, say).
    """

    banned: tuple[BannedText, ...] = Field(min_length=1)
    unless: tuple[Flag, ...] = ()
    barred: bool = False


class Suggested(Strict):
    """A limit that a fact recommends to a house and that no law states; a policy may adopt it."""

    limit: Contacts
    period: Literal["day", "week", "month"]
    channels: tuple[Channel, ...] = Field(min_length=1)
    what: Literal["attempt", "sent", "connected", "delivered", "answered"]


class StatementParameters(Strict):
    """kind statement: scope, definition or absence of a rule; stated so that nobody need guess."""

    topic: Literal[
        "scope", "definition", "absence", "counting", "period", "conduct", "data", "pending", "zone"
    ]
    suggested: tuple[Suggested, ...] = ()


class ClockParameters(Strict):
    """kind clock: something due within a time after an event.

    `day_one: event` counts the day of the event as the first. `assumed_after`: where receipt is presumed so
    many days after sending, they come first. `closed_by`: the rule whose closed days are no business days.
    """

    starts_at: str = Field(min_length=1)
    within: Span
    duty: str = Field(min_length=1)
    day_one: Literal["event", "next"] = "next"
    assumed_after: Days | None = None
    otherwise: Amount | None = None
    closed_by: str | None = None


class MoratoriumParameters(Strict):
    """kind moratorium: how long a respite lasts, when it is reviewed, what it freezes, how often it comes."""

    starts_at: str = Field(min_length=1)
    lasts: Span | None = None
    lasts_until: str | None = None
    then: Span | None = None
    reviews: tuple[Days, ...] = ()
    once_in: Span | None = None
    freezes: tuple[Literal["contact", "interest", "fees", "enforcement", "limitation"], ...] = ()
    allows: tuple[Purpose, ...] = ()

    @model_validator(mode="after")
    def _some(self) -> MoratoriumParameters:
        if self.lasts is None and self.lasts_until is None:
            raise ValueError("needs `lasts`, or `lasts_until`: the event that ends it")
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
    """kind rate_cap: interest or charges bounded by a published rate, a share of a base, or a sum.

    `charge` says what is capped. `cap` in `percent` of `base` per `per`; in `points` above `over`; a multiple
    of a published rate named by the unit; or a sum in a currency. `total` bounds all charges together.
    """

    charge: Literal["interest", "default_interest", "default_fine", "default_fee", "all_charges"] = "interest"
    cap: Amount
    per: Literal["day", "month", "year", "once"] = "year"
    base: Literal["principal", "instalment", "overdue_amount"] = "principal"
    over: str | None = None
    total: Amount | None = None
    published_by: str | None = None

    @model_validator(mode="after")
    def _points(self) -> RateCapParameters:
        if (self.cap.unit == "points") is not (self.over is not None):
            raise ValueError("a cap in `points` and `over` (the rate they come on top of) go together")
        return self


class ChargeBanParameters(Strict):
    """kind charge_ban: what the debtor may not be charged at all, save for the `unless` named."""

    banned: tuple[
        Literal[
            "collection_costs",
            "penalties",
            "commissions",
            "capitalisation",
            "default_fees",
            "second_commission",
        ],
        ...,
    ] = Field(min_length=1)
    unless: tuple[Literal["agreed", "real_cost", "lawful"], ...] = ()


class RetentionParameters(Strict):
    """kind retention: how long records are kept, from what, and at most how long."""

    keep: Span
    runs_from: str = Field(min_length=1)
    at_most: Span | None = None
    records: tuple[str, ...] = ()


class RecordingParameters(Strict):
    """kind recording: what must be recorded of a contact, and how soon it is supplied when asked for."""

    channels_recorded: tuple[Channel, ...] = Field(min_length=1)
    keep: tuple[str, ...] = Field(min_length=1)
    supply_within: Span | None = None
    announce: bool = False


class CallerIdentityParameters(Strict):
    """kind caller_identity: which number a call or message may come from.

    `prefixes`: the number must begin with one of these; `forbidden_prefixes`: with none of these (digits of
    the national number, or with + and country code). `hidden: forbidden` bans withheld numbers.
    `applies_above`: only to callers beyond that measure (informational). `abandoned_percent` and the times of
    quiet after an abandoned or machine-answered call bind the dialler.
    """

    prefixes: tuple[str, ...] = ()
    forbidden_prefixes: tuple[str, ...] = ()
    hidden: Literal["forbidden", "allowed"] = "forbidden"
    applies_above: Amount | None = None
    abandoned_percent: Decimal | None = Field(default=None, ge=0, le=100)
    abandoned_quiet: Span | None = None
    machine_quiet: Span | None = None


class FreeContactParameters(Strict):
    """kind free_contact: how debtors must be able to reach the collector without paying for it."""

    means: tuple[Literal["phone", "email", "web", "post"], ...] = Field(min_length=1)
    forbidden_prefixes: tuple[str, ...] = ()


class ListingParameters(Strict):
    """kind register_listing: when a debt may stand in a register of defaulters, and how long."""

    minimum: Amount | None = None
    notice: Span | None = None
    blocked: Span | None = None
    longest: Span | None = None
    after_payment: Span | None = None
    bars_disputed: bool = False


class SanctionBand(Strict):
    """What a breach of one gravity may cost."""

    severity: Literal["minor", "serious", "very_serious"]
    minimum: Amount | None = None
    maximum: Amount


class Prison(Strict):
    """Least and most time of imprisonment."""

    minimum: Span
    maximum: Span


class SanctionParameters(Strict):
    """kind sanction: what a breach may cost, at most, and at least where the law says so."""

    maximum: Amount
    minimum: Amount | None = None
    per: Literal["infringement", "continuing", "action", "class"]
    nature: Literal["fine", "damages", "crime"] = "fine"
    bands: tuple[SanctionBand, ...] = ()
    prison: Prison | None = None
    measures: tuple[Literal["warning", "closure", "suspension", "publication"], ...] = ()
    prescribes_after: Span | None = None
