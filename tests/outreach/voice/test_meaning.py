"""Words on a call: short ones by tables, sentences by the model, and nothing safe done on a suspicion."""

import pytest
from recupero_intents import Intents

from recupero.outreach.understanding import policy
from recupero.outreach.voice import hearing, meaning
from recupero.outreach.voice.meaning import Meant
from recupero_sdk.texts import Guess, digest

MODEL = Intents()


@pytest.fixture(scope="module")
def fitted() -> object:
    blob = MODEL.shipped(digest(MODEL.examples()))
    assert blob is not None
    return MODEL.load(blob)


def heard(fitted: object, speech: str) -> Meant:
    guesses = MODEL.predict(fitted, [speech])[0] if meaning.sentence(speech) else []
    return meaning.meant(speech, guesses, policy.THRESHOLD)


@pytest.mark.parametrize(
    ("first", "sentences"),
    [
        ("yes", ("sí, con ella habla", "yes, speaking", "sim, sou eu")),
        ("no", ("no", "nope", "não")),
        ("paid_already", ("esa cuenta la cancelé la semana pasada", "I have already paid that last week",
                          "mas eu já paguei essa conta")),
        ("no_invoice", ("a mí no me ha llegado nada de eso", "I never received any bill from you",
                        "nunca recebi esse boleto de vocês")),
        ("dispute", ("mire yo no reconozco esa deuda", "I do not recognise that debt at all",
                     "olha eu não reconheço essa dívida")),
        ("cannot_pay", ("ahora mismo no tengo con qué pagarle", "sorry but I can't pay that now",
                        "não tenho como pagar isso")),
        ("refuses", ("no voy a pagar eso ni loco", "I will not pay that", "eu não vou pagar isso")),
        ("hardship", ("sí pero estoy con cáncer y en tratamiento", "yes but I lost my job two months ago",
                      "sim mas eu perdi o emprego e estou doente")),
        ("angry", ("los voy a denunciar por acoso", "I am going to sue you", "isso é golpe")),
        ("person", ("quisiera que me atienda un ejecutivo", "I would like to speak to a real person",
                    "eu quero falar com um atendente")),
        ("later", ("no puedo hablar ahora", "estoy manejando", "me puede llamar más tarde", "I'm driving",
                   "call me later please", "não posso falar agora", "me liga mais tarde")),
        ("absent", ("no está, llame más tarde", "he is not here, call back later")),
        ("wants_plan", ("me gustaría pagarlo en cuotas si se puede", "could I pay in instalments please",
                        "dá para parcelar em três vezes")),
        ("will_pay", ("sí claro puedo pagar el viernes", "yes I can pay on friday", "vou pagar na sexta")),
        ("stop", ("por favor no me llamen más", "stop calling me please", "não me liguem mais")),
        ("wrong_person", ("número equivocado", "you have the wrong number", "não conheço essa pessoa")),
        ("who", ("¿de parte de quién?", "who is calling?", "quem fala?")),
    ],
)  # fmt: skip
def test_what_is_meant_in_three_languages(fitted: object, first: str, sentences: tuple[str, ...]) -> None:
    assert {speech: heard(fitted, speech).first for speech in sentences} == dict.fromkeys(sentences, first)


def test_the_model_is_not_asked_about_the_few_words_that_tables_know() -> None:
    """It takes "soy yo" for somebody else: it learned from written messages."""
    assert not any(meaning.sentence(speech) for speech in ("sí", "soy yo", "no está", "mmm", ""))
    assert meaning.sentence("estoy cesante")
    assert meaning.sentence("sí pero quedé cesante")


def test_a_suspicion_stands_beside_what_is_sure_and_nothing_safe_is_done_on_it() -> None:
    suspected = [Guess("agrees", 0.95), Guess("hardship", policy.DOUBT)]
    found = meaning.meant("bueno ya está bien", suspected, policy.THRESHOLD)
    assert found == Meant(("yes",), "hardship")
    assert not found.safely("yes")
    assert found.safely("paid_already")
    assert meaning.meant("bueno ya está bien", suspected[:1], policy.THRESHOLD).safely("yes")


def test_what_is_sure_enough_is_the_creditors_to_say() -> None:
    guesses = [Guess("disputes", 0.92)]
    assert meaning.meant("x y z w", guesses, 0.9).first == "dispute"
    assert meaning.meant("x y z w", guesses, 0.95) == Meant((), "disputes")


@pytest.mark.parametrize(
    ("speech", "owed"),
    [
        ("voy a pagar mañana pero dejen de llamarme", "will_pay"),
        ("parem de me ligar que eu já paguei", "paid_already"),
        ("stop calling me, I already paid", "paid_already"),
        ("no me llamen más, estoy enfermo y mañana pago", "hardship"),
        ("dejen de llamarme, ladrones", "angry"),
        ("por favor no me llamen más", None),
    ],
)
def test_what_is_said_beside_a_wish_to_be_left_alone_is_owed_an_answer(speech: str, owed: str | None) -> None:
    found = meaning.meant(speech, (), policy.THRESHOLD)
    assert (found.first, found.owed) == ("stop", owed)


def test_to_be_somebody_else_is_heard_by_tables_alone() -> None:
    """It closes a number, so a guess is not enough."""
    guessed = meaning.meant("aquí vive otra familia", [Guess("wrong_person", 0.99)], 0.9)
    assert guessed == Meant((), "wrong_person")
    assert hearing.intents("no, número equivocado")[0] == "wrong_person"
