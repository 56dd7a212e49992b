"""What a country's law wants said beyond our templates, put into the message that lacks it.

Some of it is the same for everybody: `templates/<language>/_items.txt` words it, one `item: words` a line.
Some only the agency and the creditor know (`STATED`): it stands in the creditor's setting `disclosures`.
What nobody has stated is not made up; then the message is not sent, and the action says which item is
missing.
"""

from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.outreach import words
from recupero.outreach.words import Words
from recupero.tenancy import queries as tenancy
from recupero.tenancy import service as tenancy_service

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
    found: dict[str, str] = tenancy.tenant(session).settings.get("disclosures", {})
    return found


def state(session: Session, statements: Mapping[str, str], *, actor: str) -> None:
    """Keep what messages of the tenant in scope say where law asks for it; empty ones are dropped.

    Raises UserError at an item that law packs do not name or a text that is too long.
    """
    kept = {item: " ".join(text.split()) for item, text in statements.items() if text.strip()}
    for item, text in kept.items():
        if item not in STATED:
            raise UserError(
                "unknown statement '%(item)s': use %(known)s",
                field="disclosures", item=item, known=", ".join(STATED),
            )  # fmt: skip
        if len(text) > LONGEST:
            raise UserError("At most %(most)s characters fit here.", field=item, most=LONGEST)
    tenancy_service.configure_tenant(session, scope_of(session).tenant(), actor=actor, disclosures=kept)


def completed(text: Words, missing: Collection[str], stated: Mapping[str, str]) -> Words:
    """The message with the missing items added as far as they can be said."""
    common = words.phrases(text.language, "_items.txt", text.values)
    said = {item: stated.get(item) or common.get(item) for item in missing}
    return words.extended(text, {item: phrase for item, phrase in said.items() if phrase})
