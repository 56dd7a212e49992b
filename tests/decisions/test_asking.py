"""Whatever a plug-in's code does, who asks it gets an answer or an error, in time."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from recupero.decisions.learning import asking
from recupero_sdk.models import Reason
from recupero_sdk.texts import Guess
from tests.factories import World

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def silent() -> Iterator[threading.Event]:
    """What a model waits for that does not answer."""
    event = threading.Event()
    yield event
    event.set()


def _raises() -> None:
    raise ZeroDivisionError("out of order")


def _leaves() -> None:
    raise SystemExit(3)


def test_an_answer_is_handed_on_and_so_is_what_it_raises() -> None:
    assert asking.asked("m 1", lambda one, two: one + two, 2, 3) == 5
    with pytest.raises(ZeroDivisionError, match="out of order"):
        asking.asked("m 1", _raises)
    with pytest.raises(RuntimeError, match="end the process"):
        asking.asked("m 1", _leaves)


def test_who_keeps_silent_is_left_behind_and_asked_again_once_back(
    world: World, silent: threading.Event
) -> None:
    with pytest.raises(TimeoutError, match=r"within 0\.05 seconds"):
        asking.asked("m 2", silent.wait, within=0.05)
    with pytest.raises(TimeoutError, match="not come back"):
        asking.asked("m 2", lambda: 1)
    assert asking.asked("m 3", lambda: 1) == 1  # another is not waited for
    silent.set()
    for thread in threading.enumerate():
        if thread.name == "model m 2":
            thread.join()
    assert asking.asked("m 2", lambda: 1) == 1


def test_probabilities_are_one_finite_number_a_row() -> None:
    assert asking.probabilities([0, 0.5, 1], 3).tolist() == [0, 0.5, 1]
    for wrong in ([0.5], [[0.5], [0.5]], [0.5, np.nan], [0.5, 1.1], [-0.1, 0.5], [0.5, 1j], ["x", "y"]):
        with pytest.raises(ValueError, match=r"answered|convert"):
            asking.probabilities(wrong, 2)


def test_reasons_are_told_by_row_in_numbers() -> None:
    assert asking.reasons([[Reason("a", 1.0, 0.5)], []], 2) == [[Reason("a", 1.0, 0.5)], []]
    for wrong in ([[]], [["because"], []], [[Reason("a", 1.0, float("nan"))], []]):
        with pytest.raises(ValueError, match="reason"):
            asking.reasons(wrong, 2)


def test_guesses_are_the_likeliest_first_each_label_once() -> None:
    fine = [Guess("pays", 0.7), Guess("stop", 0.2)]
    assert asking.guesses([fine], 1) == [fine]
    nonsense: list[Any] = [
        [], [fine, fine], [["pays"]], [[Guess("pays", float("nan"))]], [[Guess("pays", 1.2)]],
        [[Guess("pays", 0.2), Guess("stop", 0.7)]], [[Guess("pays", 0.5), Guess("pays", 0.5)]],
    ]  # fmt: skip
    for wrong in nonsense:
        with pytest.raises(ValueError, match="model"):
            asking.guesses(wrong, 1)
