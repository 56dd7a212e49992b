"""On a debtor's line of time: contacts, and what they closed to us."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from recupero.contacts.tables import Contact, Permission
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.moments import About, keys


def moments(about: About) -> dict[str, Select[Any]]:
    """Contacts with the debtor about these accounts, or about none; and the channels that they closed."""
    of = about.matches(Contact.tenant_id, Contact.debtor_id, Contact.account_id)
    closed = (
        Permission.tenant_id == about.tenant_id, Permission.debtor_id == about.debtor_id,
        Permission.kind == "opt_out",
    )  # fmt: skip
    return {
        "contact": keys("contact", Contact.at, Contact.id, of),
        "opt_out": keys("opt_out", Permission.at, Permission.id, *closed),
    }


def opt_outs(session: Session, ids: Collection[int]) -> Mapping[int, Permission]:
    """Withdrawals of the tenants in scope by id."""
    mine = among(Permission.tenant_id, scope_of(session).tenant_ids)
    rows = session.scalars(select(Permission).where(mine, among(Permission.id, ids)))
    return {one.id: one for one in rows}
