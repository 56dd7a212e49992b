"""Where contacts asks the law: the packs of this process, and the purposes and outcomes law knows."""

from recupero.kernel import runtime
from recupero.law.service import Packs
from recupero_sdk.law import ContactOutcome, Purpose

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


def packs() -> Packs:
    """The regulation packs of this process; a country whose pack failed to load is closed."""
    plugins = runtime.current().plugins
    return Packs.of(plugins.packs.values(), plugins.failed_countries())


def many_zoned() -> frozenset[str]:
    """Countries with a pack whose clocks differ from place to place."""
    return frozenset(country for country, pack in packs().by_country.items() if len(pack.manifest.zones) > 1)


def purpose_for_law(purpose: str) -> Purpose | None:
    """What the law is told of an action's purpose. Reminder and collection are left to the due date to
    tell apart, so that nobody can call a demand a reminder."""
    if purpose in ("notice", "reply", "locate"):
        return purpose  # type: ignore[return-value]  # narrowed to three of the law's purposes
    return None
