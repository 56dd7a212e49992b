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
#: `reminder` is contact before the due date, `reply` answers what the debtor asked, `locate` asks only where.
Purpose = Literal["collection", "reminder", "notice", "reply", "locate"]
Place = Literal["home", "work", "other"]
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
]
Decision = Literal["allowed", "refused", "informational"]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
CONTACT_OUTCOMES: tuple[ContactOutcome, ...] = get_args(ContactOutcome)
RECIPIENTS: tuple[Recipient, ...] = get_args(Recipient)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
FLAGS: tuple[Flag, ...] = get_args(Flag)

_NONE: frozenset[Any] = frozenset()


def _utc(at: datetime, what: str) -> datetime:
    """The moment in UTC: adding hours to a datetime of a zone with summer time would count wall hours."""
    if at.tzinfo is None:
        raise ValueError(f"{what} {at.isoformat()} has no UTC offset; give an aware datetime")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the debtor and the debt when a contact is judged.

    Zones are IANA names. `timezone` is the one the debtor stated, `postal_timezone` follows from the
    address, `phone_timezone` from the number; None is "not known". `consented_channels` None means that
    nothing is recorded. `commune` names a place below the region where a law reaches that far.
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


@dataclass(frozen=True, slots=True)
class PastContact:
    """One contact already made or reserved; `same_debt`/`same_creditor` relate it to the debt judged.

    `at` is kept in UTC whatever zone it is given in.
    """

    at: datetime
    channel: Channel
    direction: Direction = "outbound"
    outcome: ContactOutcome = "unknown"
    same_debt: bool = True
    same_creditor: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", _utc(self.at, "contact at"))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A contact somebody wants to make. `purpose` None: reminder before the due date, else collection.

    `at` is kept in UTC whatever zone it is given in. `place` is where a visit goes or a phone rings.
    """

    at: datetime
    channel: Channel
    recipient: Recipient = "debtor"
    purpose: Purpose | None = None
    place: Place | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", _utc(self.at, "proposed at"))
        if self.channel not in CHANNELS:
            raise ValueError(f"unknown channel {self.channel!r}; use one of {', '.join(CHANNELS)}")


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule said: `code` and `details` say why, `explain` puts it in words."""

    rule_id: str
    kind: str
    outcome: Decision
    code: str
    citation: str
    details: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

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
