"""What a provider tells of our messages: contact, count, address, action and price follow; in any order, told
any number of times, with the same result."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from recupero.contacts.queries import permissions_of
from recupero.contacts.replaying import replay_contacts
from recupero.contacts.tables import Contact, PersonContact
from recupero.kernel import clock, crypto, jobs, runtime
from recupero.kernel.database import PLATFORM, Scope
from recupero.kernel.errors import UserError
from recupero.outreach import service
from recupero.outreach.conversations.collecting import take_file
from recupero.outreach.conversations.tables import ChannelEvent, CollectMark
from recupero.outreach.tables import Action, ActionEvent
from recupero.outreach.understanding.tables import HandOver
from recupero.placements import reach
from recupero.placements.tables import ContactPoint
from recupero_sdk.channels import Cost
from recupero_sdk.inbound import MessageEvent
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_carrying_out import run
from tests.outreach.two_way import Provider, switch_on


def written_to(provider: Provider, channel: str = "email") -> tuple[Placed, str]:
    """Somebody to whom a message went out, and the provider's reference of it."""
    placed = place(provider.scope)
    plan(placed, channel)
    run()
    return placed[0], f"ref-{provider.pigeon.sent[-1].key}"


def told(provider: Provider, reference: str, *fates: str, **more: Any) -> None:
    for fate in fates:
        event = {"id": f"{reference}:{fate}", "reference": reference, "fate": fate, **more}
        assert provider.tell(event).status_code == 202
    jobs.drain()


def standing(provider: Provider) -> tuple[str, str | None, str | None, str, str]:
    """State and note of the contact, how the law counts it, the address, the action."""
    with runtime.current().database.transaction(provider.scope) as session:
        row = session.execute(
            select(
                Contact.state, Contact.disposition, PersonContact.outcome, ContactPoint.status, Action.state
            )
            .outerjoin(PersonContact, PersonContact.contact_id == Contact.id)
            .join(ContactPoint, ContactPoint.id == Contact.contact_point_id)
            .join(Action, Action.id == Contact.action_id)
            .where(Contact.direction == "outbound")
        ).one()
        return tuple(row)  # type: ignore[return-value]  # the columns are of these types


@pytest.mark.parametrize(
    ("fates", "expected"),
    [
        (("sent",), ("sent", None, "delivered", "untested", "sent")),
        (("sent", "delivered"), ("delivered", "DLVD", "delivered", "untested", "delivered")),
        (("delivered", "read"), ("delivered", "OPEN", "delivered", "untested", "delivered")),
        (("failed",), ("failed", None, "failed", "untested", "failed")),
        (("permanent",), ("failed", "BNCE", "failed", "invalid", "failed")),
    ],
)
def test_each_news_has_its_effect(
    provider: Provider, fates: tuple[str, ...], expected: tuple[str, str | None, str, str, str]
) -> None:
    _placed, reference = written_to(provider)
    told(provider, reference, *fates)
    assert standing(provider) == expected


def test_the_order_in_which_news_come_does_not_matter(provider: Provider) -> None:
    found = set()
    for order in itertools.permutations(("sent", "delivered", "read")):
        _placed, reference = written_to(provider)
        told(provider, reference, *order)
        told(provider, reference, *order)
        with runtime.current().database.transaction(provider.scope) as session:
            found.add(
                tuple(
                    session.execute(
                        select(Contact.state, Contact.disposition).where(Contact.reference == reference)
                    ).one()
                )
            )
    assert found == {("delivered", "OPEN")}
    with runtime.current().database.transaction(provider.scope) as session:
        assert set(session.execute(select(Action.state)).scalars()) == {"delivered"}
    assert replay_contacts(runtime.current().database).broken == ()


def test_a_late_failure_does_not_take_an_arrival_back_and_spoils_the_address(provider: Provider) -> None:
    _placed, reference = written_to(provider)
    told(provider, reference, "delivered", "permanent")
    assert standing(provider)[:4] == ("delivered", "BNCE", "delivered", "invalid")


def also_at(placed: Placed, number: str) -> None:
    """The debtor's second telephone."""
    with runtime.current().database.transaction(placed.scope) as session:
        session.add(ContactPoint(
            tenant_id=placed.scope.tenant(), debtor_id=placed.debtor_id, kind="phone", value=number,
            value_index=crypto.keyring().blind_index(number), status="untested", source="test",
            line_type="mobile", created_at=clock.now(),
        ))  # fmt: skip


def test_what_came_back_hours_later_goes_to_the_next_address_at_once_and_once(provider: Provider) -> None:
    placed, reference = written_to(provider, "sms")
    also_at(placed, "+56987654321")
    clock.advance(timedelta(days=3))  # Chile's law lets the next one after two days
    told(provider, reference, "permanent")
    told(provider, reference, "permanent", id="told again")
    run()
    assert [one.recipient for one in provider.pigeon.sent][1:] == ["+56987654321"]
    with runtime.current().database.transaction(provider.scope) as session:
        assert list(session.execute(select(Action.state).order_by(Action.created_at)).scalars()) == [
            "failed", "sent",
        ]  # fmt: skip
        told_why = select(ActionEvent.reason).where(ActionEvent.reason.like("address:%"))
        assert list(session.execute(told_why).scalars()) == ["address: no reason given"]
    assert replay_contacts(runtime.current().database).illegal == ()


def test_what_the_law_does_not_let_go_at_once_waits_for_the_next_lawful_moment(provider: Provider) -> None:
    placed, reference = written_to(provider, "sms")
    also_at(placed, "+56987654321")
    told(provider, reference, "sent")
    told(provider, reference, "permanent")
    run()
    with runtime.current().database.transaction(provider.scope) as session:
        waits = session.execute(select(Action).where(Action.state == "scheduled")).scalar_one()
        assert waits.reason is not None
        assert waits.reason.startswith("law:")
        assert waits.due_at > clock.now()


def test_news_that_came_before_our_books_wait_for_them(provider: Provider) -> None:
    told(provider, "ref-1-1", "delivered")
    with runtime.current().database.transaction(provider.scope) as session:
        event = session.execute(select(ChannelEvent)).scalar_one()
        assert (event.state, event.reason) == ("new", "unknown_message")
    placed, _reference = written_to(provider)
    with runtime.current().database.transaction(placed.scope) as session:
        session.execute(update(Contact).values(reference="ref-1-1"))
    clock.advance(timedelta(minutes=2))
    sweep()
    assert standing(provider)[0] == "delivered"


def test_news_of_nobody_end_in_quarantine(provider: Provider) -> None:
    told(provider, "who?", "delivered")
    clock.advance(timedelta(minutes=31))
    sweep()
    with runtime.current().database.transaction(provider.scope) as session:
        event = session.execute(select(ChannelEvent)).scalar_one()
        assert (event.state, event.reason) == ("quarantined", "unknown_message")


def test_an_unknown_contact_is_settled_by_the_providers_word(provider: Provider) -> None:
    provider.pigeon.loses = True
    _placed, _reference = written_to(provider)
    assert standing(provider)[0] == "unknown"
    key = provider.pigeon.sent[-1].key
    assert provider.pigeon.sent[-1].callback_url.endswith(f"{provider.path}?message={key}")
    event = {"id": "e", "reference": "P-17", "fate": "delivered", "cost": [55_000, "USD", 2]}
    assert provider.tell(event, query=f"?message={key}").status_code == 202
    jobs.drain()
    assert standing(provider) == ("delivered", "DLVD", "delivered", "untested", "delivered")
    with runtime.current().database.transaction(provider.scope) as session:
        contact = session.execute(select(Contact)).scalar_one()
        assert contact.reference == "P-17"
        assert (contact.cost_micro, contact.cost_units, contact.cost_currency) == (55_000, 2, "USD")


def test_what_a_message_costs_is_booked_at_sending_and_corrected_by_later_word(provider: Provider) -> None:
    provider.pigeon.cost = Cost(50_000, "USD", 2)
    _placed, reference = written_to(provider)

    def booked() -> tuple[int | None, int | None, str | None]:
        with runtime.current().database.transaction(provider.scope) as session:
            contact = session.execute(select(Contact)).scalar_one()
            return contact.cost_micro, contact.cost_units, contact.cost_currency

    assert booked() == (50_000, 2, "USD")
    event = {"id": "e", "reference": reference, "fate": "delivered", "cost": [900_000, "CLP", 3]}
    assert provider.tell(event).status_code == 202
    jobs.drain()
    assert booked() == (900_000, 3, "CLP")


def test_what_a_person_took_for_lost_counts_again_when_the_provider_says_that_it_arrived(
    provider: Provider,
) -> None:
    provider.pigeon.loses = True
    written_to(provider)
    key = provider.pigeon.sent[-1].key
    with runtime.current().database.transaction(provider.scope) as session:
        service.settle_unknown(session, int(key.partition("-")[2]), delivered=False, actor="user:1")
    assert standing(provider)[0] == "failed"
    assert standing(provider)[2] is None  # released: it counted for nothing
    told(provider, key, "delivered")
    assert standing(provider)[:3] == ("delivered", "DLVD", "delivered")


def test_a_complaint_closes_the_channel_at_once(provider: Provider) -> None:
    placed, reference = written_to(provider)
    plan([placed], "email", "follow_up", after=timedelta(days=9))
    told(provider, reference, "complaint")
    with runtime.current().database.transaction(provider.scope) as session:
        assert permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out == {"email"}
        states = session.execute(select(Action.state).order_by(Action.id)).scalars().all()
    assert list(states) == ["delivered", "cancelled"]


def test_who_stopped_us_at_the_provider_was_not_reached(provider: Provider) -> None:
    placed, reference = written_to(provider)
    told(provider, reference, "opted_out")
    with runtime.current().database.transaction(provider.scope) as session:
        assert permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out == {"email"}
        assert session.execute(select(Action.state)).scalar_one() == "failed"
    assert standing(provider)[:3] == ("failed", "OPTO", "failed")


def test_where_the_post_says_that_they_died_everything_rests_and_a_person_looks_into_it(
    provider: Provider,
) -> None:
    placed, reference = written_to(provider)
    plan([placed], "sms", "follow_up", after=timedelta(days=9))
    for _time in range(2):
        told(provider, reference, "deceased")
    with runtime.current().database.transaction(provider.scope) as session:
        holds = reach.open_holds(session, [placed.debtor_id])[placed.debtor_id]
        assert {(hold.kind, hold.account_id) for hold in holds} == {("deceased", None), ("person", None)}
        states = session.execute(select(Action.state).order_by(Action.id)).scalars().all()
        assert list(states) == ["failed", "cancelled"]
        assert session.execute(select(HandOver.why)).scalar_one() == "deceased"
        assert set(session.execute(select(ContactPoint.status)).scalars()) == {"untested"}


def test_another_creditor_cannot_tell_news_of_our_messages(provider: Provider, world: World) -> None:
    _placed, reference = written_to(provider)
    other = world.tenant(Scope(provider.scope.agency_id))
    switch_on(other)
    told(replace(provider, scope=other), reference, "permanent")
    told(replace(provider, scope=other), provider.pigeon.sent[-1].key, "permanent")
    assert standing(provider)[0] == "sent"


def test_a_file_of_returned_mail_and_the_lines_that_cannot_be_read(provider: Provider) -> None:
    _placed, reference = written_to(provider)
    file = f"reference,reason\n{reference},moved away\nnonsense\n".encode()
    with runtime.current().database.transaction(provider.scope) as session:
        first = take_file(session, "pigeon", file, actor="user:1")
    with runtime.current().database.transaction(provider.scope) as session:
        again = take_file(session, "pigeon", file, actor="user:1")
    jobs.drain()
    assert (first.events, first.new, list(first.problems)) == (1, 1, [(3, "has no reason")])
    assert (again.events, again.new) == (1, 0)
    assert standing(provider)[:4] == ("failed", "BNCE", "failed", "invalid")
    with (
        pytest.raises(UserError, match="first line"),
        runtime.current().database.transaction(provider.scope) as session,
    ):
        take_file(session, "pigeon", b"%PDF", actor="user:1")


def test_a_mailbox_is_asked_from_where_it_was_left(provider: Provider) -> None:
    provider.pigeon.mailbox = [
        MessageEvent(f"m{number}", "email", "nobody@example.com", "hola") for number in range(5)
    ]
    ask("outreach.collect")
    ask("outreach.collect")
    provider.pigeon.mailbox.append(MessageEvent("m5", "email", "nobody@example.com", "hola"))
    provider.pigeon.away = True
    ask("outreach.collect")
    with runtime.current().database.transaction(provider.scope) as session:
        mark = session.execute(select(CollectMark)).scalar_one()
        assert (mark.mark, mark.problem) == ("5", "ConnectionRefusedError: nobody is there")
    provider.pigeon.away = False
    ask("outreach.collect")
    with runtime.current().database.transaction(provider.scope) as session:
        events = session.execute(select(ChannelEvent.event_id).order_by(ChannelEvent.id)).scalars().all()
        assert list(events) == [f"m{number}" for number in range(6)]
        assert session.execute(select(CollectMark.problem)).scalar_one() is None


def sweep() -> None:
    ask("outreach.sweep_inbound")


def ask(name: str) -> None:
    with runtime.current().database.transaction(PLATFORM) as session:
        jobs.enqueue(session, name)
    jobs.drain()
