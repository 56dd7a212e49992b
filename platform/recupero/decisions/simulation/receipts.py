"""What providers tell of simulated debtors' messages: that they were read, by the door of the connectors."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from recupero.contacts.messages import Sent
from recupero.kernel.database import scope_of
from recupero.outreach.conversations import store
from recupero_sdk.inbound import Fate, StatusEvent

#: Of whose messages it is told: a text carries no receipt of reading.
TELLS = ("email", "whatsapp")


def tell_read(session: Session, read: Sequence[Sent]) -> int:
    """Store receipts of reading of these messages of the tenant in scope, which workers take up; how many."""
    by_connector = defaultdict[str, list[StatusEvent]](list)
    for one in read:
        if one.channel in TELLS and one.connector is not None:
            by_connector[one.connector].append(StatusEvent(
                id=f"read:{one.contact_id}", reference=one.reference or "", fate=Fate.READ,
                key=f"{scope_of(session).tenant()}-{one.contact_id}",
            ))  # fmt: skip
    return sum(store.receive(session, connector, told) for connector, told in by_connector.items())
