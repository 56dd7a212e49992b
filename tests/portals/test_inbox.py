"""The inbox: conversations over all channels, answering in them, placing what nobody knows; and the public
pages that know a message by its code and stop mails with one click."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from string import ascii_uppercase, digits

import pytest
from sqlalchemy import select, update

from recupero.contacts.queries import permissions_of
from recupero.contacts.tables import MessageCopy
from recupero.contacts.tables import Permission as Said
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.outreach.conversations.tables import ChannelEvent, Conversation, MessageFile
from recupero.outreach.tables import Action
from recupero.outreach.understanding.tables import MessageReading
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.outreach.placed import Placed, place
from tests.outreach.reception.test_messages import all_of, phone, says
from tests.outreach.reception.test_news import told, written_to
from tests.outreach.two_way import Pigeon, Provider, installed, switch_on
from tests.portals.conftest import Visitor


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def pigeon(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pigeon]:
    with installed(monkeypatch) as found:
        switch_on(scope)
        yield found


@pytest.fixture
def provider(visitor: Visitor, scope: Scope, pigeon: Pigeon) -> Provider:
    return Provider(visitor.client.application.test_client(), scope, pigeon)


@pytest.fixture
def agent(visitor: Visitor, scope: Scope) -> Visitor:
    return visitor.sign_in(Role.AGENT, scope)


def talk_of(placed: Placed) -> str:
    return f"/inbox/{placed.debtor_id}"


def test_whoever_waits_comes_first_and_markup_stays_text(provider: Provider, agent: Visitor) -> None:
    first, second = place(provider.scope, 2)
    says(provider, "<script>alert(1)</script> hola", phone(first))
    clock.advance(timedelta(hours=1))
    says(provider, "buenas", phone(second), automatic=True)
    page = agent.text("/inbox")
    assert page.index(talk_of(first)) < page.index(talk_of(second))
    talk = agent.text(talk_of(first))
    assert "&lt;script&gt;alert(1)&lt;/script&gt; hola" in talk
    assert "<script>alert" not in talk


def test_an_answer_goes_out_at_once_by_the_same_channel_under_the_law(
    provider: Provider, agent: Visitor
) -> None:
    placed = place(provider.scope)[0]
    says(provider, "quiero hablar con una persona", phone(placed))
    assert agent.send(talk_of(placed), text="Le llamamos hoy, {{ 7*7 }}.").status_code == 302
    jobs.drain()
    (message,) = provider.pigeon.sent
    assert (message.channel, message.recipient) == ("sms", phone(placed))
    assert message.text.startswith("Le llamamos hoy, {{ 7*7 }}.")
    assert message.answers == all_of(provider.scope, ChannelEvent)[0].event_id
    assert message.heard_at == clock.now()
    (action,) = all_of(provider.scope, Action)
    assert (action.template, action.purpose, action.state) == ("reply", "reply", "sent")
    assert all_of(provider.scope, Conversation)[0].waiting_since is None
    assert "Le llamamos hoy" in agent.text(talk_of(placed))
    told(provider, f"ref-{message.key}", "read")
    assert "Opened" in agent.text(talk_of(placed))


def test_an_answer_that_may_not_go_out_shows_why_and_the_conversation_waits_again(
    provider: Provider, agent: Visitor
) -> None:
    placed = place(provider.scope)[0]
    says(provider, "hola", phone(placed))
    with runtime.current().database.transaction(provider.scope) as session:
        session.execute(update(Conversation).values(channel="sms"))
    switch_on(provider.scope, "")  # the connector lacks its secret now
    agent.send(talk_of(placed), text="Buenas")
    jobs.drain()
    talk = agent.text(talk_of(placed))
    assert "The channel is not set up rightly" in talk
    assert "Buenas" in talk
    assert all_of(provider.scope, Conversation)[0].waiting_since is not None


def test_an_empty_answer_is_refused_at_the_field(provider: Provider, agent: Visitor) -> None:
    placed = place(provider.scope)[0]
    says(provider, "hola", phone(placed))
    answer = agent.send(talk_of(placed), text="   ")
    assert (answer.status_code, 'id="text-error"' in answer.text) == (422, True)


def test_nothing_to_answer(provider: Provider, agent: Visitor) -> None:
    placed = place(provider.scope)[0]
    says(provider, "gracias", phone(placed))
    agent.send(f"{talk_of(placed)}/answered", talk_of(placed))
    assert all_of(provider.scope, Conversation)[0].waiting_since is None


def test_who_was_handed_over_waits_until_the_cause_is_said(provider: Provider, agent: Visitor) -> None:
    placed = place(provider.scope)[0]
    says(provider, "necesito hablar con una persona", phone(placed))
    assert "Nothing to answer" not in agent.text(talk_of(placed))
    refused = agent.send(f"{talk_of(placed)}/answered", talk_of(placed))
    assert refused.status_code == 409
    assert all_of(provider.scope, Conversation)[0].waiting_since is not None
    done = {"cause": "FORGOT", "next_step": "Llamar"}
    assert agent.send(f"{talk_of(placed)}/done", talk_of(placed), **done).status_code == 302
    talk = all_of(provider.scope, Conversation)[0]
    assert (talk.waiting_since, talk.due_at) == (None, None)


def test_who_was_answered_and_not_closed_is_found_with_the_deadline(
    provider: Provider, agent: Visitor
) -> None:
    handed, plain = place(provider.scope, 2)
    says(provider, "necesito hablar con una persona", phone(handed))
    says(provider, "gracias", phone(plain))
    agent.send(talk_of(handed), text="Le llamamos hoy.")
    page = agent.text("/inbox?waiting=person")
    assert talk_of(handed) in page
    assert talk_of(plain) not in page
    assert talk_of(handed) not in agent.text("/inbox?waiting=yes")
    clock.advance(timedelta(days=3))
    assert "Somebody waits past the deadline." in agent.text("/inbox?waiting=person")
    agent.send(f"{talk_of(handed)}/done", talk_of(handed), cause="FORGOT", next_step="Llamar")
    assert talk_of(handed) not in agent.text("/inbox?waiting=person")


def test_an_agent_sees_no_conversation_that_is_given_to_another(
    provider: Provider, agent: Visitor, platform: runtime.Runtime
) -> None:
    placed = place(provider.scope)[0]
    says(provider, "hola", phone(placed), files=[["a.txt", "text/plain", 2, "hi"]])
    with runtime.current().database.transaction(provider.scope) as session:
        session.execute(update(Conversation).values(assigned_to=999_999))
    (file,) = all_of(provider.scope, MessageFile)
    assert talk_of(placed) not in agent.text("/inbox")
    assert agent.get(talk_of(placed)).status_code == 404
    assert agent.get(f"/inbox/files/{file.id}").status_code == 404
    chief = Visitor(agent.client.application.test_client(), platform).sign_in(Role.SUPERVISOR, provider.scope)
    assert "hola" in chief.text(talk_of(placed))


def test_another_agency_sees_nothing(provider: Provider, visitor: Visitor, world: World) -> None:
    placed = place(provider.scope)[0]
    says(provider, "hola", phone(placed), files=[["a.txt", "text/plain", 2, "hi"]])
    (file,) = all_of(provider.scope, MessageFile)
    stranger = visitor.sign_in(Role.SUPERVISOR, world.tenant())
    assert talk_of(placed) not in stranger.text("/inbox")
    for path in (talk_of(placed), f"/inbox/files/{file.id}"):
        assert stranger.get(path).status_code == 404


def test_a_file_is_handed_out_to_keep_and_never_to_open(provider: Provider, agent: Visitor) -> None:
    placed = place(provider.scope)[0]
    says(
        provider, "mi boleta", phone(placed),
        files=[
            ["boleta.pdf", "application/pdf", 8, "%PDF-1.7"],
            ["x.zip", "application/zip", 4, "PK\x03\x04"],
        ],
    )  # fmt: skip
    talk = agent.text(talk_of(placed))
    assert "boleta.pdf" in talk
    assert "Not kept: archives are not taken" in talk
    kept, refused = all_of(provider.scope, MessageFile)
    answer = agent.get(f"/inbox/files/{kept.id}")
    assert answer.data == b"%PDF-1.7"
    assert answer.headers["Content-Disposition"] == "attachment; filename=boleta.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert agent.get(f"/inbox/files/{refused.id}").status_code == 404


def test_who_places_a_stranger_sees_their_subject_and_files(provider: Provider, agent: Visitor) -> None:
    says(
        provider, "", "ana@example.com", channel="email", subject="Mi comprobante",
        files=[
            ["boleta.pdf", "application/pdf", 8, "%PDF-1.7"],
            ["x.zip", "application/zip", 4, "PK\x03\x04"],
        ],
    )  # fmt: skip
    page = agent.text("/inbox/unplaced")
    assert "Mi comprobante" in page
    assert "Not kept: archives are not taken" in page
    kept, _refused = all_of(provider.scope, MessageFile)
    assert f"/inbox/files/{kept.id}" in page
    assert agent.get(f"/inbox/files/{kept.id}").data == b"%PDF-1.7"


def test_a_person_places_a_stranger(provider: Provider, agent: Visitor) -> None:
    placed = place(provider.scope)[0]
    says(provider, "soy yo", "+56900000001")
    says(provider, "spam", "+56900000002")
    page = agent.text("/inbox/unplaced")
    assert "Nobody here has this number" in page
    first, second = (one.id for one in all_of(provider.scope, ChannelEvent))
    wrong = agent.send(f"/inbox/unplaced/{first}", "/inbox/unplaced", account="nope")
    assert (wrong.status_code, "no account of this number" in wrong.text) == (422, True)
    agent.send(f"/inbox/unplaced/{first}", "/inbox/unplaced", account=placed.account_id)
    agent.send(f"/inbox/unplaced/{second}", "/inbox/unplaced", do="dismiss")
    assert "Everything is placed" in agent.text("/inbox/unplaced")
    assert "soy yo" in agent.text(talk_of(placed))


def test_a_file_of_returned_mail_says_which_lines_it_could_not_read(
    provider: Provider, agent: Visitor
) -> None:
    _placed, reference = written_to(provider)
    choice = f"{provider.scope.tenant()}:pigeon"
    file = (BytesIO(f"reference,reason\n{reference},moved\nbroken\n".encode()), "back.csv")
    page = agent.send("/inbox/returned", connector=choice, file=file).text
    assert "Read: 1. New: 1." in page
    assert "Line 3: has no reason" in page
    bad = agent.send("/inbox/returned", connector=choice, file=(BytesIO(b"%PDF"), "x.pdf"))
    assert bad.status_code == 422


#: Full width, as some keyboards type; letters read for the figures that codes are written with.
_WIDE = {ord(letter): ord(letter) + 0xFEE0 for letter in ascii_uppercase + digits}
_MISREAD = str.maketrans("8652V", "BGSZU")


def test_anybody_may_ask_whether_a_message_is_real_and_learns_no_more(
    provider: Provider, visitor: Visitor
) -> None:
    written_to(provider)
    with runtime.current().database.transaction(provider.scope) as session:
        copy = session.execute(select(MessageCopy)).scalar_one()
    assert f"{copy.code}" in provider.pigeon.sent[-1].text
    assert "127.0.0.1:8000/m" in provider.pigeon.sent[-1].text
    visitor.get("/m?lang=en")
    page = visitor.send("/m", code=f" {copy.code.lower()[:4]}-{copy.code[4:]} ").text
    assert "Yes, this message is ours." in page
    assert "Acreedor" in page
    assert "Agencia" in page
    said = page.split('role="status"')[1]
    for secret in ("Ana Prueba", "125", "deudor", "C-", "deuda", "debt", "balance"):
        assert secret not in said
    for spelled in (f"Código: {copy.code}.", copy.code.translate(_WIDE), copy.code.translate(_MISREAD)):
        assert "Yes, this message is ours." in visitor.send("/m", code=spelled).text
    for wrong in ("ABCD2345", "x", "", "' OR 1=1 --", "ÑÑÑÑÑÑÑÑ"):
        assert "We know no message with this code." in visitor.send("/m", code=wrong).text


def test_guessing_codes_is_slowed_down(provider: Provider, visitor: Visitor) -> None:
    answers = [visitor.send("/m", code=f"ABCD234{number}").status_code for number in range(12)]
    assert answers[-1] == 429


def test_one_click_stops_the_mails_at_once(provider: Provider, visitor: Visitor) -> None:
    placed, _reference = written_to(provider)
    url = provider.pigeon.sent[-1].unsubscribe_url
    assert url is not None
    path = url.removeprefix(runtime.current().config.base_url)
    assert "Stop these messages" in visitor.text(f"{path}?lang=en")
    assert all_of(provider.scope, Said) == []  # a scanner that opens it changes nothing
    for _time in range(2):
        answer = visitor.client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.json) == (200, {"done": True})
    with runtime.current().database.transaction(provider.scope) as session:
        assert permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out == {"email"}
    assert len(all_of(provider.scope, Said)) == 1
    for wrong in (path[:-1], path.replace("/u/", "/u/9"), "/u/x", "/u/1-1-"):
        assert visitor.client.post(wrong).status_code == 404


def test_what_was_handed_over_is_closed_with_cause_and_next_step_and_readings_are_corrected(
    provider: Provider, agent: Visitor
) -> None:
    placed = place(provider.scope)[0]
    says(provider, "quiero hablar con una persona", phone(placed))
    talk = agent.text(talk_of(placed))
    assert "A person must take over" in talk
    assert "Wants a person" in talk.split("At a glance")[-1].split("A person must take over")[1]
    assert "lawful now" in talk
    account = agent.text(f"/accounts/{placed.account_id}")
    assert f'href="{talk_of(placed)}"' in account
    assert agent.send(f"{talk_of(placed)}/give", talk_of(placed), user="999999").status_code == 422
    assert agent.send(f"{talk_of(placed)}/give", talk_of(placed), user="").status_code == 302
    assert (
        agent.send(f"{talk_of(placed)}/done", talk_of(placed), cause="ILLNESS", next_step="").status_code
        == 422
    )
    (reading,) = all_of(provider.scope, MessageReading)
    assert (
        agent.send(f"/inbox/readings/{reading.contact_id}", talk_of(placed), intents="angry").status_code
        == 302
    )
    assert all_of(provider.scope, MessageReading)[0].corrected == ["angry"]
    assert (
        agent.send(
            f"{talk_of(placed)}/done", talk_of(placed), cause="ILLNESS", next_step="Llamar"
        ).status_code
        == 302
    )
    assert "A person must take over" not in agent.text(talk_of(placed))
