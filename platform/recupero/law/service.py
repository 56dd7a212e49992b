"""The gate's door: the packs that are loaded, and the judgement of a contact. Pure; no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from recupero_sdk.law import Facts, PastContact, Proposal, RegulationPack, RuleOutcome, Verdict, judge


@dataclass(frozen=True, slots=True)
class Packs:
    """Regulation packs by country. A country in `closed` has a pack that failed to load, and why."""

    by_country: Mapping[str, RegulationPack]
    closed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, packs: Iterable[RegulationPack], closed: Mapping[str, str] | None = None) -> Packs:
        """The registry of these packs; two packs for one country are an error."""
        by_country: dict[str, RegulationPack] = {}
        for pack in packs:
            if pack.country in by_country:
                raise ValueError(
                    f"two packs claim {pack.country}: {by_country[pack.country].id} and {pack.id}"
                )
            by_country[pack.country] = pack
        return cls(by_country, dict(closed or {}))

    def closed_because(self, country: str) -> str | None:
        """Why no contact is lawful in a country whatever the facts; None where a pack can answer."""
        if country in self.closed:
            return self.closed[country]
        return None if country in self.by_country else "no pack is installed for this country"


def judge_contact(
    packs: Packs,
    facts: Facts,
    history: Iterable[PastContact],
    proposal: Proposal,
    *,
    pack_date: date | None = None,
    next_lawful: bool = True,
) -> Verdict:
    """The verdict of the country's pack; a country without a working pack refuses and says why."""
    why = packs.closed_because(facts.country)
    if why is not None:
        return refused_without_pack(facts.country, why)
    pack = packs.by_country[facts.country]
    return judge(pack, facts, history, proposal, pack_date=pack_date, next_lawful=next_lawful)


def refused_without_pack(country: str, why: str) -> Verdict:
    """The refusal of a country that no pack answers for. Unknown means no."""
    details = {"country": country, "why": why}
    outcome = RuleOutcome(f"{country}-COVERAGE", "coverage", "refused", "no_pack", "-", details)
    return Verdict(False, (outcome,), pack_id="none", pack_version="0")


@lru_cache(maxsize=64)
def _editions(pack: RegulationPack) -> tuple[date, ...]:
    """The days on which an encoding entered or left the pack; house rules keep versions of their own."""
    law = [rule for rule in pack.rules if rule.basis != "policy"]
    left = {rule.withdrawn for rule in law if rule.withdrawn is not None}
    return tuple(sorted({rule.recorded for rule in law} | left))


def edition(pack: RegulationPack, day: date) -> date:
    """The pack date that judges with the pack as it stood on a day; before its first edition, with that."""
    return max((known for known in _editions(pack) if known <= day), default=_editions(pack)[0])
