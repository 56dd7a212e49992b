"""Contacts on a debtor's line of time."""

from typing import Any

from sqlalchemy import Select

from recupero.contacts.tables import Contact
from recupero.kernel.moments import About, keys


def moments(about: About) -> dict[str, Select[Any]]:
    """Contacts with the debtor about these accounts, or about none."""
    of = about.matches(Contact.tenant_id, Contact.debtor_id, Contact.account_id)
    return {"contact": keys("contact", Contact.at, Contact.id, of)}
