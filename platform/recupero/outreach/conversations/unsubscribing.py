"""The address in each mail by which its reader closes the channel with one click (RFC 8058)."""

import hmac

from sqlalchemy.orm import Session

from recupero.contacts import messages as contact_messages
from recupero.contacts import queries as contacts
from recupero.contacts import service
from recupero.kernel import crypto, runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import NotFound
from recupero.tenancy.queries import tenant_scope


def address(tenant_id: int, contact_id: int) -> str:
    """Where the reader of this contact's message says that they want no more of them."""
    token = f"{tenant_id}-{contact_id}-{_mark(tenant_id, contact_id)}"
    return f"{runtime.current().config.base_url}/u/{token}"


def _mark(tenant_id: int, contact_id: int) -> str:
    """128 bits that nobody else can make: the address is no login, but neither can it be guessed."""
    return crypto.keyring().blind_index(f"unsubscribe:{tenant_id}:{contact_id}").hex()


def open_token(database: Database, token: str) -> tuple[Scope, int]:
    """The creditor's scope and the contact that the token was made for. Raises NotFound."""
    tenant, _, rest = token.partition("-")
    contact, _, mark = rest.partition("-")
    if not (tenant.isdecimal() and contact.isdecimal() and max(len(tenant), len(contact)) < 19):
        raise NotFound("this address is not valid")
    if not hmac.compare_digest(mark.encode(), _mark(int(tenant), int(contact)).encode()):
        raise NotFound("this address is not valid")
    return tenant_scope(database, tenant), int(contact)


def close(session: Session, contact_id: int) -> str:
    """Close the channel of this contact to its debtor, at once; the channel. Doing it twice is once.

    Raises NotFound."""
    found = contact_messages.sent(session, contact_id)
    if found is None:
        raise NotFound("this address is not valid")
    said = contacts.permissions_of(session, [found.debtor_id]).get(found.debtor_id)
    if said is None or found.channel not in said.opted_out:
        service.record_permission(
            session, debtor_id=found.debtor_id, channel=found.channel, kind="opt_out", source="unsubscribe"
        )
    return found.channel
