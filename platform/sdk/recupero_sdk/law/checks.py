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

from recupero_sdk.law.schema import (
    ChannelBanRule,
    ChannelGateRule,
    OptOutRule,
    PlaceRule,
    RecipientRule,
    StopRule,
)
from recupero_sdk.law.values import Facts, PastContact, Proposal


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


#: What moves a check's answer, given the facts: nothing, the clock, or past contacts and the clock.
Basis = Literal["facts", "clock", "history"]


class Check(Protocol):
    basis: ClassVar[Basis]

    def refusal(self, case: Case) -> Refusal | None: ...

    def free_from(self, case: Case) -> datetime | None: ...


class _Gate:
    """A check that no passing of time opens."""

    basis: ClassVar[Basis] = "facts"

    def free_from(self, case: Case) -> datetime | None:
        return None


class ChannelGateCheck(_Gate):
    def __init__(self, rule: ChannelGateRule) -> None:
        self._withdrawn_by = frozenset(rule.parameters.withdrawn_by)

    def refusal(self, case: Case) -> Refusal | None:
        channel, facts = case.proposal.channel, case.facts
        if channel in facts.opted_out_channels or not self._withdrawn_by.isdisjoint(facts.flags):
            return Refusal("authorisation_withdrawn", {"channel": channel})
        if facts.consented_channels is None or channel not in facts.consented_channels:
            return Refusal("not_authorised", {"channel": channel})
        return None


class OptOutCheck(_Gate):
    def __init__(self, rule: OptOutRule) -> None:
        self._closed_by = frozenset(rule.parameters.closed_by)

    def refusal(self, case: Case) -> Refusal | None:
        channel, facts = case.proposal.channel, case.facts
        if channel in facts.opted_out_channels or not self._closed_by.isdisjoint(facts.flags):
            return Refusal("opted_out", {"channel": channel})
        return None


class StopCheck(_Gate):
    def __init__(self, rule: StopRule) -> None:
        self._flags = frozenset(rule.parameters.flags)
        self._spares = frozenset(rule.parameters.spares)

    def refusal(self, case: Case) -> Refusal | None:
        if case.proposal.recipient in self._spares:
            return None
        standing = self._flags & case.facts.flags
        return Refusal("stopped", {"flag": ", ".join(sorted(standing))}) if standing else None


class RecipientCheck(_Gate):
    def __init__(self, rule: RecipientRule) -> None:
        self._refuse = frozenset(rule.parameters.refuse)
        self._workplace = rule.parameters.workplace

    def refusal(self, case: Case) -> Refusal | None:
        if case.proposal.recipient in self._refuse:
            return Refusal("wrong_recipient", {"recipient": case.proposal.recipient})
        at_work = case.facts.employer_contact or case.proposal.place == "work"
        return Refusal("workplace", {}) if self._workplace and at_work else None


class PlaceCheck(_Gate):
    def __init__(self, rule: PlaceRule) -> None:
        self._allowed = frozenset(rule.parameters.allowed)

    def refusal(self, case: Case) -> Refusal | None:
        place = "work" if case.facts.employer_contact else case.proposal.place or "home"
        return None if place in self._allowed else Refusal("wrong_place", {"place": place})


class ChannelBanCheck(_Gate):
    def __init__(self, rule: ChannelBanRule) -> None:
        self._except = frozenset(rule.parameters.except_debt_kinds)

    def refusal(self, case: Case) -> Refusal | None:
        channel, facts = case.proposal.channel, case.facts
        authorised = facts.consented_channels is not None and channel in facts.consented_channels
        if facts.debt_kind in self._except and authorised:
            return None
        return Refusal("channel_banned", {"channel": channel})
