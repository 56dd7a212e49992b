"""Whatever a pack asks for is told by the house, or the page of facts says that it is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recupero.contacts import queries, standing
from recupero.contacts.facts import EVENT_OF_HOLD, FLAG_OF_HOLD
from recupero_sdk.law import FLAGS
from recupero_sdk.law.values import EVENT_KINDS, PERMISSIONS
from tests.factories import World

PAGE = Path(__file__).parents[2] / "docs" / "law-facts.md"
#: Words of conditions that follow from account, contact point, consents or the proposed contact.
OF_THE_CONTACT = {
    "recipients", "purposes", "places", "consented", "asked", "with_consent", "amount_from", "amount_below",
    "flags", "permissions", "line_types",
}  # fmt: skip
STATED = {"creditor_sectors", "owner_types", "parties", "debt_kinds"}


def _words(data: Any) -> Iterator[str]:
    """Every text in some data, and every key."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _words(key)
            yield from _words(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _words(value)
    elif isinstance(data, str):
        yield data


def _asked() -> set[str]:
    """Conditions, flags, events and permissions that rules which decide name, in any pack."""
    found: set[str] = set()
    deciding = {"stop", "pause", "prior_notice", "channel_gate", "opt_out", "limitation"}
    for pack in queries.packs().by_country.values():
        for rule in pack.known():
            for condition in (rule.when, *rule.unless):
                if condition is not None:
                    found |= condition.model_fields_set | set(condition.flags) | set(condition.permissions)
            if rule.kind in deciding:
                words = set(_words(rule.parameters.model_dump(mode="json", exclude_defaults=True)))
                found |= words & {*FLAGS, *EVENT_KINDS, *PERMISSIONS}
    return found


def test_every_fact_that_packs_ask_for_is_told_or_listed_as_not_told(world: World) -> None:
    assert set(standing.CHOICES) == {"creditor_sector", "owner_type", "party", "debt_kind"}
    told = {*FLAG_OF_HOLD.values(), *EVENT_OF_HOLD.values(), *OF_THE_CONTACT, *STATED}
    not_told = PAGE.read_text(encoding="utf-8").partition("## Not told")[2]
    missing = sorted(name for name in _asked() - told if f"`{name}`" not in not_told)
    assert not missing, f"say in docs/law-facts.md under Not told, or tell the law: {', '.join(missing)}"
