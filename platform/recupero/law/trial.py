"""A law tried before it is law: the same contacts judged under two laws, and what would change, by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from recupero.law.queries import StoredContact, seen_from
from recupero.law.service import Packs, judge_contact
from recupero_sdk.law import RegulationPack, RuleOutcome, Verdict

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One contact whose answer would be another, and why."""

    id: str
    at: datetime
    channel: str
    why: RuleOutcome


@dataclass(slots=True)
class Side:
    """Contacts that changed sides: how many, by the rule that says so, and some of them."""

    contacts: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def add(self, row: StoredContact, verdict: Verdict) -> None:
        """Count a contact under every rule that refuses it."""
        self.contacts += 1
        for why in {why.rule_id: why for why in verdict.refusals if why.decides}.values():
            self.by_rule[why.rule_id] += 1
            shown = self.examples.setdefault(why.rule_id, [])
            if len(shown) < EXAMPLES:
                shown.append(Example(row.id, row.contact.at, row.contact.channel, why))

    def to_json(self) -> dict[str, Any]:
        return {
            "contacts": self.contacts,
            "by_rule": dict(self.by_rule.most_common()),
            "examples": {
                rule: [
                    {
                        "contact": one.id,
                        "at": one.at.isoformat(),
                        "channel": one.channel,
                        "reason": one.why.reason,
                    }
                    for one in shown
                ]
                for rule, shown in self.examples.items()
            },
        }


@dataclass(slots=True)
class Trial:
    """`refused` are contacts that were lawful and would not be; `allowed` those refused now and then not."""

    judged: int = 0
    refused: Side = field(default_factory=Side)
    allowed: Side = field(default_factory=Side)

    def add(self, other: Trial) -> None:
        """Add what was found for another creditor."""
        self.judged += other.judged
        for mine, theirs in ((self.refused, other.refused), (self.allowed, other.allowed)):
            mine.contacts += theirs.contacts
            mine.by_rule.update(theirs.by_rule)
            for rule, shown in theirs.examples.items():
                mine.examples[rule] = [*mine.examples.get(rule, []), *shown][:EXAMPLES]

    def to_json(self) -> dict[str, Any]:
        return {"judged": self.judged, "refused": self.refused.to_json(), "allowed": self.allowed.to_json()}


def compare(
    rows: Iterable[StoredContact],
    now: Packs,
    then: Packs,
    *,
    since: datetime,
    mine: frozenset[str] | None = None,
    limit: int | None = None,
) -> Trial:
    """Judge the outbound contacts made `since` under both laws, as if each had always held.

    `rows` come by person and time, as for the replay. `mine` are the creditors whose contacts are judged
    (None: all); what was done for others counts as history all the same. A contact that the new law refuses
    is not taken out of the history of later ones: that is how many would have had to be planned otherwise.
    """
    trial = Trial()
    for _person, made in groupby(rows, key=lambda row: row.person):
        past: list[StoredContact] = []
        for row in made:
            wanted = row.contact.direction == "outbound" and row.contact.at >= since
            if wanted and (mine is None or row.creditor in mine):
                _judge(trial, row, past, now, then)
                if limit is not None and trial.judged >= limit:
                    return trial
            past.append(row)
    return trial


def _judge(trial: Trial, row: StoredContact, past: list[StoredContact], now: Packs, then: Packs) -> None:
    trial.judged += 1
    country = row.facts.country
    if now.by_country.get(country) is then.by_country.get(country) and country in now.by_country:
        return
    history = [seen_from(row, earlier) for earlier in past]
    before = judge_contact(now, row.facts, history, row.proposal, next_lawful=False)
    after = judge_contact(then, row.facts, history, row.proposal, next_lawful=False)
    if before.allowed and not after.allowed:
        trial.refused.add(row, after)
    if after.allowed and not before.allowed:
        trial.allowed.add(row, before)


def moved_to(packs: Packs, draft: RegulationPack) -> Packs:
    """The packs with a draft in place of its country's own."""
    closed = {country: why for country, why in packs.closed.items() if country != draft.country}
    return Packs({**packs.by_country, draft.country: draft}, closed)
