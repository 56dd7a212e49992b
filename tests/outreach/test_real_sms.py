"""Carrying out over the plug-in for text messages and Twilio's own library: what each of Twilio's answers
does to action, contact and contact point."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from plugins.channels.sms.tests.twilio_messages import Twilio, running
from recupero.contacts.queries import permissions_of
from recupero.contacts.tables import Contact
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.placements.tables import ContactPoint
from recupero.tenancy import service as tenancy
from tests.factories import World
from tests.outreach.placed import place, plan
from tests.outreach.test_carrying_out import run, states


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@contextmanager
def texting(scope: Scope, twilio: Twilio, **changes: str) -> Iterator[None]:
    """The tenant sends through this account."""
    with running(twilio, prices="default=0.05", **changes) as config:
        with runtime.current().database.transaction(scope) as session:
            tenancy.configure_plugin(
                session, kind="channel", key="sms", enabled=True, settings=dict(config.settings),
                secret_values=dict(config.secrets), actor="system",
            )  # fmt: skip
        yield


def test_the_words_of_the_house_go_out_whole_and_their_identity_is_kept(scope: Scope) -> None:
    placed, twilio = place(scope, 3), Twilio()
    plan(placed, "sms")
    with texting(scope, twilio):
        run()
    assert {state for state, _ in states(placed)} <= {"sent", "closed"}
    with runtime.current().database.transaction(scope) as session:
        references = set(session.execute(select(Contact.reference)).scalars())
        connectors = set(session.execute(select(Contact.connector)).scalars())
    assert references == {str(message["sid"]) for message in twilio.messages}
    assert connectors == {"sms"}
    assert len({message["to"] for message in twilio.messages}) == 3
    assert all("Compruebe" in str(message["body"]) for message in twilio.messages)


def test_a_busy_account_is_tried_again_and_nothing_is_asked_in_vain(scope: Scope) -> None:
    placed, twilio = place(scope, 3), Twilio(status=429, code=20429)
    plan(placed, "sms")
    with texting(scope, twilio):
        run()
    assert states(placed) == [("scheduled", "retry: Twilio 20429")] * 3
    assert len(twilio.asked) == 1


def test_a_dead_number_is_marked_and_holds_up_nobody(scope: Scope) -> None:
    placed, twilio = place(scope, 2), Twilio(dead_at=1)
    plan(placed, "sms")
    with texting(scope, twilio):
        run()
    (first, second) = states(placed)
    assert first == ("failed", "permanent: Twilio 21614")
    assert second[0] in ("sent", "closed")
    with runtime.current().database.transaction(scope) as session:
        points = session.execute(
            select(ContactPoint.status).where(ContactPoint.kind == "phone").order_by(ContactPoint.id)
        ).scalars()
        assert list(points) == ["invalid", "untested"]


def test_who_stopped_us_at_the_provider_is_left_alone_and_keeps_a_good_number(scope: Scope) -> None:
    (placed,), twilio = place(scope), Twilio(status=400, code=21610)
    plan([placed], "sms")
    with texting(scope, twilio):
        run()
    assert states([placed]) == [("failed", "permanent: Twilio 21610")]
    with runtime.current().database.transaction(scope) as session:
        assert permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out == {"sms"}
        numbers = session.execute(select(ContactPoint.status).where(ContactPoint.kind == "phone")).scalars()
        assert set(numbers) == {"untested"}


def test_a_line_that_breaks_leaves_one_unknown(scope: Scope) -> None:
    placed, twilio = place(scope, 3), Twilio(hang_up_at=2)
    plan(placed, "sms")
    with texting(scope, twilio):
        run()
    assert [state for state, _ in states(placed)][1:] == ["unknown", "scheduled"]
    assert len(twilio.messages) == 1


def test_a_wrong_token_is_the_agencys_to_mend_and_what_waits_goes_out_then(scope: Scope) -> None:
    placed, wrong, right = place(scope, 3), Twilio(token="another"), Twilio()
    plan(placed, "sms")
    with texting(scope, wrong):
        run()
        run()
    assert states(placed) == [("scheduled", "connector_problem:sms")] * 3
    assert len(wrong.asked) == 1  # nobody's token gets right by saying it again
    with texting(scope, right):
        run()
    assert {state for state, _ in states(placed)} <= {"sent", "closed"}
    assert len(right.messages) == 3
