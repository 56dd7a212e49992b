"""What a country's law wants said beyond our templates, put into the message that lacks it.

Some of it is the same for everybody: `templates/<language>/_items.txt` words it, one `item: words` a line.
Some only the agency and the creditor know (`STATED`): it stands in the creditor's setting `disclosures`.
What nobody has stated is not made up; then the message is not sent, and the action says which item is
missing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts.gate import proposed
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Faults, UserError
from recupero.law.service import Packs
from recupero.outreach.texts import words
from recupero.outreach.texts.words import Words
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service
from recupero_sdk.law import Facts, RuleOutcome
from recupero_sdk.law.content import Reading
from recupero_sdk.law.zones import UnknownZoneError

STATED = (
    "agent",
    "collector_address",
    "creditor_address",
    "creditor_tax_id",
    "complaints_unit",
    "pay_creditor_only",
    "license_number",
    "recording",
    "time_barred_notice",
)
LONGEST = 500  # characters of a statement


def stated(session: Session) -> dict[str, str]:
    """What has been stated for the tenant in scope, by item."""
    found: dict[str, str] = tenancy.house(session).settings.get("disclosures", {})
    return found


def state(session: Session, statements: Mapping[str, str], *, actor: str) -> None:
    """Keep what messages of the tenant in scope say where law asks for it; empty ones are dropped.

    Raises UserError at an item that law packs do not name or a text that is too long.
    """
    kept = {item: " ".join(text.split()) for item, text in statements.items() if text.strip()}
    faults = Faults()
    for item, text in kept.items():
        if item not in STATED:
            faults.note(
                UserError(
                    "unknown statement '%(item)s': use %(known)s",
                    field="disclosures", item=item, known=", ".join(STATED),
                )
            )  # fmt: skip
        if len(text) > LONGEST:
            faults.note(UserError("At most %(most)s characters fit here.", field=item, most=LONGEST))
    faults.tell()
    tenancy_service.configure_tenant(session, scope_of(session).tenant(), actor=actor, disclosures=kept)


def reader(
    law: Packs, facts: Facts, channel: str, purpose: str, language: str, *, later: bool
) -> Callable[[Words], list[RuleOutcome]]:
    """What tells the rules on content that a message breaks; none where the law is closed, which refuses the
    contact as a whole. `later`: the debtor was written to about the account before."""
    if law.closed_because(facts.country) is not None:
        return lambda text: []
    carried: Any = channel
    proposal = proposed(purpose, clock.now(), carried)
    try:
        reading = Reading(
            law.by_country[facts.country], facts, proposal, occasion="later" if later else "first",
            language=language,
        )  # fmt: skip
    except UnknownZoneError:
        return lambda text: []

    def read(text: Words) -> list[RuleOutcome]:
        outcomes = reading.of(f"{text.subject}\n{text.text}", text.shown)
        return [outcome for outcome in outcomes if outcome.outcome == "refused"]

    return read


def missing(outcomes: Iterable[RuleOutcome]) -> list[str]:
    """The items that the rules want said and did not find, in order."""
    found = [one.details["items"].split(", ") for one in outcomes if one.code == "item_missing"]
    return sorted({item for items in found for item in items})


def completed(text: Words, missing: Collection[str], stated: Mapping[str, str]) -> Words:
    """The message with the missing items added as far as they can be said."""
    name = "_items_short.txt" if text.short else "_items.txt"
    common = words.phrases(text.language, name, text.values)
    said = {item: stated.get(item) or common.get(item) for item in missing}
    return words.extended(text, {item: phrase for item, phrase in said.items() if phrase})
