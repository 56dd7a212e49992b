"""A regulation pack in memory: one country's rules with their dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from recupero_sdk.law.schema import Manifest, Rule


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegulationPack:
    """The rules of one country. Compared by identity: what is compiled for a pack is kept per pack."""

    manifest: Manifest
    rules: tuple[Rule, ...]

    def __repr__(self) -> str:
        return f"RegulationPack({self.id} {self.version}, {len(self.rules)} rules)"

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def country(self) -> str:
        return self.manifest.country

    @property
    def version(self) -> str:
        return self.manifest.version

    def on(self, day: date, pack_date: date | None = None) -> tuple[Rule, ...]:
        """The rules in force on a local date, as the pack stood on `pack_date` (None: as it stands now)."""
        return tuple(rule for rule in self.known(pack_date) if rule.in_force.holds(day))

    def known(self, pack_date: date | None = None) -> tuple[Rule, ...]:
        """The rules as the pack held them on `pack_date`; without one, those not withdrawn."""
        if pack_date is None:
            return tuple(rule for rule in self.rules if rule.withdrawn is None)
        return tuple(
            rule
            for rule in self.rules
            if rule.recorded <= pack_date and (rule.withdrawn is None or pack_date < rule.withdrawn)
        )

    def read_literally(self, ids: Iterable[str]) -> RegulationPack:
        """The pack with these rules in their literal reading, which an agency with counsel may choose."""
        chosen = set(ids)
        if missing := chosen - {rule.id for rule in self.rules}:
            raise ValueError(f"pack {self.id} has no rule {', '.join(sorted(missing))}")
        rules = (rule.read_literally() if rule.id in chosen else rule for rule in self.rules)
        return replace(self, rules=tuple(rules))
