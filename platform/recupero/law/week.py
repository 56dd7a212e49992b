"""The week as the law sees it: for one debtor, by channel and day, what is open, used up, and opens when.

Everything is asked of the gate itself, so that it holds for whatever kinds of rule there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from recupero.law.service import Packs, judge_contact
from recupero_sdk.law import Channel, Facts, PastContact, Proposal, RuleOutcome, Verdict
from recupero_sdk.law.moments import instant
from recupero_sdk.law.opening import open_stretches
from recupero_sdk.law.zones import UnknownZoneError, load_zone, plausible_zones

DAYS = 7
#: More of one contact than any cap allows.
_PLENTY = 50


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: lawful stretches in UTC, and where there is none, the rules that close it."""

    day: date
    stretches: tuple[tuple[datetime, datetime], ...]
    reasons: tuple[RuleOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """How far a rule that counts is used up, and by which contacts. `limit` None: one is enough."""

    rule_id: str
    kind: str
    citation: str
    limit: int | None
    contacts: tuple[PastContact, ...]

    @property
    def used_up(self) -> bool:
        return len(self.contacts) >= (self.limit or 1)


@dataclass(frozen=True, slots=True)
class ChannelWeek:
    """One channel from now on: the verdict now, the days, and what is used up."""

    channel: Channel
    now: Verdict
    days: tuple[Day, ...]
    uses: tuple[Use, ...]


def week(
    packs: Packs, facts: Facts, history: Sequence[PastContact], proposal: Proposal, days: int = DAYS
) -> ChannelWeek:
    """The channel of the proposal for `days` local days, beginning with that of the proposal."""
    now = judge_contact(packs, facts, history, proposal)
    if packs.closed_because(facts.country) is not None:
        return ChannelWeek(proposal.channel, now, (), ())
    try:
        found = _days(packs, facts, history, proposal, days)
    except UnknownZoneError:
        return ChannelWeek(proposal.channel, now, (), ())
    return ChannelWeek(proposal.channel, now, tuple(found), tuple(uses(packs, facts, history, proposal)))


def zone_shown(packs: Packs, facts: Facts) -> str:
    """The zone in which the days are told: the debtor's, or the first of those that are plausible."""
    pack = packs.by_country.get(facts.country)
    return facts.timezone or (plausible_zones(pack, facts)[0] if pack else "UTC")


def zones(packs: Packs, facts: Facts) -> tuple[str, ...]:
    """Every zone the debtor may be in, as the law reckons; none where no pack answers for the country."""
    pack = packs.by_country.get(facts.country)
    return plausible_zones(pack, facts) if pack else ()


def _days(
    packs: Packs, facts: Facts, history: Sequence[PastContact], proposal: Proposal, days: int
) -> list[Day]:
    pack, zone = packs.by_country[facts.country], load_zone(zone_shown(packs, facts))
    today = proposal.at.astimezone(zone).date()
    found = []
    for number in range(days):
        day = today + timedelta(days=number)
        starts = max(instant(day, 0, zone), proposal.at)
        ends = instant(day + timedelta(days=1), 0, zone)
        opened = open_stretches(pack, facts, replace(proposal, at=starts), ends)
        lawful = [part for stretch in opened for part in _lawful(packs, facts, history, proposal, stretch)]
        asked = replace(proposal, at=opened[0][0] if opened else max(starts, instant(day, 12 * 60, zone)))
        reasons = () if lawful else _reasons(packs, facts, history, asked)
        found.append(Day(day, tuple(lawful), reasons))
    return found


def _lawful(
    packs: Packs,
    facts: Facts,
    history: Sequence[PastContact],
    proposal: Proposal,
    stretch: tuple[datetime, datetime],
) -> list[tuple[datetime, datetime]]:
    """The part of an open stretch in which all rules agree. What history blocks only ever lets go."""
    starts, ends = stretch[0].astimezone(UTC), stretch[1].astimezone(UTC)
    at = judge_contact(packs, facts, history, replace(proposal, at=starts)).next_lawful_at
    return [(at, ends)] if at is not None and at < ends else []


def _reasons(
    packs: Packs, facts: Facts, history: Sequence[PastContact], proposal: Proposal
) -> tuple[RuleOutcome, ...]:
    verdict = judge_contact(packs, facts, history, proposal, next_lawful=False)
    return tuple(why for why in verdict.refusals if why.decides)


def uses(packs: Packs, facts: Facts, history: Sequence[PastContact], proposal: Proposal) -> list[Use]:
    """The rules that count, with the contacts that use them up at the proposed moment.

    A contact uses a rule up where enough contacts like it would make the rule refuse.
    """
    bare = judge_contact(packs, facts, [], proposal, next_lawful=False)
    otherwise = {why.rule_id for why in bare.refusals}
    found: dict[str, tuple[RuleOutcome, list[PastContact]]] = {}
    for contact in sorted(history, key=lambda one: one.at):
        many = judge_contact(packs, facts, [contact] * _PLENTY, proposal, next_lawful=False)
        for why in many.refusals:
            if why.decides and why.rule_id not in otherwise:
                found.setdefault(why.rule_id, (why, []))[1].append(contact)
    return [
        Use(rule_id, why.kind, why.citation, _limit(why), tuple(contacts))
        for rule_id, (why, contacts) in found.items()
    ]


def _limit(why: RuleOutcome) -> int | None:
    stated = why.parameters.get("limit")
    return int(stated["value"]) if isinstance(stated, dict) else None
