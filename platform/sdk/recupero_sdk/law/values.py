"""What the gate is asked and what it answers: frozen value types, no behaviour of any country.

Times are aware datetimes; money is in major units (`Decimal`) with an ISO 4217 currency, because statutes
state fees and thresholds in major or indexed units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from recupero_sdk.law.reasons import explain

Channel = Literal["call", "visit", "sms", "email", "whatsapp", "letter"]
Direction = Literal["outbound", "inbound"]
#: `failed` never connected; `unknown` was reserved and may have gone out, so it counts against every cap.
ContactOutcome = Literal["answered", "no_answer", "delivered", "failed", "reply", "unknown"]
Recipient = Literal[
    "debtor", "guarantor", "codebtor", "representative", "third_party", "reference", "employer"
]
#: `reminder` is contact before the due date, `notice` only tells what a law wants told, `reply` answers what
#: the debtor asked, `locate` asks others only where the debtor is, `ask_consent` only asks for leave to use a
#: channel, `confirmation` only confirms an opt-out, `court` serves papers of a court.
Purpose = Literal[
    "collection", "reminder", "notice", "reply", "locate", "ask_consent", "confirmation", "court"
]
Place = Literal["home", "work", "third_party", "other"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Flag = Literal[
    "attorney_represented",
    "disputed",
    "cease_request",
    "breathing_space",
    "vulnerable",
    "deceased",
    "suit_served",
    "insolvency",
    "complaint",
    "bureau_notice_served",
    "lacks_capacity",
    "limitation_refused",
    "no_visits",
    "judgment",
    "minor",
    "adr_case",
    "undocumented",
    "hospital",
]
#: What happened to a debt on a day, where a law counts time from it.
EventKind = Literal[
    "payment",
    "promise",
    "acknowledgement",
    "demand",
    "contact",
    "suit",
    "judgment",
    "dispute",
    "verification",
    "complaint",
    "complaint_answered",
    "cease_request",
    "opt_out",
    "do_not_call",
    "consent",
    "breathing_space",
    "crisis_moratorium",
    "attorney_notice",
    "validation_notice",
    "rights_notice",
    "transfer_notice",
    "visit_notice",
    "email_notice",
    "bureau_notice",
    "letter_of_claim",
    "workplace_request",
    "limitation_refused",
]
#: What a person allowed beyond channels.
Permission = Literal["workplace", "employer", "third_party", "visit", "third_party_address", "other_hours"]
Sector = Literal[
    "bank",
    "finance",
    "insurance",
    "telecom",
    "utility",
    "transport",
    "post",
    "retail",
    "health",
    "education",
    "housing",
    "public",
    "other",
]
OwnerType = Literal["original_creditor", "debt_buyer"]
Party = Literal["first", "third"]
LineType = Literal["mobile", "landline"]
Decision = Literal["allowed", "refused", "informational"]
Basis = Literal["law", "practice", "policy"]
Force = Literal["ban", "presumption"]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
CONTACT_OUTCOMES: tuple[ContactOutcome, ...] = get_args(ContactOutcome)
RECIPIENTS: tuple[Recipient, ...] = get_args(Recipient)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
FLAGS: tuple[Flag, ...] = get_args(Flag)
PLACES: tuple[Place, ...] = get_args(Place)
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
SECTORS: tuple[Sector, ...] = get_args(Sector)
OWNER_TYPES: tuple[OwnerType, ...] = get_args(OwnerType)
PARTIES: tuple[Party, ...] = get_args(Party)
LINE_TYPES: tuple[LineType, ...] = get_args(LineType)
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

_NONE: frozenset[Any] = frozenset()


def _utc(at: datetime, what: str) -> datetime:
    """The moment in UTC: adding hours to a datetime of a zone with summer time would count wall hours."""
    if at.tzinfo is None:
        raise ValueError(f"{what} {at.isoformat()} has no UTC offset; give an aware datetime")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the debt on a local date; `until` is its last day where it lasts.

    `channel` says what an opt-out, a consent or a registration is about; None is every channel.
    """

    kind: EventKind
    on: date
    until: date | None = None
    channel: Channel | None = None

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Event:
        """The event of these JSON types: kind and on, and maybe until and channel."""
        return Event(
            data["kind"], date.fromisoformat(data["on"]), _day(data.get("until")), data.get("channel")
        )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the week that a debtor named, in minutes after local midnight, end excluded.

    `first` and `last` are the local dates between which the wish stands; None is open.
    """

    days: tuple[Weekday, ...]
    opens: int
    closes: int
    channels: frozenset[Channel] = frozenset(CHANNELS)
    first: date | None = None
    last: date | None = None

    def holds(self, channel: Channel, day: date, minute: int) -> bool:
        """Whether a local moment by this channel lies inside."""
        return self.stands(channel, day) and self.opens <= minute < self.closes

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Window:
        """The window of these JSON types: days, opens and closes in minutes; maybe channels, first, last."""
        channels, days = frozenset(data.get("channels", CHANNELS)), tuple(data["days"])
        first, last = _day(data.get("first")), _day(data.get("last"))
        return Window(days, data["opens"], data["closes"], channels, first, last)

    def stands(self, channel: Channel, day: date) -> bool:
        """Whether the wish speaks of this channel and local day at all."""
        return (
            channel in self.channels
            and WEEKDAYS[day.weekday()] in self.days
            and (self.first is None or self.first <= day)
            and (self.last is None or day <= self.last)
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the debtor and the debt when a contact is judged.

    Zones are IANA names. `timezone` is the one the debtor stated, `postal_timezone` follows from the
    address, `phone_timezone` from the number (with commas between, where its first digits serve several
    zones); None is "not known". `region` is where the debtor lives, `phone_region` where the number belongs,
    `agency_region` where the collector sits.
    `consented_channels` None means that nothing is recorded. `commune` names a place below the region where
    a law reaches that far: a commune by name, or an area of the pack by its code. `closed_windows` and
    `closed_places` are what the debtor named as inconvenient, `asked_windows` the hours asked for.
    `language` is the one the debtor reads (ISO 639-1). `point_refused`: the number or address to be used was
    refused.
    """

    country: str
    region: str | None = None
    timezone: str | None = None
    phone_timezone: str | None = None
    postal_timezone: str | None = None
    commune: str | None = None
    consented_channels: frozenset[Channel] | None = None
    opted_out_channels: frozenset[Channel] = _NONE
    employer_contact: bool = False
    flags: frozenset[Flag] = _NONE
    due_date: date | None = None
    amount: Decimal | None = None
    currency: str | None = None
    debt_kind: str | None = None
    phone_region: str | None = None
    agency_region: str | None = None
    creditor_sector: Sector | None = None
    owner_type: OwnerType | None = None
    party: Party | None = None
    line_type: LineType | None = None
    language: str | None = None
    written_consents: frozenset[Channel] = _NONE
    permissions: frozenset[Permission] = _NONE
    point_refused: bool = False
    closed_windows: tuple[Window, ...] = ()
    asked_windows: tuple[Window, ...] = ()
    closed_places: frozenset[Place] = _NONE
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class PastContact:
    """One contact already made or reserved; `same_…` relate it to the debt and the person judged.

    `at` is kept in UTC whatever zone it is given in. `same_account` None: as `same_debt`. `place` and
    `purpose` None: not known, and then counted. `asked`: the debtor had asked for it (a call-back, a reply);
    `with_consent`: made under a consent given directly before, where a law leaves such contacts uncounted.
    """

    at: datetime
    channel: Channel
    direction: Direction = "outbound"
    outcome: ContactOutcome = "unknown"
    same_debt: bool = True
    same_creditor: bool = True
    same_account: bool | None = None
    same_recipient: bool = True
    recipient: Recipient = "debtor"
    place: Place | None = None
    purpose: Purpose | None = None
    asked: bool = False
    with_consent: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", _utc(self.at, "contact at"))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A contact somebody wants to make. `purpose` None: reminder before the due date, else collection.

    `at` is kept in UTC whatever zone it is given in. `place` is where a visit goes or a phone rings.
    `asked`: the debtor asked for this contact. `automated`: dialled or spoken by a machine, None not known.
    """

    at: datetime
    channel: Channel
    recipient: Recipient = "debtor"
    purpose: Purpose | None = None
    place: Place | None = None
    asked: bool = False
    with_consent: bool = False
    automated: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", _utc(self.at, "proposed at"))
        if self.channel not in CHANNELS:
            raise ValueError(f"unknown channel {self.channel!r}; use one of {', '.join(CHANNELS)}")


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule said: `code` and `details` say why, `explain` puts it in words.

    `basis` tells law from practice that is followed like law, and both from the house's own policy.
    `force`: a ban, or what the law only presumes to be wrong and this pack treats like a ban.
    """

    rule_id: str
    kind: str
    outcome: Decision
    code: str
    citation: str
    details: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    basis: Basis = "law"
    force: Force = "ban"

    @property
    def decides(self) -> bool:
        """Whether this rule refuses by itself; a definition that a refusing rule applies does not."""
        return self.outcome == "refused" and self.code != "applied"

    @property
    def reason(self) -> str:
        """The reason in English."""
        return self.explain("en")

    def explain(self, language: str) -> str:
        """The reason in `language` (es, en, pt)."""
        return explain(self.code, self.details, language)

    def to_json(self) -> dict[str, Any]:
        """Everything, in JSON types; of a refusal also the reason in English, for whoever reads the store."""
        data: dict[str, Any] = {
            "rule": self.rule_id,
            "kind": self.kind,
            "outcome": self.outcome,
            "code": self.code,
            "citation": self.citation,
            "parameters": dict(self.parameters),
            "basis": self.basis,
            "force": self.force,
        }
        if self.outcome == "refused":
            data |= {"details": dict(self.details), "reason": self.reason}
        return data

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> RuleOutcome:
        """The outcome that `to_json` wrote."""
        return RuleOutcome(
            rule_id=data["rule"],
            kind=data["kind"],
            outcome=data["outcome"],
            code=data["code"],
            citation=data["citation"],
            details=data.get("details", {}),
            parameters=data["parameters"],
            basis=data.get("basis", "law"),
            force=data.get("force", "ban"),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of the gate: every rule consulted, in the pack's order, and when contact is lawful next.

    `next_lawful_at` is the proposed moment itself when allowed, the first lawful whole minute after it
    otherwise; None when none lies within the horizon, when only a changed fact can lift the refusal, or
    when it was not asked for.
    """

    allowed: bool
    outcomes: tuple[RuleOutcome, ...]
    pack_id: str
    pack_version: str
    next_lawful_at: datetime | None = None

    @property
    def refusals(self) -> tuple[RuleOutcome, ...]:
        """The rules that refused, in the pack's order; then the definitions that they apply."""
        refused = [outcome for outcome in self.outcomes if outcome.outcome == "refused"]
        return tuple(sorted(refused, key=lambda outcome: not outcome.decides))

    @property
    def by_law(self) -> tuple[RuleOutcome, ...]:
        """The refusals that rest on law, or on practice followed like law."""
        return tuple(outcome for outcome in self.refusals if outcome.basis != "policy")

    @property
    def by_policy(self) -> tuple[RuleOutcome, ...]:
        """The refusals that only the house's own policy gives."""
        return tuple(outcome for outcome in self.refusals if outcome.basis == "policy")

    @property
    def first_refusal(self) -> str | None:
        """Id of the first rule that refused by itself, not as part of another's reason."""
        return next((why.rule_id for why in self.outcomes if why.decides), None)

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of all rules consulted."""
        return tuple(dict.fromkeys(outcome.rule_id for outcome in self.outcomes))

    def to_json(self) -> dict[str, Any]:
        """JSON types, made to be stored: deciding rules whole, informational ones by id and citation."""
        return {
            "allowed": self.allowed,
            "pack": self.pack_id,
            "version": self.pack_version,
            "next_lawful_at": self.next_lawful_at.isoformat() if self.next_lawful_at else None,
            "decided": [o.to_json() for o in self.outcomes if o.outcome != "informational"],
            "noted": [
                [o.rule_id, o.kind, o.code, o.citation] for o in self.outcomes if o.outcome == "informational"
            ],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Verdict:
        """The verdict that `to_json` wrote; deciding rules come first, notes keep id, kind and citation."""
        noted = tuple(
            RuleOutcome(rule_id, kind, "informational", code, citation)
            for rule_id, kind, code, citation in data["noted"]
        )
        at = data["next_lawful_at"]
        return Verdict(
            allowed=data["allowed"],
            outcomes=tuple(map(RuleOutcome.from_json, data["decided"])) + noted,
            pack_id=data["pack"],
            pack_version=data["version"],
            next_lawful_at=datetime.fromisoformat(at) if at else None,
        )
