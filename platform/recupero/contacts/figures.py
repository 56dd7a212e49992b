"""Today in numbers: contacts made and answered, and those of which nobody knows what became."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from recupero.contacts.tables import Contact
from recupero.kernel.database import scope_of
from recupero.kernel.listing import Part, arranged_of


@dataclass(frozen=True, slots=True)
class Made:
    """Outbound contacts: how many, how many of them answered; and what debtors sent themselves."""

    outbound: int
    answered: int
    inbound: int


_OUT = Contact.direction == "outbound"
#: What `Made` counts, by the name of its figure.
COUNTED = {
    "outbound": _OUT & (Contact.state != "failed"),
    "answered": _OUT & (Contact.state == "answered"),
    "inbound": ~_OUT,
}


def made(session: Session, since: datetime) -> Made:
    """Contacts of the tenants in scope since a moment."""
    row = session.execute(
        select(*(func.count().filter(counted) for counted in COUNTED.values())).where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.at >= since
        )
    ).one()
    return Made(**dict(zip(COUNTED, row, strict=True)))


@dataclass(frozen=True, slots=True)
class MadeLine:
    """One contact of `made`."""

    id: int
    tenant_id: int
    account_id: int | None
    at: datetime
    channel: str
    state: str


def made_lines(session: Session, since: datetime, figure: str, part: Part) -> list[MadeLine]:
    """The contacts that a figure of `made` (a key of `COUNTED`) counts; with another word all of them. Newest
    first."""
    query = select(
        Contact.id, Contact.tenant_id, Contact.account_id, Contact.at, Contact.channel, Contact.state,
    ).where(
        Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.at >= since, COUNTED.get(figure, true())
    )  # fmt: skip
    by = {"at": Contact.at, "channel": Contact.channel, "state": Contact.state}
    key, own = (Contact.tenant_id, Contact.id), (Contact.at.desc(), Contact.id.desc())
    rows = session.execute(arranged_of(query, key, scope_of(session).tenant_ids, by, part, *own))
    return [MadeLine(*row) for row in rows]


def unknown(session: Session) -> int:
    """Contacts of the tenants in scope that wait for a person to say what became of them."""
    return session.execute(
        select(func.count())
        .select_from(Contact)
        .where(Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.state == "unknown")
    ).scalar_one()
