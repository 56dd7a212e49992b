"""What people say on calls, in three languages, by sentences that no table holds: who they are not, what they
cannot or will not do, and what only a person may take up."""

import pytest
import yaml

from recupero.contacts import judging
from recupero.kernel import clock, runtime
from recupero.outreach.calls import calls, runs
from recupero.outreach.scripts import store
from recupero.outreach.texts import disclosures
from recupero.outreach.understanding.tables import HandOver
from recupero.payments.papers.document_tables import InvoiceRequest
from recupero.payments.tables import PromiseToPay
from recupero.placements.tables import ContactPoint, Debtor
from recupero.tenancy import service as tenancy
from tests.outreach.placed import Placed, plan
from tests.outreach.test_carrying_out import run
from tests.outreach.voice.telephone import BIRTH, LAST_FOUR, Telephone, contact
from tests.outreach.voice.test_calls_led_by_a_script import holds, proven, rows, silent, steps

DEBT = ("Acreedor", "125.000", "125,000", "COP", "$")


def speaking(placed: Placed, language: str) -> None:
    with runtime.current().database.transaction(placed.scope) as session:
        session.get_one(Debtor, (placed.scope.tenant(), placed.debtor_id)).language = language


@pytest.fixture
def ringing(placed: Placed, telephone: Telephone, language: str) -> Telephone:
    """A planned call to a debtor of that language is ringing."""
    speaking(placed, language)
    plan([placed], "call")
    run()
    return telephone


@pytest.mark.parametrize(
    ("language", "says", "code"),
    [
        ("es", "a mí no me ha llegado nada de eso", "NOIN"),
        ("en", "I do not recognise that debt at all", "DSPT"),
        ("pt", "mas eu já paguei essa conta na semana passada", "ALRD"),
        ("pt", "eu quero falar com um atendente por favor", "CBRQ"),
        ("en", "yes but I lost my job two months ago", "HARD"),
        ("en", "I have already paid that last week", "ALRD"),
        ("en", "I never received any bill from you", "NOIN"),
        ("en", "I would like to speak to a real person", "CBRQ"),
        ("pt", "olha eu não reconheço essa dívida", "DSPT"),
        ("pt", "nunca recebi esse boleto de vocês", "NOIN"),
        ("pt", "sim mas eu perdi o emprego e estou doente", "HARD"),
    ],
)
def test_what_is_said_of_the_debt_has_its_result(
    ringing: Telephone, placed: Placed, language: str, says: str, code: str
) -> None:
    proven(ringing)
    assert any(word in ringing.heard[-1].text for word in DEBT)
    said = ringing.speak(says)
    assert said.hangs_up
    assert contact(placed.scope).disposition == code
    handed = [one.why for one in rows(placed.scope, HandOver)]
    assert handed == {"CBRQ": ["wants_person"], "HARD": ["hardship"]}.get(code, [])
    if code == "NOIN":
        assert [one.asked_with for one in rows(placed.scope, InvoiceRequest)] == ["voice"]
    if code == "DSPT":
        assert "dispute" in holds(placed)
    with runtime.current().database.transaction(placed.scope) as session:
        way = runs.ways(session, [contact(placed.scope).id])[contact(placed.scope).id]
    assert [step.chance for step in way[:2]] == [None, None]  # a key, the proof
    assert any(step.chance is not None and 0.5 < step.chance <= 1 for step in way[2:])


@pytest.mark.parametrize(
    ("language", "cannot", "why", "refuses"),
    [
        ("es", "ahora no tengo con qué pagarle", "me atrasé con los gastos del colegio", "no pienso pagar"),
        ("pt", "não tenho como pagar isso", "atrasei com as contas da escola", "eu não vou pagar isso"),
        ("en", "sorry but I can't pay that now", "I fell behind with the school fees", "I will not pay that"),
    ],
)
def test_who_cannot_pay_is_asked_why_and_who_will_not_is_thanked(
    ringing: Telephone, placed: Placed, cannot: str, why: str, refuses: str
) -> None:
    proven(ringing)
    ringing.press("1")
    ringing.speak(cannot)
    ringing.speak(why)
    assert [step for step, _answer in steps(placed.scope)][-2:] == ["full_payment", "reason"]
    ringing.press("2")  # another date
    assert ringing.speak(refuses).hangs_up
    assert contact(placed.scope).disposition == "RTPY"
    assert rows(placed.scope, PromiseToPay) == []


@pytest.mark.parametrize(
    ("language", "says", "code"),
    [
        ("en", "you have the wrong number", "WRNG"), ("pt", "não conheço essa pessoa", "WRNG"),
        ("en", "yes but I lost my job two months ago", "HUNV"),
        ("es", "perdí el trabajo y estoy enferma", "HUNV"),
        ("es", "¿cuánto debo? si eso ya lo pagué hace días", None),
    ],
)  # fmt: skip
def test_before_the_proof_nobody_hears_of_a_debt_whatever_they_say(
    ringing: Telephone, placed: Placed, language: str, says: str, code: str | None
) -> None:
    ringing.answered(AnsweredBy="human")
    said = ringing.speak(says)
    assert not any(word in one.text for one in ringing.heard for word in DEBT)
    assert contact(placed.scope).disposition == code
    assert said.hangs_up == (code is not None)
    if code == "WRNG":
        assert [one.status for one in rows(placed.scope, ContactPoint) if one.kind == "phone"] == ["invalid"]
    if code == "HUNV":  # a person hears of it soon, and the machines are silent
        assert [one.why for one in rows(placed.scope, HandOver)] == ["hardship"]
        assert "person" in holds(placed)


@pytest.mark.parametrize(
    ("language", "out", "hour", "back"),
    [
        ("es", "no, salió", "hora", "vuelve como a las seis de la tarde"),
        ("en", "she is not here", "time", "she comes back around six in the evening"),
        ("pt", "não está", "horário", "volta lá pelas seis da tarde"),
    ],
)
def test_somebody_else_tells_when_the_person_is_there(
    ringing: Telephone, placed: Placed, out: str, hour: str, back: str
) -> None:
    ringing.answered()
    assert hour in ringing.speak(out).text
    assert ringing.speak(back).hangs_up
    assert contact(placed.scope).disposition == "TPNA"
    assert silent(ringing)


@pytest.mark.parametrize(
    ("language", "asks", "missed"),
    [
        ("es", "¿de parte de quién?", "no le entendí"), ("en", "who is calling?", "did not understand"),
        ("pt", "quem fala?", "não entendi"),
    ],
)  # fmt: skip
def test_who_asks_who_calls_hears_it_again_and_nothing_of_the_matter(
    ringing: Telephone, placed: Placed, asks: str, missed: str
) -> None:
    ringing.answered()
    said = ringing.speak(asks)
    assert "Ana Prueba" in said.text
    assert missed not in said.text
    assert silent(ringing)


@pytest.mark.parametrize("language", ["es"])
def test_who_says_the_facts_in_words_is_proven_and_a_question_is_no_wrong_fact(
    ringing: Telephone, placed: Placed
) -> None:
    ringing.answered()
    ringing.speak("sí, con ella")
    for no_answer in ("¿quién habla?", "¿y para qué la quieren saber?"):
        assert "fecha de nacimiento" in ringing.speak(no_answer).text
    ringing.speak("dos de abril de mil novecientos ochenta y cinco")
    assert silent(ringing)
    assert "Acreedor" in ringing.speak("seis siete ocho cinco").text


@pytest.mark.parametrize(
    ("language", "says", "told"),
    [
        ("es", "estoy manejando, no puedo hablar", "Una persona le llamará"),
        ("en", "I'm driving, call me later", "A person will call you"),
        ("pt", "não posso falar agora", "Uma pessoa vai ligar"),
    ],
)
def test_who_has_no_time_is_put_through_to_nobody_and_called_back(
    ringing: Telephone, placed: Placed, language: str, says: str, told: str
) -> None:
    proven(ringing)
    said = ringing.speak(says)
    assert said.hangs_up
    assert told in said.text
    assert contact(placed.scope).disposition == "CBRQ"
    (handed,) = rows(placed.scope, HandOver)
    assert handed.why == "call_me_back"


@pytest.mark.parametrize("language", ["es"])
def test_a_safe_answer_does_not_hide_a_suspected_one_for_people(ringing: Telephone, placed: Placed) -> None:
    """Machines, like in the inbox, do nothing safe where hardship is likely: the keys are asked for."""
    with runtime.current().database.transaction(placed.scope) as session:
        tenancy.configure_tenant(session, placed.scope.tenant(), actor="system", answers_from=1.01)
    proven(ringing)
    said = ringing.speak("sí pero me quedé sin pega el mes pasado")
    assert "no le entendí" in said.text
    assert steps(placed.scope)[-1] == ("disclosures", "go_on")


@pytest.mark.parametrize(("language", "told", "code"), [("es", False, "HUNV"), ("pt", True, "HUPV")])
def test_two_silences_end_it_and_call_nobody(
    ringing: Telephone, placed: Placed, told: bool, code: str
) -> None:
    ringing.answered()
    if told:
        ringing.press("1", BIRTH, LAST_FOUR)
    assert not ringing.speak("").hangs_up
    assert ringing.speak("").hangs_up
    assert contact(placed.scope).disposition == code
    assert rows(placed.scope, HandOver) == []


@pytest.mark.parametrize("language", ["es"])
def test_who_is_called_back_hears_from_when_on_and_the_law_allows_that_moment(
    ringing: Telephone, placed: Placed
) -> None:
    proven(ringing)
    said = ringing.speak("quiero hablar con una persona")
    assert "Una persona le llamará a partir de" in said.text
    (handed,) = rows(placed.scope, HandOver)
    with runtime.current().database.transaction(placed.scope) as session:
        refused = judging.judge_now(session, placed.account_id, "call", clock.now())
        assert refused.next_lawful_at is not None
        assert handed.due_at > refused.next_lawful_at
        assert (
            calls.start_call(session, account_id=placed.account_id).contact_id is None
        )  # the law, not the hold
    clock.advance(handed.due_at - clock.now())
    with runtime.current().database.transaction(placed.scope) as session:
        assert calls.start_call(session, account_id=placed.account_id).contact_id is not None


@pytest.mark.parametrize(
    ("language", "stated", "notice"),
    [
        ("en", "", "this call is recorded"),
        ("es", "Grabamos para su seguridad.", "Grabamos para su seguridad."),
    ],
)
def test_what_is_recorded_says_so_before_anything_is_recorded_or_told(
    telephone: Telephone, placed: Placed, language: str, stated: str, notice: str
) -> None:
    document = yaml.safe_load(store.standard_document()) | {"name": "recorded", "records": True}
    with runtime.current().database.transaction(placed.scope) as session:
        disclosures.state(session, {"recording": stated}, actor="user:1")
        row = store.draft(
            session, yaml.safe_dump(document, allow_unicode=True), tenant_id=None, actor="user:1"
        )
        store.approve(session, row.id, actor="user:2")
    speaking(placed, language)
    plan([placed], "call")
    run()
    said = telephone.answered()
    before, starts, _after = said.whole.partition("<Recording")
    assert starts
    assert notice in before
    assert silent(telephone)
    assert "<Recording" not in telephone.press("1").whole  # it was begun already


def test_without_a_script_that_records_nothing_is(called: Telephone) -> None:
    proven(called)
    assert not any("Record" in said.whole for said in called.heard)
