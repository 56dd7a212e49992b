"""What people write: whose it is, what is kept of it, what it stops, and what nobody can place."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from recupero.contacts.events import MessageReceived
from recupero.contacts.queries import permissions_of
from recupero.contacts.replaying import replay_contacts
from recupero.contacts.tables import Contact, MessageCopy, Permission, PersonContact
from recupero.kernel import clock, crypto, events, jobs, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, NotFound
from recupero.outreach.conversations.stopping import asked, is_stop, meant
from recupero.outreach.conversations.tables import ChannelEvent, Conversation, MessageFile
from recupero.outreach.reception import working
from recupero.outreach.tables import Action
from recupero.placements import service as placements
from recupero.placements.normalise import phone_key
from recupero.placements.tables import ContactPoint
from tests.factories import World
from tests.outreach.placed import Placed, permit, place, plan
from tests.outreach.reception.test_news import sweep, written_to
from tests.outreach.test_carrying_out import run
from tests.outreach.two_way import Provider, switch_on


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[MessageReceived]:
    """What the rooms above were told."""
    found: list[MessageReceived] = []
    monkeypatch.setitem(events._handlers, MessageReceived, [lambda _session, event: found.append(event)])
    return found


def phone(placed: Placed) -> str:
    return f"+5691234{placed.debtor_id:04d}"


def says(provider: Provider, text: str, sender: str, **more: Any) -> None:
    told = {"id": f"in-{abs(hash((text, sender)))}", "channel": "sms", "sender": sender, "text": text, **more}
    assert provider.tell(told).status_code == 202
    jobs.drain()


def all_of(scope: Scope, table: Any) -> list[Any]:
    with runtime.current().database.transaction(scope) as session:
        return list(session.execute(select(table).order_by(table.id)).scalars())


def inbound(scope: Scope) -> list[Contact]:
    return [one for one in all_of(scope, Contact) if one.direction == "inbound"]


def test_a_message_joins_the_account_of_whoever_has_the_number(
    provider: Provider, received: list[MessageReceived]
) -> None:
    _other, placed = place(provider.scope, 2)
    for _time in range(2):
        says(provider, "Ya pagué <b>ayer</b>", phone(placed))
    (contact,) = inbound(provider.scope)
    assert (contact.account_id, contact.debtor_id, contact.state) == (
        placed.account_id, placed.debtor_id, "received",
    )  # fmt: skip
    (copy,) = all_of(provider.scope, MessageCopy)
    assert (copy.body, copy.address) == ("Ya pagué <b>ayer</b>", phone(placed))
    (talk,) = all_of(provider.scope, Conversation)
    assert (talk.debtor_id, talk.channel, talk.waiting_since) == (placed.debtor_id, "sms", contact.at)
    assert received == [MessageReceived(contact.id, placed.debtor_id, placed.account_id, "sms")]


def test_an_answer_finds_its_message_whatever_address_it_comes_from(provider: Provider) -> None:
    placed, reference = written_to(provider)
    says(provider, "hola", "otra@example.com", channel="email", answers=["<x@y>", reference])
    (contact,) = inbound(provider.scope)
    assert contact.account_id == placed.account_id
    (ours,) = [one for one in all_of(provider.scope, Contact) if one.direction == "outbound"]
    assert (ours.state, ours.disposition) == ("delivered", "RPLY")
    assert [one.state for one in all_of(provider.scope, Action)] == ["answered"]


def test_our_key_in_a_message_id_is_enough(provider: Provider) -> None:
    placed, _reference = written_to(provider)
    key = provider.pigeon.sent[-1].key
    says(provider, "hola", "otra@example.com", channel="email", answers=[f"<{key}@mail.example.com>"])
    assert inbound(provider.scope)[0].account_id == placed.account_id


def test_of_several_with_one_number_the_one_we_wrote_to_last_is_meant(provider: Provider) -> None:
    first, second = place(provider.scope, 2, kinds=("email",))
    share(provider.scope, [first, second], "+56955555555")
    says(provider, "quién es?", "+56955555555")
    (event,) = all_of(provider.scope, ChannelEvent)
    assert (event.state, event.reason) == ("quarantined", "shared_address")
    plan([first], "sms")
    run()
    says(provider, "de qué se trata?", "+56955555555")
    assert [one.account_id for one in inbound(provider.scope)] == [first.account_id]


def share(scope: Scope, people: list[Placed], number: str) -> None:
    with runtime.current().database.transaction(scope) as session:
        for one in people:
            session.add(
                ContactPoint(
                    tenant_id=scope.tenant(), debtor_id=one.debtor_id, kind="phone", value=number,
                    value_index=crypto.keyring().blind_index(phone_key(number)), line_type="mobile",
                    source="test", created_at=clock.now(),
                )
            )  # fmt: skip
            session.flush()


def test_a_forged_address_is_nobodys_until_a_person_says_so(
    provider: Provider, received: list[MessageReceived]
) -> None:
    placed, reference = written_to(provider)
    says(provider, "mi saldo?", f"deudor{placed.debtor_id}@example.com", channel="email", forged=True,
         answers=[reference])  # fmt: skip
    (event,) = all_of(provider.scope, ChannelEvent)
    assert (event.state, event.reason, inbound(provider.scope), received) == (
        "quarantined", "forged_sender", [], [],
    )  # fmt: skip
    with runtime.current().database.transaction(provider.scope) as session:
        working.assign(session, event.id, placed.account_id, actor="user:1")
    assert [one.account_id for one in inbound(provider.scope)] == [placed.account_id]
    assert len(received) == 1


def test_a_stranger_waits_in_quarantine_until_a_person_says_whose_it_is(
    provider: Provider, received: list[MessageReceived]
) -> None:
    placed = place(provider.scope)[0]
    says(provider, "soy yo", "+56900000000", files=[["a.txt", "text/plain", 2, "hi"]])
    (event,) = all_of(provider.scope, ChannelEvent)
    assert (event.state, event.reason, received) == ("quarantined", "unknown_sender", [])
    with runtime.current().database.transaction(provider.scope) as session, pytest.raises(NotFound):
        working.assign(session, event.id, 999_999, actor="user:1")
    with runtime.current().database.transaction(provider.scope) as session:
        contact_id = working.assign(session, event.id, placed.account_id, actor="user:1")
    (contact,), (file,) = inbound(provider.scope), all_of(provider.scope, MessageFile)
    assert contact.id == contact_id == file.contact_id == received[0].contact_id
    with runtime.current().database.transaction(provider.scope) as session, pytest.raises(Conflict):
        working.assign(session, event.id, placed.account_id, actor="user:1")


def test_a_stranger_may_be_dismissed_and_stays_on_record(provider: Provider) -> None:
    says(provider, "gane dinero fácil", "+56900000000")
    (event,) = all_of(provider.scope, ChannelEvent)
    with runtime.current().database.transaction(provider.scope) as session:
        working.dismiss(session, event.id, actor="user:7")
    (event,) = all_of(provider.scope, ChannelEvent)
    assert (event.state, event.reason, inbound(provider.scope)) == ("done", "dismissed:user:7", [])


def test_two_creditors_hear_only_their_own_debtors(provider: Provider, world: World) -> None:
    placed = place(provider.scope)[0]
    other = world.tenant(Scope(provider.scope.agency_id))
    switch_on(other)
    says(Provider(provider.client, other, provider.pigeon), "STOP", phone(placed))
    assert [one.state for one in all_of(other, ChannelEvent)] == ["quarantined"]
    assert all_of(provider.scope, Permission) == []


@pytest.mark.parametrize(
    "text", ["STOP", " stop. ", "Baja", "¡BAJA!", "PARAR", "sair", "Cancelar", "ALTO", "remover",
             "Unsubscribe", "no más", "NÃO RECEBER", "stop all", "Baja, gracias", "Hola, BAJA por favor",
             "Sair, por favor!", "please stop", "STOP STOP STOP", "\"Bája\"", "S T O P", "s.t.o.p.",
             "ya basta", "¡Parem!", "DESCADASTRE-ME", "cancelar suscripción",
             "Baja.\n\nSaludos,\nAna Prueba", "STOP\n\nRegards,\nA. Smith\nLondon"],
)  # fmt: skip
def test_these_words_alone_are_orders(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize(
    "text", ["quiero pagar, paren de llamar", "stop calling me, I will pay on Friday", "", "   ", "👍",
             "la cuenta está de baja", "sairei amanhã", "para mañana", "gracias", "hola",
             "Cancelar\nel viernes", "Cancelar el total\nSaludos,\nAna",
             "stop " * 1000],
)  # fmt: skip
def test_inside_a_sentence_they_are_for_a_person(text: str) -> None:
    assert not is_stop(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Denme de baja", True), ("por favor deme de baja de su lista", True), ("quiero la baja", True),
        ("no quiero mas mensajes denme de baja", True), ("me tirem dessa lista", True),
        ("Please take me off this list", True), ("ya bórrenme de su lista", True),
        ("No me den de baja", False), ("no quiero darme de baja, mándeme el link", False),
        ("não quero sair, me manda o link", False), ("please don't unsubscribe me", False),
        ("don't stop sending me the statements", False), ("no dejen de mandarme los avisos", False),
        ("quiero dar de baja el servicio", None), ("me dieron de baja en la pega", None),
        ("estoy de baja médica", None), ("no voy a pagar", None), ("", None),
    ],
)  # fmt: skip
def test_a_sentence_that_asks_to_be_taken_off_is_told_from_one_that_asks_not_to_be(
    text: str, told: bool | None
) -> None:
    assert asked(text) is told


def test_stop_closes_the_channel_at_once_and_is_confirmed_once_where_the_law_lets_it(
    provider: Provider,
) -> None:
    clock.advance(timedelta(hours=3))  # late morning in Illinois
    placed = place(
        provider.scope, country="US", currency="USD", region="US-IL", timezone="America/Chicago",
        language="en",
    )[0]  # fmt: skip
    permit(placed, "sms")
    plan([placed], "sms", after=timedelta(days=1))
    clock.advance(timedelta(minutes=1))
    for _time in range(2):
        says(provider, "Stop!", phone(placed))
    with runtime.current().database.transaction(provider.scope) as session:
        assert "sms" in permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out
        actions = session.execute(select(Action.template, Action.state)).all()
    assert {tuple(row) for row in actions} == {("first_notice", "cancelled"), ("stopped", "sent")}
    (message,) = provider.pigeon.sent
    assert (message.recipient, message.template) == (phone(placed), "stopped")
    assert message.answers == inbound(provider.scope)[0].reference
    assert "We will not write to you this way any more" in message.text
    (talk,) = all_of(provider.scope, Conversation)
    assert talk.waiting_since is None
    assert replay_contacts(runtime.current().database).broken == ()


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("BAJA TOTAL", "all"),
        ("Stop all!", "all"),
        ("no me escriban por ningún medio", "all"),
        ("don't contact me by any means", "all"),
        ("não quero nada por nenhum canal", "all"),
        ("no me llamen ni me escriban más", "all"),
        ("stop calling and texting me", "all"),
        ("parem de ligar e de mandar mensagem", "all"),
        ("no me llamen más", "call"),
        ("dejen de llamarme", "call"),
        ("Do not call me again", "call"),
        ("parem de me ligar", "call"),
        ("no más llamadas por favor", "call"),
        ("BAJA", "sms"),
        ("no me escriban por este medio", "sms"),
        ("stop texting me", "sms"),
        ("que tengan un buen día", "sms"),
    ],
)
def test_what_a_stop_closes(text: str, closed: str) -> None:
    assert meant(text, "sms") == closed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Do not call me again.", True),
        ("please don't text me any more", True),
        ("No me llamen más. Ya pagué.", True),
        ("dejen de escribirme por favor", True),
        ("no me molesten más", True),
        ("não me liguem mais", True),
        ("parem de mandar mensagens", True),
        ("Stop calling me, I'll pay on Friday", True),
        ("dejen de llamarme que mañana pago", True),
        ("dejen de llamarme o los denuncio", True),
        ("parem de me ligar que amanhã eu pago", True),
        ("mándenme el link pero ya no me llamen", True),
        ("quero sair da lista", True),
        ("quiero cancelar la suscripción", True),
        ("don't call me at work", None),
        ("no me llamen antes de las 10", None),
        ("no me llamen más al trabajo", None),
        ("no me llamen más que una vez al día", None),
        ("no me llamen mas o menos a las 10", None),
        ("please stop calling my mother, I'll pay", None),
        ("quero sair dessa dívida", False),
        ("I'll stop by your office tomorrow", False),
        ("I can't stop worrying", False),
    ],
)
def test_a_sentence_that_asks_to_be_left_in_peace(text: str, told: bool | None) -> None:
    assert asked(text) is told


def test_who_wants_no_calls_is_called_no_more_and_may_be_written_to(provider: Provider) -> None:
    clock.advance(timedelta(hours=3))  # late morning in Illinois
    placed = place(
        provider.scope, country="US", currency="USD", region="US-IL", timezone="America/Chicago",
        language="en",
    )[0]  # fmt: skip
    permit(placed, "sms")
    says(provider, "Please stop calling me", phone(placed))
    with runtime.current().database.transaction(provider.scope) as session:
        closed = permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out
    assert "call" in closed
    assert "sms" not in closed
    assert "We will not call you any more" in provider.pigeon.sent[-1].text


def test_a_stop_to_everything_closes_everything_and_says_so(provider: Provider) -> None:
    clock.advance(timedelta(hours=3))  # late morning in Illinois
    placed = place(
        provider.scope, country="US", currency="USD", region="US-IL", timezone="America/Chicago",
        language="en",
    )[0]  # fmt: skip
    permit(placed, "sms")
    plan([placed], "email", after=timedelta(days=1))
    says(provider, "STOP ALL", phone(placed))
    with runtime.current().database.transaction(provider.scope) as session:
        closed = permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out
        actions = session.execute(select(Action.template, Action.state)).all()
    assert {"sms", "email", "call", "whatsapp", "letter"} <= closed
    assert {tuple(row) for row in actions} == {("first_notice", "cancelled"), ("stopped_wholly", "sent")}
    assert "neither write to you nor call you" in provider.pigeon.sent[-1].text


def test_who_says_stop_several_times_in_a_row_is_told_once_what_is_closed(provider: Provider) -> None:
    clock.advance(timedelta(hours=3))  # late morning in Illinois
    placed = place(
        provider.scope, country="US", currency="USD", region="US-IL", timezone="America/Chicago",
        language="en",
    )[0]  # fmt: skip
    for said in ("STOP", "Stop please", "STOP ALL", "stop", "Stop all!"):
        says(provider, said, phone(placed))
    assert [one.template for one in provider.pigeon.sent] == ["stopped", "stopped_wholly"]
    assert len(inbound(provider.scope)) == 5, "each is kept"
    clock.advance(timedelta(days=2))
    says(provider, "STOP!!", phone(placed))
    assert [one.template for one in provider.pigeon.sent][2:] == ["stopped"]


def test_where_the_law_forbids_it_the_stop_is_not_confirmed(provider: Provider) -> None:
    placed = place(
        provider.scope, country="BR", currency="BRL", region="BR-SP", timezone="America/Sao_Paulo",
        language="pt",
    )[0]  # fmt: skip
    says(provider, "SAIR", phone(placed))
    (action,) = all_of(provider.scope, Action)
    assert (action.state, action.reason) == ("blocked", "law:BR-SP-NAOMELIGUE")
    assert provider.pigeon.sent == []


@pytest.mark.parametrize(
    ("country", "currency", "zone", "region", "word"),
    [
        ("CL", "CLP", "America/Santiago", "CL-RM", "BAJA"),
        ("CO", "COP", "America/Bogota", "CO-DC", "Baja."),
        ("MX", "MXN", "America/Mexico_City", None, "¡baja!"),
        ("BR", "BRL", "America/Sao_Paulo", "BR-RJ", "Parar"),
    ],
)
def test_a_stop_is_confirmed_though_they_were_written_to_an_hour_ago_and_are_on_hold(
    provider: Provider, country: str, currency: str, zone: str, region: str | None, word: str
) -> None:
    clock.advance(timedelta(hours=1))
    placed = place(provider.scope, country=country, currency=currency, timezone=zone, region=region)[0]
    permit(placed, "sms")
    plan([placed], "sms")
    run()
    clock.advance(timedelta(hours=1))
    with runtime.current().database.transaction(provider.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=placed.account_id, kind="dispute", source="test"
        )
    says(provider, word, phone(placed))
    assert {one.template: one.state for one in all_of(provider.scope, Action)}["stopped"] == "sent"
    assert "$" not in provider.pigeon.sent[-1].text
    assert replay_contacts(runtime.current().database).broken == ()


def test_stop_from_a_shared_number_stops_all_who_have_it(provider: Provider) -> None:
    people = place(provider.scope, 2, kinds=("email",))
    share(provider.scope, people, "+56955555555")
    says(provider, "STOP", "+56955555555")
    with runtime.current().database.transaction(provider.scope) as session:
        said = permissions_of(session, [one.debtor_id for one in people])
    assert {one.debtor_id: frozenset({"sms"}) for one in people} == {
        debtor: words.opted_out for debtor, words in said.items()
    }


def test_what_a_machine_answers_is_kept_and_changes_nothing(
    provider: Provider, received: list[MessageReceived]
) -> None:
    placed = place(provider.scope)[0]
    says(
        provider, "STOP", f"deudor{placed.debtor_id}@example.com", channel="email", automatic=True,
        subject="Out of office",
    )  # fmt: skip
    (contact,) = inbound(provider.scope)
    with runtime.current().database.transaction(provider.scope) as session:
        counted = session.execute(select(func.count()).select_from(PersonContact)).scalar_one()
    assert (contact.state, counted, received, all_of(provider.scope, Permission)) == ("received", 0, [], [])
    assert all_of(provider.scope, Conversation)[0].waiting_since is None


def test_files_are_kept_within_limits_and_what_is_refused_stays_visible(provider: Provider) -> None:
    placed = place(provider.scope)[0]
    pdf, bomb = "%PDF-1.7 ok", "PK\x03\x04" + "\0" * 50
    files = [
        ["../../etc/boleta.pdf", "application/pdf", len(pdf), pdf],
        ["todo.zip", "application/zip", len(bomb), bomb],
        ["foto.jpg", "image/jpeg", len(bomb), bomb],
        ["hola.exe", "application/x-msdownload", 2, "MZ"],
        ["largo.mp4", "video/mp4", 90_000_000, None],
        ["activo.pdf", "application/pdf", 30, "%PDF-1.7 << /S /JavaScript >>"],
        ["nota.ogg", "audio/ogg; codecs=opus", 6, "OggS.."],
        *([f"{number}.txt", "text/plain", 1, "x"] for number in range(100)),
    ]
    says(provider, "adjunto", phone(placed), files=files)
    kept = all_of(provider.scope, MessageFile)
    assert [(one.name, one.refused) for one in kept[:7]] == [
        ("boleta.pdf", None), ("todo.zip", "archive"), ("foto.jpg", "archive"), ("hola.exe", "kind"),
        ("largo.mp4", "too_large"), ("activo.pdf", "active"), ("nota.ogg", None),
    ]  # fmt: skip
    assert [one.refused for one in kept[7:]] == [None] * 3 + ["too_many"] * 41
    assert kept[-1].name == "+ 57"
    (contact,) = inbound(provider.scope)
    assert {one.contact_id for one in kept} == {contact.id}
    with runtime.current().database.transaction(provider.scope) as session:
        raw = session.connection().exec_driver_sql("SELECT content FROM message_files ORDER BY id").first()
    assert b"%PDF" not in bytes(raw[0])


def test_texts_without_end_and_with_strange_characters_are_kept_as_far_as_they_go(provider: Provider) -> None:
    placed = place(provider.scope)[0]
    says(provider, "a\x00b" + "ñ" * 50_000, phone(placed))
    (copy,) = all_of(provider.scope, MessageCopy)
    assert copy.body.startswith("abñ")
    assert copy.body.endswith(" […]")
    assert len(copy.body) < 20_100


def test_an_event_that_cannot_be_worked_is_tried_again_then_shown_and_loses_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = place(provider.scope, 2)

    def fail(*_: object) -> None:
        raise RuntimeError("a room above has a fault")

    with monkeypatch.context() as patch:
        patch.setitem(
            events._handlers, MessageReceived,
            [lambda session, event: fail() if event.debtor_id == bad.debtor_id else None],
        )  # fmt: skip
        says(provider, "uno", phone(bad))
        says(provider, "dos", phone(good))
        assert [one.state for one in all_of(provider.scope, ChannelEvent)] == ["new", "done"]
        for _try in range(5):
            clock.advance(timedelta(hours=1))
            sweep()
    first = all_of(provider.scope, ChannelEvent)[0]
    assert (first.state, first.reason, first.attempts) == ("failed", "error:RuntimeError", 5)
    assert [one.debtor_id for one in inbound(provider.scope)] == [good.debtor_id]
    with runtime.current().database.transaction(provider.scope) as session:
        working.try_again(session, first.id, actor="user:1")
    clock.advance(timedelta(minutes=1))
    sweep()
    assert {one.debtor_id for one in inbound(provider.scope)} == {good.debtor_id, bad.debtor_id}


def test_a_job_lost_with_redis_is_asked_for_again(provider: Provider) -> None:
    placed = place(provider.scope)[0]
    provider.tell({"id": "m1", "channel": "sms", "sender": phone(placed), "text": "hola"})
    runtime.current().redis.flushdb()
    clock.advance(timedelta(minutes=3))
    sweep()
    assert len(inbound(provider.scope)) == 1
