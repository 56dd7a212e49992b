"""Today in numbers: contacts made and answered, and those of which nobody knows what became."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.contacts.tables import Contact
from recupero.kernel.database import scope_of


@dataclass(frozen=True, slots=True)
class Made:
    """Outbound contacts: how many, how many of them answered; and what debtors sent themselves."""

    outbound: int
    answered: int
    inbound: int


def made(session: Session, since: datetime) -> Made:
    """Contacts of the tenants in scope since a moment."""
    out = Contact.direction == "outbound"
    row = session.execute(
        select(
            func.count().filter(out & (Contact.state != "failed")),
            func.count().filter(out & (Contact.state == "answered")),
            func.count().filter(~out),
        ).where(Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.at >= since)
    ).one()
    return Made(*row)


def unknown(session: Session) -> int:
    """Contacts of the tenants in scope that wait for a person to say what became of them."""
    return session.execute(
        select(func.count())
        .select_from(Contact)
        .where(Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.state == "unknown")
    ).scalar_one()
