"""What providers tell of simulated messages comes by the connectors' door and is known when it is told."""

import pytest
from sqlalchemy import select

from recupero.contacts import messages
from recupero.contacts.tables import Contact
from recupero.decisions.simulation import receipts
from recupero.kernel import clock, jobs
from tests.decisions.debts import contact, debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def test_what_was_read_is_told_of_emails_and_whatsapp_messages_alone(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session))
        for channel in ("email", "whatsapp", "sms"):
            contact(session, owed, clock.now(), channel=channel, connector="outbox")
        sent = messages.sent_after(session, 0)
        assert [receipts.tell_read(session, sent) for _ in range(2)] == [2, 0], "told twice is told once"
    jobs.drain()
    with world.platform.database.transaction(scope) as session:
        found = session.execute(select(Contact.channel, Contact.disposition, Contact.read_at)).all()
    assert {channel: (code, at) for channel, code, at in found} == {
        "email": ("OPEN", clock.now()), "whatsapp": ("OPEN", clock.now()), "sms": (None, None)
    }  # fmt: skip
