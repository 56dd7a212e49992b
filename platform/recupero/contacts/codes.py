"""Messages found by the code that stands in them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts.tables import Contact, MessageCopy
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of

LENGTH = 8


@dataclass(frozen=True, slots=True)
class Coded:
    """A message that went out with a code: to whom, and about which account if about one."""

    contact_id: int
    debtor_id: int
    account_id: int | None
    at: datetime
    channel: str


def code_in(typed: str) -> str | None:
    """What was typed as a code, however it is spelled; None where it is none."""
    code = "".join(letter for letter in typed.upper() if letter.isalnum())
    return code if len(code) == LENGTH and code.isascii() else None


def with_code(session: Session, typed: str, limit: int = 20) -> list[Coded]:
    """Messages of the tenants in scope that went out with this code, newest first."""
    code = code_in(typed)
    if code is None:
        return []
    rows = session.execute(
        select(Contact.id, Contact.debtor_id, Contact.account_id, Contact.at, Contact.channel)
        .join(
            MessageCopy,
            (MessageCopy.tenant_id == Contact.tenant_id) & (MessageCopy.contact_id == Contact.id),
        )
        .where(
            among(MessageCopy.tenant_id, scope_of(session).tenant_ids),
            MessageCopy.code == code,
            Contact.direction == "outbound",
        )
        .order_by(Contact.at.desc())
        .limit(limit)
    )
    return [Coded(*row) for row in rows]
