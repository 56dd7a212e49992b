"""Messages found by the code that stands in them."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from recupero.contacts.tables import Contact, MessageCopy
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of

LENGTH = 8
#: What codes are written with: of letters and digits that are read for each other only one.
LETTERS = "23456789ACDEFHJKMNPQRTVWXY"
_READ_FOR = str.maketrans("BGSUZ", "865V2")


@dataclass(frozen=True, slots=True)
class Coded:
    """A message that went out with a code: to whom, and about which account if about one."""

    contact_id: int
    debtor_id: int
    account_id: int | None
    at: datetime
    channel: str


def code_in(typed: str) -> str | None:
    """What was typed as a code, however it is spelled, also with words before it; None where it is none."""
    words = [
        "".join(filter(str.isalnum, word)) for word in unicodedata.normalize("NFKC", typed.upper()).split()
    ]
    found = [word for word in ("".join(words), *reversed(words)) if len(word) == LENGTH and word.isascii()]
    return found[0] if found else None


def readings(code: str) -> set[str]:
    """The code as it was typed, and as it is written where letters were read for others."""
    return {code, code.translate(_READ_FOR)}


def with_code(session: Session, typed: str, limit: int = 20) -> list[Coded]:
    """Messages of the tenants in scope that went out with this code, newest first."""
    code = code_in(typed)
    if code is None:
        return []
    coded = (
        select(MessageCopy.tenant_id, MessageCopy.contact_id)
        .where(
            among(MessageCopy.tenant_id, scope_of(session).tenant_ids), MessageCopy.code.in_(readings(code))
        )
        .cte("coded")
        .prefix_with("MATERIALIZED")
    )
    # Each message's contact by its key: of a creditor whose rows PostgreSQL does not know of yet it would
    # compare all of them with each other.
    contact = (
        select(Contact.id, Contact.debtor_id, Contact.account_id, Contact.at, Contact.channel)
        .where(
            Contact.tenant_id == coded.c.tenant_id,
            Contact.id == coded.c.contact_id,
            Contact.direction == "outbound",
        )
        .offset(0)
        .lateral()
    )
    rows = session.execute(
        select(contact).select_from(coded.join(contact, true())).order_by(contact.c.at.desc()).limit(limit)
    )
    return [Coded(*row) for row in rows]
