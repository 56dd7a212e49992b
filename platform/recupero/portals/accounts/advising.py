"""The offers that are put first, as the pages that negotiate show them: with the form that asks for each."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import format_decimal
from sqlalchemy.orm import Session

from recupero.decisions.advice import offers
from recupero.decisions.advice.offers import Advice, Offer
from recupero.kernel.money import minor_units
from recupero.payments.offers.policy import Offerer


@dataclass(frozen=True, slots=True)
class Advised:
    """One offer with the fields of the form that asks for it, and by how many of ten it is kept."""

    offer: Offer
    fields: dict[str, str]

    @property
    def of_ten(self) -> int:
        return min(9, max(1, round(self.offer.chance * 10)))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page says of what to offer."""

    advice: Advice
    first: list[Advised]


def shown(session: Session, account_ids: Collection[int], offerer: Offerer) -> Shown | None:
    """The first few offers over these accounts of the tenant in scope; None where nothing can be said."""
    found = offers.advise(session, account_ids, offerer)
    if found is None:
        return None
    return Shown(found, [Advised(one, fields(one, found.currency)) for one in _apart(found.offers)])


def _apart(found: Collection[Offer]) -> list[Offer]:
    """The best offers, no two of which differ in the payment at once alone."""
    kept: dict[tuple[str, int, int], Offer] = {}
    for one in found:
        kept.setdefault((one.kind, one.count, one.total_minor), one)
    return list(kept.values())[: offers.SHOWN]


def fields(offer: Offer, currency: str) -> dict[str, str]:
    """What the form of its kind asks for."""
    if offer.kind == offers.PLAN:
        asked = {
            "every": "monthly", "instalments": str(offer.count), "first_on": offer.first_on.isoformat(),
        }  # fmt: skip
        return asked | ({"down_payment": plain(offer.down_minor, currency)} if offer.down_minor else {})
    if offer.kind == offers.SETTLEMENT:
        return {"amount": plain(offer.total_minor, currency), "parts": str(offer.count)}
    return {"amount": plain(offer.total_minor, currency), "due": offer.first_on.isoformat()}


def plain(minor: int, currency: str) -> str:
    """An amount as it is typed into a field."""
    units = minor_units(currency)
    amount = Decimal(minor).scaleb(-units)
    return str(format_decimal(amount, format=f"0.{'0' * units}" if units else "0"))
