"""The words that the parameters of rules are made of: texts, lengths with units, what counts, conditions."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from recupero_sdk.law.values import (
    WEEKDAYS,
    Channel,
    ContactOutcome,
    Facts,
    Flag,
    LineType,
    OwnerType,
    Party,
    Permission,
    Place,
    Proposal,
    Purpose,
    Recipient,
    Sector,
    Weekday,
)

Period = Literal["day", "week", "month", "year", "ever"]
Reading = Literal["calendar", "rolling"]

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_WALL = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d\Z|24:00\Z")

__all__ = ["WEEKDAYS", "Weekday"]


def _iso_date(value: object) -> date:
    if isinstance(value, date) and type(value) is date:
        return value
    if isinstance(value, str) and _ISO_DATE.match(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("is not a day of the calendar; write YYYY-MM-DD") from None
    raise ValueError("is not an ISO date; write YYYY-MM-DD")


def wall_minute(value: object) -> int:
    """'HH:MM' to minutes after local midnight; 24:00 is the end of the day."""
    if isinstance(value, int) and 0 <= value <= 24 * 60:
        return value
    if not isinstance(value, str) or not _WALL.match(value):
        raise ValueError("is not a time of day; write 'HH:MM' between 00:00 and 24:00")
    hours, minutes = value.split(":")
    return int(hours) * 60 + int(minutes)


IsoDate = Annotated[date, BeforeValidator(_iso_date)]
WallMinute = Annotated[int, BeforeValidator(wall_minute)]


class Strict(BaseModel):
    """Base of all pack data: no unknown keys, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Strict):
    """Words for people; Spanish and English always, Portuguese where written."""

    es: str = Field(min_length=1)
    en: str = Field(min_length=1)
    pt: str | None = None


class Contacts(Strict):
    """A number of contacts, or of local days with contact."""

    value: int = Field(ge=0)
    unit: Literal["contacts", "days"]


class Hours(Strict):
    value: int = Field(gt=0)
    unit: Literal["hours"]


class Minutes(Strict):
    value: int = Field(gt=0)
    unit: Literal["minutes"]


class Days(Strict):
    value: int = Field(ge=0)
    unit: Literal["days", "calendar_days", "business_days"]


class Years(Strict):
    value: int = Field(gt=0)
    unit: Literal["years"]


class Rolling(Strict):
    """A length that ends at the contact: full hours, or local days of which its own is the last."""

    value: int = Field(gt=0)
    unit: Literal["hours", "calendar_days"]


class Span(Strict):
    """A length of time that a duty or a right lasts."""

    value: int = Field(ge=0)
    unit: Literal["hours", "days", "calendar_days", "business_days", "weeks", "months", "years"]


class Amount(Strict):
    """A sum: a currency, an indexed unit (UF, UTM), a wage, a share in percent or a multiple of a rate."""

    value: Decimal
    unit: str = Field(min_length=1)


#: Which outcomes use up a limit that counts attempts, what connected, what was delivered or answered.
_WHAT: dict[str, tuple[ContactOutcome, ...]] = {
    "attempt": ("answered", "no_answer", "delivered", "failed", "reply"),
    "sent": ("answered", "no_answer", "delivered", "failed", "reply"),
    "connected": ("answered", "no_answer", "delivered", "reply"),
    "delivered": ("answered", "delivered", "reply"),
    "answered": ("answered", "reply"),
}
Excluded = Literal["asked", "reply", "with_consent"]


#: Days for which the platform tells the law of a contact.
REMEMBERED_DAYS = 400
#: Purposes whose contacts it tells of without end: only these can be counted over the whole collection.
LASTING: tuple[Purpose, ...] = ("reminder", "locate")


class Counted(Strict):
    """Which past contacts use up a limit.

    `outcomes` per channel, or `what` (attempt, sent, connected, delivered, answered) for `channels`, which is
    put as outcomes on loading. `inbound`: outcomes of contacts the debtor made that count too. `excludes`:
    contacts the debtor asked for, replies to the debtor, contacts under a fresh consent. `places`,
    `purposes` and `recipients` narrow what is counted (a place or purpose not known counts); `per_recipient`
    counts contacts with each person apart.
    """

    outcomes: dict[Channel, tuple[ContactOutcome, ...]] = Field(min_length=1)
    inbound: tuple[ContactOutcome, ...] = ()
    excludes: tuple[Excluded, ...] = ()
    places: tuple[Place, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    per_recipient: bool = False

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not {"what", "channels"} & data.keys():
            return data
        if "outcomes" in data or not {"what", "channels"} <= data.keys():
            raise ValueError("give either `outcomes`, or `what` and `channels` together")
        what = data["what"]
        if what not in _WHAT:
            raise ValueError(f"what: `{what}` is not allowed; use one of {', '.join(_WHAT)}")
        if not isinstance(data["channels"], list | tuple):
            raise ValueError("channels: must be a list such as [call, sms]")
        rest = {key: value for key, value in data.items() if key not in ("what", "channels")}
        return {**rest, "outcomes": dict.fromkeys(data["channels"], _WHAT[what])}


class Condition(Strict):
    """What must be so of the debt, the debtor or the contact; all that is stated, and of each list any one.

    A fact that is not known, and that pack.yaml does not `assume`, leaves the condition open: in `when` it
    then counts as met, in `unless` as not met, so that the unknown never frees a contact.
    """

    creditor_sectors: tuple[Sector, ...] = ()
    owner_types: tuple[OwnerType, ...] = ()
    parties: tuple[Party, ...] = ()
    debt_kinds: tuple[str, ...] = ()
    line_types: tuple[LineType, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    places: tuple[Place, ...] = ()
    flags: tuple[Flag, ...] = ()
    permissions: tuple[Permission, ...] = ()
    consented: bool | None = None
    written_consent: bool | None = None
    asked: bool | None = None
    with_consent: bool | None = None
    automated: bool | None = None
    amount_from: Decimal | None = None
    amount_below: Decimal | None = None

    @model_validator(mode="after")
    def _some(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("is empty; state at least one condition or leave it out")
        return self


class Assumed(Strict):
    """What a pack takes for granted where nothing is known of the debt, so that conditions can be judged."""

    creditor_sector: Sector | None = None
    owner_type: OwnerType | None = None
    party: Party | None = None
    debt_kind: str | None = None
    line_type: LineType | None = None
    automated: bool | None = None


def place_of(facts: Facts, proposal: Proposal) -> Place:
    """Where the contact reaches the debtor: at work where the contact point is, else as stated, else home."""
    return "work" if facts.employer_contact else proposal.place or "home"
