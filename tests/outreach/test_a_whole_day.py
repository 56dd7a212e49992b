"""A day from morning to night: three creditors in two countries, two hundred debtors, every channel, a
message of every intent, a provider that is down at noon. At its end every message is accounted for, none is
illegal and none doubled."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from recupero.contacts.replaying import replay_contacts
from recupero.contacts.tables import Contact, MessageCopy
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.outreach.actions.kinds import OF_THE_HOUSE
from recupero.outreach.channels import rests
from recupero.outreach.conversations.tables import ChannelEvent
from recupero.outreach.tables import Action
from recupero.outreach.understanding.policy import HUMAN, INTENTS
from recupero.outreach.understanding.tables import HandOver, MessageReading
from recupero.tenancy import service as tenancy
from recupero_sdk.channels import Capabilities, Message, Receipt, SendOutcome
from recupero_sdk.settings import PluginConfig
from tests.factories import World
from tests.outreach.placed import Placed, permit, place, plan
from tests.outreach.reception.test_messages import all_of, phone, says
from tests.outreach.test_carrying_out import run
from tests.outreach.two_way import KEY, Pigeon, Provider, installed, switch_on

MORNING, STEP = datetime(2026, 3, 10, 12, tzinfo=UTC), timedelta(minutes=30)  # nine in Santiago
TEN, NOON, BACK, NIGHT = (MORNING + timedelta(hours=hours) for hours in (1, 3, 4, 12))
#: Of forty debtors, how many are written to by what.
CHANNELS = ("email",) * 16 + ("sms",) * 12 + ("whatsapp",) * 6 + ("letter",) * 4 + ("call",) * 2
#: What they write at ten, by what they want.
SAID = {
    "agrees": "sí, de acuerdo, acepto esa propuesta",
    "angry": "dejen de joder manga de ladrones, váyanse a la mierda",
    "asks_balance": "¿cuánto debo en total?",
    "asks_discount": "¿me pueden hacer una rebaja si pago todo junto?",
    "asks_how": "¿cómo y dónde puedo pagar?",
    "asks_identity": "¿quiénes son ustedes y de parte de quién escriben?",
    "asks_receipt": "necesito el comprobante de mi último pago",
    "call_me_back": "llámeme por favor mañana en la tarde",
    "cannot_pay": "no tengo cómo pagar, no me alcanza la plata",
    "complaint": "voy a poner un reclamo formal por el mal trato",
    "disputes": "esa deuda no es mía, yo nunca compré eso, no la reconozco",
    "hardship": "tengo cáncer y estoy en quimioterapia, perdí mi trabajo",
    "no_invoice": "nunca me llegó la factura, mándenmela",
    "other": "qué lindo día hace hoy para ir a la playa",
    "paid_already": "ya pagué eso la semana pasada",
    "prefers": "prefiero que me escriban por correo y no al teléfono",
    "refuses": "no pienso pagar nada, hagan lo que quieran",
    "sends_proof": "le adjunto el comprobante de la transferencia",
    "stop": "BAJA",
    "thanks": "muchas gracias",
    "wants_link": "¿me puede mandar el link para pagar por favor?",
    "wants_person": "quiero hablar con una persona, con un ejecutivo",
    "wants_plan": "quiero pagar en cuotas, ¿se puede?",
    "will_pay": "te pago todo el viernes sin falta",
    "wrong_person": "número equivocado, yo no soy esa persona",
}


class Weather(Pigeon):
    """A provider of several creditors, that of `down` is out of order from `NOON` to `BACK`."""

    down: str = ""

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        if config.get("secret") == self.down and NOON <= clock.now() < BACK:
            return [Receipt(one.key, SendOutcome.RETRY, reason="storm") for one in messages]
        return super().send(messages, config)


@pytest.fixture
def weather(app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Weather]:
    monkeypatch.setenv("RECUPERO_LETTERS_DIR", str(tmp_path))
    with clock.simulated(MORNING), installed(monkeypatch):
        made = Weather(capabilities=Capabilities(
            channels=("email", "sms", "whatsapp"), two_way=True, confirms_delivery=True, batch_size=5,
        ))  # fmt: skip
        runtime.current().plugins.channels[KEY] = made  # taken away with `installed`
        yield made


def test_at_the_end_of_a_day_every_message_is_accounted_for(
    app: Flask, weather: Weather, world: World
) -> None:
    assert set(SAID) == set(INTENTS)
    tenants, sizes, countries = creditors(world), (80, 60, 60), ("CL", "CL", "CO")
    weather.down = secret_of(tenants[0])
    people = [owing(*one) for one in zip(tenants, sizes, countries, strict=True)]
    providers = [Provider(app.test_client(), scope, weather, secret_of(scope)) for scope in tenants]
    rested = set[int]()
    while clock.now() < NIGHT:
        run()
        rested |= {scope.tenant() for scope in tenants if resting(scope)}
        if clock.now() == TEN:
            write_all(providers, people)
        clock.advance(STEP)
    for provider in providers:
        assert provider.client.post(provider.path, json=[]).status_code == 401
        news_of_all(provider)
    run()
    assert rested == {tenants[0].tenant()}
    assert resting(tenants[0]) == []
    for scope in tenants:
        sent_and_booked(scope, weather)
        heard_and_answered(scope)
    assert replay_contacts(runtime.current().database).broken == ()


def creditors(world: World) -> list[Scope]:
    """Two in Chile, of one agency, and one in Colombia."""
    agency = world.agency()
    made = [world.tenant(agency), world.tenant(agency), world.tenant(country="CO")]
    for scope in made:
        switch_on(scope, secret_of(scope))
        with runtime.current().database.transaction(scope) as session:
            tenancy.configure_plugin(
                session, kind="channel", key="letter", enabled=True, secret_values={}, actor="system",
                settings={"folder": f"cartas-{scope.tenant()}", "return_address": "Casilla 7, Santiago"},
            )  # fmt: skip
    return made


def secret_of(scope: Scope) -> str:
    return f"feathers-{scope.tenant()}"


def owing(scope: Scope, count: int, country: str) -> list[Placed]:
    """Debtors of one creditor, each with one message for the day by a channel that they allowed."""
    where = {"CL": ("CLP", "America/Santiago", "CL-RM"), "CO": ("COP", "America/Bogota", "CO-DC")}
    currency, zone, region = where[country]
    found = place(
        scope, count, country=country, currency=currency, timezone=zone, region=region,
        kinds=("email", "phone", "address"),
    )  # fmt: skip
    for number, one in enumerate(found):
        channel = CHANNELS[number % len(CHANNELS)]
        permit(one, channel)
        plan([one], channel, after=STEP * (number % 12))
    return found


def write_all(providers: Sequence[Provider], people: Sequence[Sequence[Placed]]) -> None:
    """A message of every intent, each of another debtor, the creditors in turn; and one of nobody."""
    for number, (intent, text) in enumerate(SAID.items()):
        turn = number % len(providers)
        says(providers[turn], text, phone(people[turn][number]), id=intent)
    says(providers[0], "soy yo, ¿qué pasó?", "+56900000000", id="nobody")


def news_of_all(provider: Provider) -> None:
    """The provider says of each message that it arrived, twice."""
    keys = [one.key for one in provider.pigeon.sent if one.key.startswith(f"{provider.scope.tenant()}-")]
    for _time in range(2):
        told = [{"id": f"d-{key}", "reference": f"ref-{key}", "fate": "delivered"} for key in keys]
        assert provider.tell(*told).status_code == 202


def resting(scope: Scope) -> list[rests.Rest]:
    with runtime.current().database.transaction(scope) as session:
        return rests.resting(session)


def sent_and_booked(scope: Scope, weather: Weather) -> None:
    """What the provider and the print shop have are the messages of our books, each once; what did not go
    out says why."""
    mine, down = f"{scope.tenant()}-", weather.down == secret_of(scope)
    went = [one.key for one in weather.sent if one.key.startswith(mine)] + printed(scope)
    outbound = [one for one in all_of(scope, Contact) if one.direction == "outbound"]
    assert Counter(went) == Counter(f"{mine}{one.id}" for one in outbound if one.state != "failed")
    assert any(one.state == "failed" for one in outbound) == down  # tried at noon, and again
    for action in all_of(scope, Action):
        if action.channel == "call":
            assert action.state == "scheduled"  # it waits for a person who calls
        elif action.state == "scheduled":
            assert action.due_at > clock.now()
            assert action.reason.startswith("law:")
        elif action.state not in ("delivered", "closed"):
            assert (action.state, action.reason) in NOT_WANTED


#: Why a message is given up that somebody waits for: an answer of theirs, or nothing.
NOT_WANTED = (
    ("cancelled", "hold:person"), ("cancelled", "opted_out"), ("blocked", "law:CO-2300-2-channels"),
)  # fmt: skip


def printed(scope: Scope) -> list[str]:
    """The keys in the manifests of the creditor's print batches."""
    batches = Path(os.environ["RECUPERO_LETTERS_DIR"], f"cartas-{scope.tenant()}").glob("*/manifest.csv")
    return [line.partition(",")[0] for one in batches for line in one.read_text().splitlines()[1:]]


def heard_and_answered(scope: Scope) -> None:
    """Each message was read once, and whoever was not answered by the machine has a person. The machine told
    nobody of a debt."""
    readings = {one.contact_id: one for one in all_of(scope, MessageReading)}
    handed = {one.debtor_id for one in all_of(scope, HandOver)}
    answered = {
        one.debtor_id for one in all_of(scope, Action)
        if one.template in OF_THE_HOUSE and one.state == "delivered"
    }  # fmt: skip
    debtors = {one.id: one.debtor_id for one in all_of(scope, Contact) if one.direction == "inbound"}
    events = {one.event_id: one for one in all_of(scope, ChannelEvent) if one.kind == "message"}
    ends = {name: (one.state, one.reason) for name, one in events.items() if one.state != "done"}
    assert ends == ({"nobody": ("quarantined", "unknown_sender")} if "nobody" in events else {})
    for intent, event in events.items():
        if intent in ("stop", "nobody"):
            continue  # obeyed unread; set aside
        read, debtor = readings.pop(event.contact_id), debtors[event.contact_id]
        assert read.guesses[0][0] == intent or intent == "other"
        assert (debtor in handed) != (debtor in answered or intent == "thanks")
        assert debtor in handed or intent not in HUMAN
    assert readings == {}
    told = [one.body for one in all_of(scope, MessageCopy) if one.template in OF_THE_HOUSE]
    assert not any(sign in text for text in told for sign in ("$", "125.000", "deuda", "saldo"))
