"""Planned calls go out over Twilio's own library and are led by the script: nothing of the debt to machines
and strangers, each step recorded, what is agreed takes effect while talking."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, text

from plugins.channels.voice.tests.twilio_calls import CALLER
from recupero.contacts.queries import permissions_of
from recupero.contacts.replaying import replay_contacts
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.outreach.calls import runs
from recupero.outreach.conversations.tables import ChannelEvent
from recupero.outreach.script_tables import CallLeg, CallRun
from recupero.outreach.scripts import store
from recupero.outreach.tables import Action
from recupero.outreach.understanding.tables import HandOver
from recupero.outreach.voice import people, turns
from recupero.payments.tables import PromiseToPay
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.tables import ContactPoint
from recupero.tenancy import queries, users
from recupero.tenancy import service as tenancy
from recupero.tenancy.permissions import Role
from recupero_sdk.settings import PluginConfig
from tests.factories import World
from tests.outreach.placed import Placed, place, plan
from tests.outreach.test_carrying_out import run, states
from tests.outreach.voice.telephone import BIRTH, LAST_FOUR, Said, Telephone, contact

DEBT_WORDS = ("Acreedor", "125.000", "saldo", "pendiente", "cobr", "deuda")


def steps(scope: Scope) -> list[tuple[str, str]]:
    found = contact(scope)
    with runtime.current().database.transaction(scope) as session:
        return [(one.step, one.answer) for one in runs.steps_of(session, found.id)]


def silent(telephone: Telephone) -> bool:
    return not any(word in said.text for said in telephone.heard for word in DEBT_WORDS)


def test_a_planned_call_rings_and_who_takes_it_is_told_nothing_before_the_proof(
    called: Telephone, placed: Placed
) -> None:
    assert states([placed]) == [("sent", None)]
    assert called.post(called.first(), token="0" * 32).status_code == 401  # signed by somebody else
    assert called.client.post(urlsplit(called.first()).path, data={"CallSid": called.sid}).status_code == 401
    assert rows(placed.scope, CallRun) == []
    said = called.answered(AnsweredBy="human")
    assert "asistente automático" in said.text
    assert "Ana Prueba" in said.text
    called.press("1")
    assert "fecha de nacimiento" in called.heard[-1].text
    called.press(BIRTH)
    assert silent(called)
    said = called.press(LAST_FOUR)
    assert "Acreedor" in said.text
    assert "$" in said.text


def proven(called: Telephone) -> None:
    """The call as far as the debt is spoken of."""
    called.answered(AnsweredBy="human")
    called.press("1", BIRTH, LAST_FOUR)


def rows(scope: Scope, table: Any) -> list[Any]:
    with runtime.current().database.transaction(scope) as session:
        return list(session.execute(select(table).order_by(table.id)).scalars())


def holds(placed: Placed) -> set[str]:
    with runtime.current().database.transaction(placed.scope) as session:
        found = reach.open_holds(session, [placed.debtor_id]).get(placed.debtor_id, [])
        return {hold.kind for hold in found}


def test_a_promise_made_with_keys_is_noted_and_the_link_goes_out(called: Telephone, placed: Placed) -> None:
    proven(called)
    asked = called.press("1", "2")
    assert "enlace" in asked.text
    confirm = called.press("2003")
    assert "20 de marzo de 2026" in confirm.text
    said = called.press("1")
    assert said.hangs_up
    assert "Queda anotado" in said.text
    assert "?" not in said.text  # nobody listens any more
    called.end(seconds=61)
    (promise,) = rows(placed.scope, PromiseToPay)
    assert (promise.amount_minor, promise.due_date.isoformat(), promise.made_with) == (
        125_000, "2026-03-20", "voice",
    )  # fmt: skip
    assert holds(placed) == {"promise"}
    found = contact(placed.scope)
    assert (found.disposition, found.state, found.right_party) == ("PTPF", "answered", True)
    assert (found.cost_micro, found.cost_units) == (100_000, 61)
    call, link = rows(placed.scope, Action)
    assert (call.state, call.reason) == ("closed", "PTPF")
    assert (link.channel, link.template) == ("sms", "own_page")
    assert steps(placed.scope) == [
        ("greeting", "speaking"), ("identity", "proven"), ("disclosures", "go_on"), ("purpose", "aware"),
        ("full_payment", "other_day"), ("promise", "agreed"),
    ]  # fmt: skip
    assert replay_contacts(runtime.current().database).illegal == ()


def test_one_promise_is_about_all_accounts_that_the_call_named(called: Telephone, placed: Placed) -> None:
    place(placed.scope, country="CO", currency="COP", of=placed)
    proven(called)
    assert "2.500" in called.heard[-1].text.replace("\xa0", " ")
    called.press("1", "2", "2003")
    assert "2.500" in called.heard[-1].text.replace("\xa0", " ")
    called.press("1")
    made = rows(placed.scope, PromiseToPay)
    assert [(one.amount_minor, one.state) for one in made] == [(125_000, "open")] * 2
    assert len({one.account_id for one in made}) == 2
    assert contact(placed.scope).disposition == "PTPF"


def said_before_the_matter(called: Telephone) -> None:
    """What the law wants said stands outside of what a key can cut short."""
    before, _, gathered = called.heard[-1].whole.partition("<Gather")
    assert "debo decirle" in before
    assert "nos encarg" in gathered
    assert "nos encarg" not in before


def test_a_part_and_another_day_are_read_back(called: Telephone, placed: Placed) -> None:
    proven(called)
    said_before_the_matter(called)
    called.press("1", "2", "2003")
    assert "500" in called.press("500").text
    assert "Diga el día" in called.press("2").text
    called.speak("el viernes")
    assert "13 de marzo" in called.heard[-1].text
    called.press("700")
    called.speak("sí")
    (promise,) = rows(placed.scope, PromiseToPay)
    assert (promise.amount_minor, promise.due_date.isoformat()) == (70_000, "2026-03-13")
    assert contact(placed.scope).disposition == "PTPP"


def test_what_is_asked_twice_happens_once_and_is_answered_alike(called: Telephone, placed: Placed) -> None:
    proven(called)
    called.press("1", "2", "2003")
    url = called.heard[-1].following
    first, again = called.ask(url, Digits="1"), called.ask(url, Digits="1")
    assert first.whole == again.whole
    assert len(rows(placed.scope, PromiseToPay)) == 1
    assert len(steps(placed.scope)) == 6


def test_who_speaks_is_understood(called: Telephone, placed: Placed) -> None:
    called.answered()
    called.speak("Sí, con ella habla")
    called.speak("2 de abril de 1985")
    assert "125.000" not in called.heard[-1].text
    assert "Acreedor" in called.speak("6785").text
    with runtime.current().database.transaction(placed.scope) as session:
        raw = session.execute(text("SELECT dialogue::text FROM call_runs")).scalar_one()
    assert not any(answer in raw for answer in (BIRTH, "1985", LAST_FOUR))  # what proves somebody is not kept
    said = called.speak("Pero si eso ya lo pagué")
    assert said.hangs_up
    assert contact(placed.scope).disposition == "ALRD"
    assert holds(placed) == {"client"}


def test_a_machine_hears_nothing(called: Telephone, placed: Placed) -> None:
    said = called.answered(AnsweredBy="machine_start")
    assert (said.text, said.hangs_up) == ("", True)
    called.end(seconds=4)
    found = contact(placed.scope)
    assert (found.disposition, found.state) == ("VMNM", "no_answer")
    assert states([placed])[0] == ("closed", "VMNM")


def test_three_wrong_answers_end_it_without_a_word_of_the_debt(called: Telephone, placed: Placed) -> None:
    called.answered()
    called.press("1")
    for _ in range(3):
        said = called.press("01011970", LAST_FOUR)
    assert said.hangs_up
    assert silent(called)
    assert contact(placed.scope).disposition == "HUNV"
    assert [answer for _step, answer in steps(placed.scope)] == ["speaking", "wrong", "wrong", "wrong"]


@pytest.mark.parametrize(
    ("keys", "code", "closed"), [((), "OPTO", "call"), (("1", BIRTH, LAST_FOUR), "CEAS", "all")]
)
def test_a_wish_to_be_left_alone_is_obeyed_at_once(
    called: Telephone, placed: Placed, keys: tuple[str, ...], code: str, closed: str
) -> None:
    called.answered()
    if keys:
        called.press(*keys, "1", "2")  # in the middle of a promise
    said = called.speak("no me llamen más")
    assert said.hangs_up
    assert contact(placed.scope).disposition == code
    with runtime.current().database.transaction(placed.scope) as session:
        opted_out = permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out
    assert ("email" in opted_out) == (closed == "all")
    assert "call" in opted_out


@pytest.mark.parametrize(
    ("speech", "why"),
    [
        ("ya no me llamen, el viernes deposito", "will_pay"),
        ("voy a pagar mañana pero dejen de llamarme", "angry"),  # as the model reads it
    ],
)
def test_what_is_said_beside_a_wish_to_be_left_alone_is_a_persons(
    called: Telephone, placed: Placed, speech: str, why: str
) -> None:
    called.answered()
    assert called.speak(speech).hangs_up
    assert contact(placed.scope).disposition == "OPTO"
    with runtime.current().database.transaction(placed.scope) as session:
        assert "call" in permissions_of(session, [placed.debtor_id])[placed.debtor_id].opted_out
    (hand_over,) = rows(placed.scope, HandOver)
    assert hand_over.why == why


def test_what_is_not_understood_is_asked_again_and_then_a_person_takes_over(
    called: Telephone, placed: Placed
) -> None:
    called.answered()
    assert "no le entendí" in called.speak("mmm").text
    called.press("8")
    said = called.speak("")
    assert said.hangs_up
    assert "Una persona le llamará" in said.text
    (hand_over,) = rows(placed.scope, HandOver)
    assert hand_over.why == "wants_person"
    assert silent(called)


def test_a_call_that_nobody_took(called: Telephone, placed: Placed) -> None:
    called.to = str(called.twilio.calls[-1]["to"])
    called.end("busy", 0)
    assert contact(placed.scope).disposition == "BUSY"
    assert states([placed]) == [("closed", "BUSY")]


def test_a_number_that_does_not_exist_is_marked(called: Telephone, placed: Placed) -> None:
    called.ask(called.first(), CallStatus="failed", CallDuration="0", SipResponseCode="404")
    assert contact(placed.scope).disposition == "DISC"
    assert [one.status for one in rows(placed.scope, ContactPoint) if one.kind == "phone"] == ["invalid"]


@pytest.mark.parametrize(("told", "code"), [(True, "HUPV"), (False, "HUNV")])
def test_who_hangs_up_is_noted_by_how_far_they_came(
    called: Telephone, placed: Placed, told: bool, code: str
) -> None:
    if told:
        proven(called)
        called.end()
    else:  # Twilio's word of the end was lost
        called.answered()
        clock.advance(timedelta(minutes=61))
        run()
    assert contact(placed.scope).disposition == code


def test_who_paid_while_it_rang_is_asked_for_nothing(called: Telephone, placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=None, kind="dispute", source="test"
        )
    said = called.answered()
    assert said.hangs_up
    assert silent(called)


def test_a_plan_is_for_the_page_and_for_people(called: Telephone, placed: Placed) -> None:
    proven(called)
    called.press("1", "3", "1")
    said = called.press("1")
    assert "enlace a su página" in said.text
    assert contact(placed.scope).disposition == "CBRQ"
    assert len(rows(placed.scope, HandOver)) == 1


@pytest.mark.parametrize("where", ["en su página", "en {{ link }}"])
def test_no_address_is_read_out_and_the_link_goes_out_in_its_place(
    telephone: Telephone, placed: Placed, where: str
) -> None:
    own = store.standard_document().replace("en su página. Gracias", f"{where}. Gracias").replace(
        "tools: [link]\n    disposition: RTPY", "disposition: RTPY"
    ) if "link" in where else store.standard_document()  # fmt: skip
    with runtime.current().database.transaction(placed.scope) as session:
        row = store.draft(session, own, tenant_id=None, actor="user:1")
        store.approve(session, row.id, actor="user:2")
    plan([placed], "call")
    run()
    called = telephone
    proven(called)
    said = called.press("1", "4")
    assert said.hangs_up
    assert "enlace a su página" in said.text
    assert "http" not in said.text
    assert contact(placed.scope).disposition == "RTPY"
    assert [one.template for one in rows(placed.scope, Action)][1:] == ["own_page"]


# ---- people


def agent(placed: Placed, phone: str = "+5716543210", hours: int = 8) -> int:
    with runtime.current().database.transaction(placed.scope) as session:
        user = users.create(
            session, email=f"a{phone[-4:]}@example.com", name="Eva", password="long enough 1",
            role=Role.AGENT, tenant_ids=None, locale="es", actor="system",
        )  # fmt: skip
        users.set_phone(session, user.id, phone)
        users.take_calls(session, user.id, clock.now() + timedelta(hours=hours))
        return user.id


def test_who_asks_for_a_person_is_put_through_to_one_who_is_there(called: Telephone, placed: Placed) -> None:
    agent(placed)
    proven(called)
    said = called.press("0")
    assert said.dialled == "+5716543210"
    assert contact(placed.scope).disposition == "CBRQ"
    over = called.ask(said.following, DialCallStatus="completed", DialCallDuration="40")
    assert over.hangs_up
    legs = [(leg.leg, leg.status, leg.seconds) for leg in rows(placed.scope, CallLeg)]
    assert legs == [("person", "human", None), ("transfer", "ringing", None), ("transfer", "answered", 40)]


def test_an_agent_who_does_not_answer_leaves_a_task(called: Telephone, placed: Placed) -> None:
    agent(placed)
    proven(called)
    said = called.speak("quiero hablar con una persona")
    (asked,) = rows(placed.scope, HandOver)
    over = called.ask(said.following, DialCallStatus="no-answer")
    said = over.text.replace("\u202f", " ").replace("\xa0", " ")
    assert "a las 9:00 a. m." in said
    assert ".." not in said
    (hand_over,) = rows(placed.scope, HandOver)
    # one call a day in Colombia: from tomorrow at nine on somebody may call, and from then the time runs
    assert hand_over.due_at - asked.due_at == timedelta(hours=23)
    assert (hand_over.why, hand_over.closed_at) == ("wants_person", None)
    assert holds(placed) == {"person"}


def test_nobody_is_put_through_outside_the_hours_of_law(called: Telephone, placed: Placed) -> None:
    agent(placed, hours=20)
    proven(called)
    clock.advance(timedelta(hours=11))  # nine in the evening in Bogotá
    assert called.press("0").dialled == ""


def test_an_agent_on_a_call_gets_no_second_one(called: Telephone, placed: Placed) -> None:
    first, second = agent(placed), agent(placed, "+5716543299")
    with runtime.current().database.transaction(placed.scope) as session:
        turns.note_leg(session, 1, "transfer", "ringing", user_id=first)
        assert people.taker(session, placed.debtor_id, "wants_person", "es") == people.Taker(
            second, "+5716543299"
        )
        turns.note_leg(session, 1, "transfer", "answered", user_id=first)
        turns.note_leg(session, 1, "transfer", "ringing", user_id=second)
        assert people.taker(session, placed.debtor_id, "wants_person", "es") == people.Taker(
            first, "+5716543210"
        )


# ---- calls to us


def incoming(telephone: Telephone, number: str) -> Said:
    telephone.to = CALLER
    url = f"{runtime.current().config.base_url}/channels/voice/{telephone.scope.tenant()}/call"
    return telephone.ask(url, Direction="inbound", CallStatus="ringing", From=number)


def test_who_calls_us_proves_who_they_are_first(telephone: Telephone, placed: Placed) -> None:
    number = next(one.value for one in rows(placed.scope, ContactPoint) if one.kind == "phone")
    said = incoming(telephone, number)
    assert "Gracias por llamar" in said.text
    assert silent(telephone)
    for keys in (BIRTH, LAST_FOUR):
        said = telephone.ask(said.following, Direction="inbound", From=number, Digits=keys)
    assert "Acreedor" in said.text
    telephone.ask(said.following, Direction="inbound", From=number, SpeechResult="ya pagué")
    found = contact(placed.scope)
    assert (found.direction, found.disposition, found.right_party) == ("inbound", "ALRD", True)


def test_a_number_that_nobody_knows_waits_for_a_person(telephone: Telephone, placed: Placed) -> None:
    said = incoming(telephone, "+573001112233")
    assert (said.hangs_up, silent(telephone)) == (True, True)
    told = [one for one in rows(placed.scope, ChannelEvent) if one.state == "quarantined"]
    assert [(one.kind, one.reason) for one in told] == [("message", "unknown_sender")]


# ---- what does not ring


def test_the_number_shown_is_judged_as_a_machines(telephone: Telephone, placed: Placed, world: World) -> None:
    chile = world.tenant(Scope(placed.scope.agency_id))
    (there,) = place(chile, timezone="America/Santiago")
    with runtime.current().database.transaction(placed.scope) as session:
        set_up = queries.plugin_config(session, "channel", "voice")
    assert set_up is not None
    switch(chile, set_up[1])
    plan([there], "call")
    run()
    assert states([there]) == [("blocked", "law:CL-SUBTEL-600")]
    assert telephone.twilio.calls == []


def switch(scope: Scope, config: PluginConfig, **changes: str) -> None:
    with runtime.current().database.transaction(scope) as session:
        tenancy.configure_plugin(
            session, kind="channel", key="voice", enabled=True, settings={**config.settings, **changes},
            secret_values=dict(config.secrets), actor="system",
        )  # fmt: skip


def test_where_agents_make_the_calls_they_wait_for_them(telephone: Telephone, placed: Placed) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        set_up = queries.plugin_config(session, "channel", "voice")
    assert set_up is not None
    switch(placed.scope, set_up[1], channels="none")
    plan([placed], "call")
    run()
    assert states([placed]) == [("scheduled", None)]
    assert telephone.twilio.calls == []


def speak(placed: Placed, **told: str) -> None:
    """The planned call is somebody's by name."""
    with runtime.current().database.transaction(placed.scope) as session:
        session.execute(select(Action)).scalar_one().assistant = {"script": "", **told}


def test_a_call_for_a_person_waits_for_one_and_a_machine_says_its_name_and_what_it_is(
    telephone: Telephone, placed: Placed
) -> None:
    plan([placed], "call")
    speak(placed, kind="human")
    run()
    assert states([placed]) == [("scheduled", None)]
    assert telephone.twilio.calls == []
    speak(placed, kind="virtual", name="Clara")
    run()
    assert states([placed]) == [("sent", None)]
    assert "Clara, el asistente automático" in telephone.answered(AnsweredBy="human").text
