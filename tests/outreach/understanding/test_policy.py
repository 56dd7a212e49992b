"""The machine answers only what is safe and sure; everything else is a person's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.kernel import runtime
from recupero.outreach.understanding.policy import DOUBT, HUMAN, INTENTS, QUIET, SAFE, URGENT, course
from recupero_sdk.texts import Guess

guesses = st.dictionaries(st.sampled_from(INTENTS), st.floats(0, 1)).map(
    lambda row: [Guess(label, chance) for label, chance in row.items()]
)


@pytest.mark.parametrize(
    ("told", "name", "why"),
    [
        ({"wants_link": 0.97}, "answer", "wants_link"),
        ({"asks_receipt": 0.97}, "answer", "asks_receipt"),
        ({"asks_receipt": 0.97, "paid_already": 0.3}, "person", "paid_already"),
        ({"wants_link": 0.97, "disputes": 0.3}, "person", "disputes"),
        ({"wants_link": 0.6}, "person", "unsure"),
        ({"hardship": 0.99}, "person", "hardship"),
        ({"stop": 0.95}, "stop", "stop"),
        ({"stop": 0.8}, "stop", "stop"),  # obeyed sooner than anything is answered
        ({"stop": 0.5}, "person", "stop"),
        ({"stop": 0.95, "prefers": 0.4}, "stop", "stop"),
        ({"stop": 0.95, "call_me_back": 0.4}, "stop", "stop"),  # nobody is asked to call them
        ({"stop": 0.95, "will_pay": 0.33}, "person", "will_pay"),  # and the channel is closed
        ({"prefers": 0.95, "stop": 0.8}, "person", "prefers"),
        ({"stop": 0.95, "angry": 0.8}, "person", "angry"),
        ({"thanks": 0.95}, "nothing", "thanks"),
        ({"agrees": 0.95}, "person", "agrees"),
        ({"asks_discount": 0.99, "agrees": 0.98}, "person", "agrees"),  # a bare yes
        ({}, "person", "unsure"),
    ],
)
def test_what_follows(told: dict[str, float], name: str, why: str) -> None:
    found = course([Guess(label, chance) for label, chance in told.items()])
    assert (found.name, found.why) == (name, why)


@pytest.mark.parametrize(
    ("told", "off", "name", "closes"),
    [
        ({"other": 0.3}, True, "stop", True),
        ({"will_pay": 0.99, "call_me_back": 0.7}, True, "person", True),
        ({"angry": 0.8}, True, "person", True),
        ({"stop": 0.95, "wants_link": 0.99}, False, "answer", False),
        ({"stop": 0.95, "refuses": 0.3}, False, "person", False),
    ],
)
def test_plain_words_to_be_taken_off_or_not_to_be_count_more_than_the_guesses(
    told: dict[str, float], off: bool, name: str, closes: bool
) -> None:
    found = course([Guess(label, chance) for label, chance in told.items()], off=off)
    assert (found.name, found.closes) == (name, closes)
    assert course([], 1.01, off=True).closes  # also where the machine answers nothing


@given(guesses, st.floats(0.5, 1))
def test_no_machine_answers_where_a_person_is_suspected_or_nothing_is_sure(
    told: list[Guess], threshold: float
) -> None:
    found = course(told, threshold)
    if found.name in ("answer", "nothing"):
        first = max(told, key=lambda one: one.probability)
        assert first.probability >= threshold
        assert first.label in SAFE | QUIET
        assert not any(one.label in HUMAN | {"stop"} and one.probability >= DOUBT for one in told)


def test_the_installed_model_speaks_of_the_same_intents(platform: runtime.Runtime) -> None:
    brought = platform.plugins.texts["intents"].examples()
    assert {label for one in brought for label in one.labels} == set(INTENTS)


def test_the_angry_come_first() -> None:
    assert "angry" in URGENT
    assert "unsure" not in URGENT
