"""What every check shares: the case it judges, the refusal it gives, and the gates that time cannot open.

A check belongs to one rule. `refusal` says why the case breaks the rule, or None. `free_from` gives, for a
case that is refused, the first moment after it at which this rule alone would let it pass, or None where
only a changed fact can.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from recupero_sdk.law.moments import instant
from recupero_sdk.law.schema import (
    ChannelBanRule,
    PlaceRule,
    PurposeRule,
    RecipientRule,
    StopRule,
)
from recupero_sdk.law.terms import place_of
from recupero_sdk.law.values import Facts, PastContact, Proposal, Purpose


class Refusal(NamedTuple):
    """Why a rule refuses: a code of `reasons` and what fills it in."""

    code: str
    details: dict[str, str]


@dataclass(slots=True)
class Case:
    """One proposed contact at one moment, seen in one plausible zone. `history` holds nothing after `at`."""

    facts: Facts
    proposal: Proposal
    history: list[PastContact]
    at: datetime
    zone: ZoneInfo
    local: datetime
    day: date
    regions: frozenset[str]
    purpose: Purpose


#: What moves a check's answer, given the facts: nothing; the clock; past contacts and the clock; or both the
#: dates of the debt and its history, which can close contact from some day on.
Basis = Literal["facts", "clock", "history", "dates"]


class Check(Protocol):
    @property
    def basis(self) -> Basis: ...

    def refusal(self, case: Case) -> Refusal | None: ...

    def free_from(self, case: Case) -> datetime | None: ...


class Gate:
    """A check that no passing of time opens."""

    basis: ClassVar[Basis] = "facts"

    def free_from(self, case: Case) -> datetime | None:
        return None


class StopCheck(Gate):
    def __init__(self, rule: StopRule) -> None:
        self._flags = frozenset(rule.parameters.flags)
        self._spares = frozenset(rule.parameters.spares)

    def refusal(self, case: Case) -> Refusal | None:
        if case.proposal.recipient in self._spares:
            return None
        standing = self._flags & case.facts.flags
        return Refusal("stopped", {"flag": ", ".join(sorted(standing))}) if standing else None


class RecipientCheck(Gate):
    def __init__(self, rule: RecipientRule) -> None:
        self._refuse = frozenset(rule.parameters.refuse)
        self._workplace = rule.parameters.workplace

    def refusal(self, case: Case) -> Refusal | None:
        if case.proposal.recipient in self._refuse:
            return Refusal("wrong_recipient", {"recipient": case.proposal.recipient})
        at_work = place_of(case.facts, case.proposal) == "work"
        return Refusal("workplace", {}) if self._workplace and at_work else None


class PlaceCheck(Gate):
    def __init__(self, rule: PlaceRule) -> None:
        self._allowed = frozenset(rule.parameters.allowed)

    def refusal(self, case: Case) -> Refusal | None:
        place = place_of(case.facts, case.proposal)
        return None if place in self._allowed else Refusal("wrong_place", {"place": place})


class ChannelBanCheck(Gate):
    def __init__(self, rule: ChannelBanRule) -> None:
        self._except = frozenset(rule.parameters.except_debt_kinds)

    def refusal(self, case: Case) -> Refusal | None:
        channel, facts = case.proposal.channel, case.facts
        authorised = facts.consented_channels is not None and channel in facts.consented_channels
        if facts.debt_kind in self._except and authorised:
            return None
        return Refusal("channel_banned", {"channel": channel})


class PurposeCheck:
    """A purpose that is banned; collection banned before the due date opens on that day."""

    basis: ClassVar[Basis] = "clock"

    def __init__(self, rule: PurposeRule) -> None:
        self._purpose = rule.parameters.purpose
        self._before_due = rule.parameters.before_due

    def refusal(self, case: Case) -> Refusal | None:
        if case.purpose != self._purpose:
            return None
        if not self._before_due:
            return Refusal("purpose_banned", {"purpose": case.purpose})
        due = case.facts.due_date
        return Refusal("before_due", {"due": due.isoformat()}) if due and case.day < due else None

    def free_from(self, case: Case) -> datetime | None:
        due = case.facts.due_date
        opens = due is not None and case.day < due and (self._before_due or case.purpose == "reminder")
        return instant(due, 0, case.zone) if opens and due is not None else None
