"""What the law is told of the agency, of a creditor and of a portfolio, because no account states it.

Of a creditor (setting `law`) and, where they differ, of a portfolio: the creditor's sector, whether it bought
the debts, whether the agency appears as a third party, the kind of debt. Of the agency: its region, and per
country the number its calls show; a creditor may have numbers of its own.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts import gate
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Faults, UserError
from recupero.placements import service as placements
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service
from recupero_sdk.law import RegulationPack
from recupero_sdk.law.values import OWNER_TYPES, PARTIES, SECTORS

#: What is stated of a creditor and of a portfolio, and the words it takes; None: `debt_kinds` of all packs.
CHOICES: dict[str, tuple[str, ...] | None] = {
    "creditor_sector": SECTORS,
    "owner_type": OWNER_TYPES,
    "party": PARTIES,
    "debt_kind": None,
}
#: Stated in place of a number: calls are made with the number withheld.
HIDDEN = "hidden"
_NUMBER = re.compile(r"\+?[0-9 ().-]{3,24}\Z")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stated beside the accounts: of the agency, and of the tenants in scope by id."""

    agency_region: str | None = None
    agency_phone: str | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    creditors: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, tenant_id: int, portfolio: Mapping[str, str]) -> dict[str, str | None]:
        """Values of `CHOICES` for a portfolio with these statements of its own."""
        creditor = self.creditors.get(tenant_id, {})
        return {name: portfolio.get(name) or creditor.get(name) for name in CHOICES}

    def number(self, tenant_id: int, country: str) -> str | None:
        """The number that calls to a country show: the creditor's, the agency's for it, or the agency's own.
        `HIDDEN` where it is withheld, None where none is known."""
        own = self.creditors.get(tenant_id, {}).get("numbers", {})
        return own.get(country) or self.numbers.get(country) or self.agency_phone or None


def standing(session: Session) -> Standing:
    """What is stated of the agency and the tenants in scope. Needs the agency in scope."""
    houses = tenancy.houses(session)
    creditors = {one.tenant_id: one.settings.get("law", {}) for one in houses if one.tenant_id is not None}
    stated = houses[0].law
    return Standing(stated.get("region"), houses[0].phone, stated.get("numbers", {}), creditors)


def state_creditor(
    session: Session, stated: Mapping[str, str], numbers: Mapping[str, str] | None = None, *, actor: str
) -> None:
    """Keep what is stated of the creditor in scope, whole; empty is not known. `numbers`: by country, the
    number its calls show. Raises UserError at a word that the law does not know."""
    faults, kept = Faults(), dict[str, Any]()
    with faults.caught():
        kept |= _checked(stated)
    with faults.caught():
        if shown := _numbers(numbers or {}):
            kept["numbers"] = shown
    faults.tell()
    tenancy_service.configure_tenant(session, scope_of(session).tenant(), actor=actor, law=kept)


def state_portfolio(session: Session, portfolio_id: int, stated: Mapping[str, str], *, actor: str) -> None:
    """Keep what is stated of a portfolio of the tenant in scope; empty: as the creditor. Raises UserError,
    NotFound."""
    placements.set_law(session, portfolio_id, _checked(stated), actor=actor)


def state_agency(session: Session, region: str, numbers: Mapping[str, str], *, actor: str) -> None:
    """Keep the agency's region (ISO 3166-2, empty: not known) and, by country, the number its calls show.
    Raises UserError."""
    faults, stated = Faults(), dict[str, Any]()
    with faults.caught():
        stated = _region(region, tenancy.agency(session).country)
    with faults.caught():
        if shown := _numbers(numbers):
            stated["numbers"] = shown
    faults.tell()
    tenancy_service.state_law(session, stated, actor=actor)


def _region(region: str, country: str) -> dict[str, Any]:
    pack = gate.packs().by_country.get(country)
    if region and not region.startswith(f"{country}-"):
        raise UserError("the region is an ISO 3166-2 code of %(country)s", field="region", country=country)
    if region and pack is not None and region not in pack.manifest.regions:
        known = ", ".join(sorted(pack.manifest.regions)) or "-"
        raise UserError(
            "the law of %(country)s knows no region %(region)s: use one of %(known)s",
            field="region", country=country, region=region, known=known,
        )  # fmt: skip
    return {"region": region} if region else {}


def debt_kinds(packs: Iterable[RegulationPack]) -> list[str]:
    """Every kind of debt that these packs tell apart."""
    found: set[str] = set()
    for pack in packs:
        for rule in pack.known():
            for condition in (rule.when, *rule.unless):
                found.update(condition.debt_kinds if condition else ())
            if rule.kind == "limitation":
                found.update(kind for period in rule.parameters.periods for kind in period.debt_kinds)
            if rule.kind == "channel_ban":
                found.update(rule.parameters.except_debt_kinds)
    return sorted(found - {"default"})


def _checked(stated: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value.strip() for name, value in stated.items() if value and value.strip()}
    faults = Faults()
    for name, value in kept.items():
        with faults.caught():
            _check_choice(name, value)
    faults.tell()
    return kept


def _check_choice(name: str, value: str) -> None:
    if name not in CHOICES:
        raise UserError(
            "the law is told nothing called '%(name)s': use %(known)s",
            field="law", name=name, known=", ".join(CHOICES),
        )  # fmt: skip
    choices = CHOICES[name]
    if choices is None:
        choices = tuple(debt_kinds(gate.packs().by_country.values()))
    if value not in choices:
        raise UserError(
            "'%(value)s' is not known here: use one of %(known)s",
            field=name, value=value, known=", ".join(choices),
        )  # fmt: skip


def _numbers(stated: Mapping[str, str]) -> dict[str, str]:
    kept = {country: number.strip() for country, number in stated.items() if number and number.strip()}
    faults = Faults()
    for country, number in kept.items():
        if number != HIDDEN and not _NUMBER.match(number):
            faults.note(
                UserError(
                    "this is no telephone number: write it with country code, such as +34 910 000 000, or the"
                    " word hidden where calls are made without showing one",
                    field=f"number_{country}",
                )
            )
    faults.tell()
    return kept
