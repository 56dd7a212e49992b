"""What reads the law: packs and rules listed, scenario files judged, stored contacts judged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from recupero.law.service import Packs, edition, judge_contact
from recupero_sdk.law import Facts, PastContact, Proposal, RuleOutcome, Verdict
from recupero_sdk.law.scenario import Scenario, ScenarioError, read_scenarios
from recupero_sdk.law.zones import load_zone, plausible_zones


def list_packs(packs: Packs) -> list[dict[str, Any]]:
    """Every pack with version and verification date, and every closed country with the reason."""
    loaded = [
        {
            "country": pack.country,
            "id": pack.id,
            "version": pack.version,
            "name": pack.manifest.name.model_dump(exclude_none=True),
            "rules": len(pack.rules),
            "verified": pack.manifest.verified.isoformat(),
            "disclaimer": pack.manifest.disclaimer.model_dump(exclude_none=True),
            "state": "loaded",
        }
        for pack in packs.by_country.values()
    ]
    closed = [{"country": country, "state": "closed", "reason": why} for country, why in packs.closed.items()]
    return sorted(loaded + closed, key=lambda entry: str(entry["country"]))


def show_rules(packs: Packs, country: str, on: date | None = None) -> list[dict[str, Any]]:
    """The rules of a country with their sources: all versions, or those in force on a local date."""
    pack = packs.by_country[country]
    rules = pack.known() if on is None else pack.on(on)
    return [rule.model_dump(mode="json", by_alias=True, exclude_none=True) for rule in rules]


@dataclass(frozen=True, slots=True)
class Checked:
    """One scenario judged: what the gate said, and how that differs from what its author expects."""

    scenario: Scenario
    allowed: bool
    rules: tuple[str, ...]
    next_allowed_at: str | None
    disagreement: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.scenario.id,
            "allowed": self.allowed,
            "rules": list(self.rules),
            "next_allowed_at": self.next_allowed_at,
        }


def check_scenarios(packs: Packs, files: Iterable[Path]) -> Iterator[Checked]:
    """Judges every line of the files in order; `ScenarioError` where a line cannot be judged.

    `rules` are the refusing rules of a refusal and all rules consulted of a permission.
    """
    for file in files:
        for scenario in _scenarios(packs, file):
            verdict = judge_contact(packs, scenario.facts, scenario.history, scenario.proposal)
            if pack := packs.by_country.get(scenario.country):
                verdict = scenario.judged(verdict, pack)
            refusing = dict.fromkeys(refusal.rule_id for refusal in verdict.refusals)
            at = _local(packs, scenario, verdict)
            yield Checked(
                scenario=scenario,
                allowed=verdict.allowed,
                rules=verdict.rules if verdict.allowed else tuple(refusing),
                next_allowed_at=at.isoformat() if at else None,
                disagreement=_disagreement(packs, scenario, verdict),
            )


def _scenarios(packs: Packs, file: Path) -> Iterator[Scenario]:
    """The lines of a file; `ScenarioError` for a country that no pack is installed for and for no lines."""
    scenario = None
    for scenario in read_scenarios(file):
        if scenario.country not in {*packs.by_country, *packs.closed}:
            known = ", ".join(sorted(packs.by_country)) or "-"
            raise ScenarioError(
                f"{scenario.where}: country: no pack is installed for `{scenario.country}`; "
                f"use one of {known}, or install its pack"
            )
        yield scenario
    if scenario is None:
        raise ScenarioError(f"{file}: holds no scenario; write one JSON object per line")


def _disagreement(packs: Packs, scenario: Scenario, verdict: Verdict) -> str | None:
    """How the verdict differs from what is expected; of a closed country with the reason."""
    differs, why = scenario.disagreement(verdict), packs.closed.get(scenario.country)
    return f"{differs}: {why}" if differs and why else differs


def _local(packs: Packs, scenario: Scenario, verdict: Verdict) -> datetime | None:
    """The next lawful moment as the debtor's clock shows it."""
    at, pack = verdict.next_lawful_at, packs.by_country.get(scenario.country)
    if at is None or pack is None:
        return at
    return at.astimezone(load_zone(plausible_zones(pack, scenario.facts)[0]))


@dataclass(frozen=True, slots=True)
class StoredContact:
    """One contact as it was made. `person` is whoever the law protects; `facts` are those of the day.

    `debt` and `creditor` are any stable keys: contacts with equal keys concern the same one. `law` are the
    packs with the house rules it was made under (None: those that the replay is given), `pack_version` the
    version of its pack then.
    """

    id: str
    person: str
    debt: str
    creditor: str
    facts: Facts
    proposal: Proposal
    contact: PastContact
    law: Packs | None = None
    pack_version: str | None = None


@dataclass(frozen=True, slots=True)
class Illegal:
    """A contact that broke the law or the house rules of its day, with the rules that say so."""

    id: str
    refusals: tuple[RuleOutcome, ...]

    @property
    def by_law(self) -> bool:
        """Whether the law itself was broken and not only what the house asks above it."""
        return any(why.decides and why.basis != "policy" for why in self.refusals)


@dataclass(frozen=True, slots=True)
class Replay:
    """How many contacts were judged again and which broke the law or the house rules."""

    contacts: int
    broken: tuple[Illegal, ...]

    @property
    def illegal(self) -> tuple[Illegal, ...]:
        """Those that broke the law."""
        return tuple(one for one in self.broken if one.by_law)

    @property
    def against_policy(self) -> tuple[Illegal, ...]:
        """Those that kept the law and broke only the house rules of their day."""
        return tuple(one for one in self.broken if not one.by_law)

    def to_json(self) -> dict[str, Any]:
        return {
            "contacts": self.contacts,
            "illegal": len(self.illegal),
            "illegal_ids": [one.id for one in self.illegal],
            "against_policy": len(self.against_policy),
            "against_policy_ids": [one.id for one in self.against_policy],
        }


def replay(rows: Iterable[StoredContact], packs: Packs) -> Replay:
    """Judges every outbound contact again under law and house rules of its day, each after those before it.

    `rows` come ordered by person, then by time, so that any number can be streamed; inbound ones are
    history only. Raises `ValueError` where the order is broken.
    """
    contacts, broken, seen = 0, list[Illegal](), set[str]()
    for person, made in groupby(rows, key=lambda row: row.person):
        if person in seen:
            raise ValueError("contacts to replay must come ordered by person, then by time")
        seen.add(person)
        past: list[StoredContact] = []
        for row in made:
            if past and row.contact.at < past[-1].contact.at:
                raise ValueError(f"contact {row.id}: out of order; replay needs them by person, then by time")
            if row.contact.direction == "outbound":
                contacts += 1
                broken += _judged_again(row, past, packs)
            past.append(row)
    return Replay(contacts, tuple(broken))


def _judged_again(row: StoredContact, past: Iterable[StoredContact], packs: Packs) -> list[Illegal]:
    verdict = judge_stored(row, [seen_from(row, earlier) for earlier in past], packs)
    return [] if verdict.allowed else [Illegal(row.id, verdict.refusals)]


def judge_stored(
    row: StoredContact, history: Iterable[PastContact], packs: Packs, *, as_made: bool = True
) -> Verdict:
    """The verdict on a stored contact after those before it, under the law it was made under where it says
    so. `as_made`: with the pack as it stood on its day, unless the pack still has that version; else as it
    stands now."""
    law = row.law or packs
    pack, day = law.by_country.get(row.facts.country), None
    if as_made and pack is not None and row.pack_version != pack.version:
        day = edition(pack, row.contact.at.date())
    return judge_contact(law, row.facts, history, row.proposal, pack_date=day, next_lawful=False)


def seen_from(row: StoredContact, earlier: StoredContact) -> PastContact:
    """An earlier contact as history of this one: whether it was about the same debt and creditor."""
    same = earlier.debt == row.debt
    return replace(
        earlier.contact, same_debt=same, same_account=same, same_creditor=earlier.creditor == row.creditor
    )
