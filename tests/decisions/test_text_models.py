"""An agency's model of messages: trained on what the plug-in brings, judged on what people corrected since,
promoted only where it reads that better, and served."""

from collections.abc import Sequence

import pytest
from recupero_intents import Intents

from recupero.contacts import answers
from recupero.contacts import messages as contact_messages
from recupero.decisions.learning import promotion, registry, text_models
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach.understanding import readings
from recupero_sdk.texts import Example, Guess
from tests.factories import World
from tests.outreach.placed import Placed, place

KEY = "few"
_SAID = {
    "thanks": ("gracias por todo", "muchas gracias", "se agradece", "gracias, muy amable"),
    "stop": ("no me escriban más", "basta de mensajes", "no quiero mensajes", "borren mi número ya"),
}


class Few(Intents):
    """The model of intents with few messages of its own."""

    key = KEY

    def examples(self) -> Sequence[Example]:
        """Eight phrases of three writers."""
        return [
            Example(f"{text} {writer}", (label,), "es", writer)
            for label, texts in _SAID.items()
            for text in texts
            for writer in ("ana", "luis", "eva")
        ]


@pytest.fixture
def scope(world: World, noon: object, monkeypatch: pytest.MonkeyPatch) -> Scope:
    monkeypatch.setitem(world.platform.plugins.texts, KEY, Few())
    return world.tenant()


def corrected(placed: Sequence[Placed], said: dict[str, str]) -> None:
    """Each debtor writes each of the texts, and a person says what it means."""
    with runtime.current().database.transaction(placed[0].scope) as session:
        for one in placed:
            for text, intent in said.items():
                contact_id = answers.record_inbound(
                    session, account_id=one.account_id, channel="sms", body=text, address="+56912345678"
                )
                heard = contact_messages.heard(session, [contact_id])[contact_id]
                readings.keep(session, heard, [Guess("thanks", 0.99)], "few 1")
                readings.correct(session, contact_id, [intent], actor="user:7")


def test_what_people_correct_is_learned_judged_and_promoted_only_by_a_win(scope: Scope) -> None:
    database, placed = runtime.current().database, place(scope, 12)
    first = text_models.train(database, scope, KEY)
    assert (first.alias, first.version, first.metrics["corrected"]) == ("champion", "1", 0)
    corrected(placed[:2], {"la boleta nunca llegó": "no_invoice"})
    second = text_models.train(database, scope, KEY)
    assert second.alias == "challenger"
    assert "gain" not in second.metrics  # two messages say nothing about which is better
    with pytest.raises(UserError, match="never measured"):
        promotion.promote(database, scope, second.name, second.version, actor="user:1")
    unknown = {
        f"{text} {number}": "no_invoice"
        for number in ("hoy", "ayer")
        for text in ("la boleta no me ha llegado", "no recibí la boleta", "nunca me llegó ninguna boleta")
    }
    corrected(placed, unknown)
    third = text_models.train(database, scope, KEY)
    assert third.metrics["judged_texts"] == 74  # each was read by a model without its writer
    assert third.metrics["gain_low"] > 0
    assert third.metrics["judged_first_right"] > third.metrics["serving_first_right"]
    promotion.promote(database, scope, third.name, third.version, actor="user:1")
    served = text_models.reader(scope, KEY)
    assert (served.name, served.version) == (registry.name_of(KEY, agency_id=scope.agency()), third.version)
    (guesses,) = served.kind.predict(served.fitted, ["no me llegó la boleta"])
    assert guesses[0].label == "no_invoice"


def test_twenty_corrected_messages_are_enough_to_measure_and_nineteen_are_not(scope: Scope) -> None:
    database, placed = runtime.current().database, place(scope, 10)
    text_models.train(database, scope, KEY)
    corrected(placed[:9], {"la boleta nunca llegó": "no_invoice", "¿y la boleta?": "no_invoice"})
    corrected(placed[9:], {"no llegó la boleta": "no_invoice"})
    assert "gain" not in text_models.train(database, scope, KEY).metrics
    corrected(placed[9:], {"¿y la boleta?": "no_invoice"})
    assert text_models.train(database, scope, KEY).metrics["judged_texts"] == 20


def test_the_first_is_measured_against_what_the_plug_in_brings(scope: Scope) -> None:
    corrected(place(scope, 10), {"la boleta nunca llegó": "no_invoice", "¿y la boleta?": "no_invoice"})
    first = text_models.train(runtime.current().database, scope, KEY)
    assert first.alias == "champion"
    assert first.metrics["judged_first_right"] > first.metrics["serving_first_right"] == 0
    assert 0 < first.metrics["holdout_share_at_98"] <= 1


def test_until_it_has_trained_an_agency_is_served_by_what_the_plug_in_brings(scope: Scope) -> None:
    served = text_models.reader(scope, KEY)
    assert served.name == f"{KEY}-brought"
    (guesses,) = served.kind.predict(served.fitted, ["muchas gracias"])
    assert guesses[0].label == "thanks"
