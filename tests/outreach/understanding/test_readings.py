"""What debtors write is read: the safe is answered with the link, the rest is handed over to a person."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from recupero.contacts.queries import permissions_of
from recupero.contacts.replaying import replay_contacts
from recupero.contacts.tables import Contact
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.conversations.tables import ChannelEvent, Conversation
from recupero.outreach.tables import Action
from recupero.outreach.understanding import hand_overs, readings
from recupero.outreach.understanding.tables import HandOver, MessageReading
from recupero.payments.books.booking import Received, book_payment
from recupero.placements.tables import Hold
from recupero.tenancy import service as tenancy
from tests.outreach.placed import Placed, permit, place, plan
from tests.outreach.reception.test_messages import all_of, phone, says
from tests.outreach.test_carrying_out import run
from tests.outreach.two_way import Provider


@pytest.fixture
def placed(provider: Provider) -> Placed:
    return place(provider.scope)[0]


def states(provider: Provider, template: str) -> list[tuple[str, str | None]]:
    found = all_of(provider.scope, Action)
    return [(one.state, one.reason) for one in found if one.template == template]


def close(provider: Provider, placed: Placed, **said: str) -> None:
    told = {"cause": "ILLNESS", "next_step": "Llamar el lunes", **said}
    with runtime.current().database.transaction(provider.scope) as session:
        hand_overs.close(session, placed.debtor_id, actor="user:7", **told)


def only(rows: list[Any]) -> Any:
    (row,) = rows
    return row


def test_who_asks_for_the_link_gets_it_and_nobody_else_is_bothered(
    provider: Provider, placed: Placed
) -> None:
    says(provider, "Buenas, ¿me puede mandar el link para pagar por favor?", phone(placed))
    reading = only(all_of(provider.scope, MessageReading))
    assert (reading.course, reading.guesses[0][0], reading.model[:15]) == (
        "answer", "wants_link", "intents-brought",
    )  # fmt: skip
    assert [state for state, _reason in states(provider, "own_page")] == ["sent"]
    text = provider.pigeon.sent[-1].text
    assert provider.pigeon.sent[-1].answers == all_of(provider.scope, ChannelEvent)[0].event_id
    assert "http" in text
    assert not any(sign in text for sign in ("$", "deuda", "debe", "saldo"))
    assert all_of(provider.scope, HandOver) == []
    assert only(all_of(provider.scope, Conversation)).waiting_since is None
    assert replay_contacts(runtime.current().database).broken == ()


@pytest.mark.parametrize(
    ("text", "sums"), [("voy a pagar doscientos mil", [200_000]), ("te pago todo el viernes sin falta", [])]
)
def test_who_will_pay_is_asked_for_the_day_where_they_prove_who_they_are(
    provider: Provider, placed: Placed, text: str, sums: list[int]
) -> None:
    says(provider, text, phone(placed))
    reading = only(all_of(provider.scope, MessageReading))
    assert (reading.course, reading.guesses[0][0], reading.amounts) == ("answer", "will_pay", sums)
    assert [state for state, _reason in states(provider, "promise_day")] == ["sent"]
    answer = provider.pigeon.sent[-1].text
    assert "/promise " in answer
    assert not any(sign in answer for sign in ("$", "deuda", "debe", "saldo", "200"))
    assert all_of(provider.scope, HandOver) == []


def paid(placed: Placed, days_ago: int) -> None:
    """Money of theirs came in; it need not fit a debt to have a receipt."""
    at = clock.now() - timedelta(days=days_ago)
    with runtime.current().database.transaction(placed.scope) as session:
        book_payment(session, Received("gateway:1", "gateway", 5_000, "CLP", at, placed.debtor_id, ()))


def test_who_asks_for_a_receipt_is_led_to_that_of_their_last_payment(
    provider: Provider, placed: Placed
) -> None:
    paid(placed, 3)
    says(provider, "Hola, necesito el recibo de mi último pago por favor", phone(placed))
    reading = only(all_of(provider.scope, MessageReading))
    assert (reading.course, reading.guesses[0][0]) == ("answer", "asks_receipt")
    assert [state for state, _reason in states(provider, "receipt")] == ["sent"]
    text = provider.pigeon.sent[-1].text
    assert "/receipt " in text
    assert not any(sign in text for sign in ("$", "deuda", "debe", "saldo"))
    assert all_of(provider.scope, HandOver) == []


@pytest.mark.parametrize("days_ago", [None, 5])
def test_who_asks_for_the_receipt_of_a_payment_that_is_not_on_record_gets_a_person(
    provider: Provider, placed: Placed, days_ago: int | None
) -> None:
    if days_ago is not None:
        paid(placed, days_ago)
    says(provider, "necesito el recibo del pago de ayer por favor", phone(placed))
    assert states(provider, "receipt") == []
    assert only(all_of(provider.scope, HandOver)).why == "no_receipt"


def test_hardship_goes_to_a_person_and_the_machines_are_silent_until_they_are_done(
    provider: Provider, placed: Placed
) -> None:
    says(provider, "Estoy sin trabajo, tengo cáncer y estoy en quimioterapia, no puedo pagar", phone(placed))
    given = only(all_of(provider.scope, HandOver))
    assert given.due_at - given.opened_at == timedelta(hours=4)
    assert only(all_of(provider.scope, Conversation)).due_at == given.due_at
    assert only(all_of(provider.scope, Hold)).kind == "person"
    permit(placed, "sms")
    plan([placed], "sms")
    run()
    assert states(provider, "first_notice") == [("blocked", "hold:person")]
    says(provider, "mándeme el link para pagar por favor", phone(placed))
    assert states(provider, "own_page") == []
    assert len(all_of(provider.scope, HandOver)) == 1
    close(provider, placed)
    assert only(all_of(provider.scope, Hold)).ended_by == "user:7"
    given = only(all_of(provider.scope, HandOver))
    assert (given.cause, given.next_step, given.closed_by) == ("ILLNESS", "Llamar el lunes", "user:7")
    assert only(all_of(provider.scope, Conversation)).waiting_since is None
    with pytest.raises(NotFound):
        close(provider, placed)


@pytest.mark.parametrize(
    ("field", "value"), [("cause", "WEATHER"), ("next_step", "  "), ("next_step", "x" * 1001)]
)
def test_whoever_closes_says_the_cause_and_the_next_step(
    provider: Provider, placed: Placed, field: str, value: str
) -> None:
    says(provider, "quiero hablar con una persona", phone(placed))
    with pytest.raises(UserError):
        close(provider, placed, **{field: value})
    assert only(all_of(provider.scope, HandOver)).closed_at is None


def test_what_is_not_understood_goes_to_a_person(provider: Provider, placed: Placed) -> None:
    says(provider, "xyzzy plugh", phone(placed))
    given = only(all_of(provider.scope, HandOver))
    assert (given.why, given.due_at - given.opened_at) == ("unsure", timedelta(hours=24))


def test_a_creditor_may_want_a_person_for_everything(provider: Provider, placed: Placed) -> None:
    with runtime.current().database.transaction(provider.scope) as session:
        tenancy.configure_tenant(session, provider.scope.tenant(), actor="user:1", answers_from=1.01)
    says(provider, "mándeme el link para pagar por favor", phone(placed))
    assert states(provider, "own_page") == []
    assert len(all_of(provider.scope, HandOver)) == 1


def test_a_wish_in_a_sentence_to_hear_no_more_closes_the_channel(provider: Provider, placed: Placed) -> None:
    says(provider, "Por favor no me manden más mensajes, no quiero recibir más mensajes", phone(placed))
    reading = only(all_of(provider.scope, MessageReading))
    assert (reading.course, reading.guesses[0][0]) == ("stop", "stop")
    with runtime.current().database.transaction(provider.scope) as session:
        assert "sms" in permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out
    assert len(states(provider, "stopped")) == 1


def test_who_is_angry_and_wants_no_more_has_both_at_once(provider: Provider, placed: Placed) -> None:
    says(provider, "no me escriban más por ningún medio, los voy a denunciar, ladrones", phone(placed))
    assert only(all_of(provider.scope, HandOver)).closed_at is None
    with runtime.current().database.transaction(provider.scope) as session:
        closed = permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out
    assert {"sms", "email", "call"} <= closed


def test_stop_alone_is_obeyed_without_being_read(provider: Provider, placed: Placed) -> None:
    says(provider, "STOP", phone(placed))
    assert all_of(provider.scope, MessageReading) == []
    assert all_of(provider.scope, HandOver) == []


def test_sums_and_days_are_kept(provider: Provider, placed: Placed) -> None:
    says(provider, "mañana te deposito $30.000", phone(placed))
    reading = only(all_of(provider.scope, MessageReading))
    tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()
    assert (reading.amounts, reading.days) == ([30_000], [tomorrow])


def test_a_message_is_read_once(provider: Provider, placed: Placed) -> None:
    says(provider, "quiero hablar con una persona", phone(placed))
    contact = only([one for one in all_of(provider.scope, Contact) if one.direction == "inbound"])
    with runtime.current().database.transaction(provider.scope) as session:
        jobs.enqueue(session, "decisions.read_message", contact_id=contact.id)
    jobs.drain()
    assert len(all_of(provider.scope, MessageReading)) == 1


def test_what_a_person_corrects_becomes_an_example(provider: Provider, placed: Placed) -> None:
    says(provider, "xyzzy plugh", phone(placed))
    reading = only(all_of(provider.scope, MessageReading))
    with runtime.current().database.transaction(provider.scope) as session:
        readings.correct(session, reading.contact_id, ["will_pay", "angry"], actor="user:7")
        (example,) = readings.examples(session)
        assert (example.text, example.labels, example.source) == (
            "xyzzy plugh", ("angry", "will_pay"), "corrected",
        )  # fmt: skip
        with pytest.raises(UserError):
            readings.correct(session, reading.contact_id, ["nonsense"], actor="user:7")
        with pytest.raises(NotFound):
            readings.correct(session, 999_999, ["angry"], actor="user:7")
        assert session.execute(select(MessageReading.corrected_by)).scalar_one() == "user:7"
