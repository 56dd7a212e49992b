"""Where contacts asks the law: the packs of this process, and the purposes and outcomes law knows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from recupero.kernel import runtime
from recupero.kernel.plugins import Plugins
from recupero.law.service import Packs
from recupero_sdk.law import Channel, ContactOutcome, Proposal, Purpose, RegulationPack
from recupero_sdk.law.values import LineType, Recipient
from recupero_sdk.law.zones import area_of_postcode, place_of_postcode

#: A reserved contact may have gone out, so the law's history has it as unknown, which uses up every cap.
OUTCOMES: dict[str, ContactOutcome] = {
    "reserved": "unknown",
    "unknown": "unknown",
    "sent": "delivered",
    "delivered": "delivered",
    "answered": "answered",
    "no_answer": "no_answer",
    "failed": "failed",
    "received": "reply",
}


#: The purpose of what answers a debtor.
ASKED: Purpose = "reply"


def packs() -> Packs:
    """The regulation packs of this process; a country whose pack failed to load is closed."""
    return _packs(runtime.current().plugins)


@lru_cache(maxsize=1)
def _packs(plugins: Plugins) -> Packs:
    return Packs.of(plugins.packs.values(), plugins.failed_countries())


def many_zoned() -> frozenset[str]:
    """Countries with a pack whose clocks differ from place to place."""
    return _many_zoned(runtime.current().plugins)


@lru_cache(maxsize=1)
def _many_zoned(plugins: Plugins) -> frozenset[str]:
    packs = _packs(plugins).by_country.items()
    return frozenset(country for country, pack in packs if len(pack.manifest.zones) > 1)


@dataclass(frozen=True, slots=True)
class Postal:
    """Where a postcode lies, as far as the country's pack can tell: one region, one zone, an area of law."""

    region: str | None = None
    timezone: str | None = None
    area: str | None = None


def postal(country: str, postcode: str | None) -> Postal:
    """What a postcode tells the law; nothing where it, or its country, is not known."""
    pack = packs().by_country.get(country)
    return Postal() if pack is None or not postcode else _postal(pack, postcode)


@lru_cache(maxsize=65_536)
def _postal(pack: RegulationPack, postcode: str) -> Postal:
    place = place_of_postcode(pack, postcode)
    area = area_of_postcode(pack, postcode)
    return Postal(place.region, place.timezone, area) if place else Postal(area=area)


#: Types of line, as phonenumbers names them, that the law tells apart; of others it is told nothing.
LINES: dict[str, LineType] = {"mobile": "mobile", "fixed_line": "landline", "landline": "landline"}


def purpose_counted(purpose: str, due_date: date | None, at: datetime) -> Purpose | None:
    """As what a contact is remembered. None near the due date, where the zone decides: it counts as both."""
    stated = purpose_for_law(purpose)
    if stated is not None or due_date is None:
        return stated or "collection"
    away = at.date() - due_date
    if abs(away) <= timedelta(days=1):
        return None
    return "collection" if away > timedelta(0) else "reminder"


def proposed(
    purpose: str,
    at: datetime,
    channel: Channel,
    recipient: Recipient = "debtor",
    *,
    automated: bool | None = None,
) -> Proposal:
    """A contact as the law is asked about it: whatever answers the debtor (an answer, a code, the call that
    they booked) was asked for."""
    stated = purpose_for_law(purpose)
    return Proposal(at, channel, recipient, stated, asked=was_asked(stated), automated=automated)


def was_asked(purpose: str | None, direction: str = "outbound") -> bool:
    """Whether the debtor had asked for a contact of ours that is remembered as this."""
    return purpose == ASKED and direction == "outbound"


def purpose_for_law(purpose: str) -> Purpose | None:
    """What the law is told of an action's purpose. Reminder and collection are left to the due date to
    tell apart, so that nobody can call a demand a reminder."""
    if purpose in ("notice", "reply", "locate", "confirmation"):
        return purpose  # type: ignore[return-value]  # narrowed to four of the law's purposes
    return None
