"""What a contact adds is found by way of who is reached, where payments alone are too few to tell it."""

import json

import numpy as np
import pytest
from recupero_next_action.learners import Heard, learn
from recupero_next_action.model import NextAction
from recupero_next_action.ranking import chosen

from recupero_sdk.models import Columns

NAMES = ("keen", "action_contact", "action_call")


def _log(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Options drawn at random; a call reaches the keen, and a quarter of those reached pays."""
    rng = np.random.default_rng(5)
    keen, contact = rng.normal(size=rows), rng.random(rows) < 0.7
    call = contact & (rng.random(rows) < 0.5)
    reach = np.where(contact, 0.06 + 0.14 * call * (keen > 0), 0.004)
    reached = rng.random(rows) < reach
    paid = rng.random(rows) < np.where(reached, 0.25, 0.002)
    return np.column_stack([keen, contact, call]).astype(float), paid * 1.0, reached * 1.0, reach


def _heard(reached: np.ndarray) -> Heard:
    """Where nobody tells who has read."""
    return Heard(reached, np.full(len(reached), np.nan))


def _columns(matrix: np.ndarray) -> Columns:
    return Columns(dict(zip(NAMES, matrix.T, strict=True)), len(matrix))


def test_few_payments_and_many_reached_tell_what_a_contact_adds() -> None:
    matrix, paid, reached, reach = _log(6000)
    assert paid.sum() < 150 < reached.sum()
    odds = learn(matrix, paid, NAMES, 1, heard=_heard(reached)).odds(matrix)
    truth = 0.25 * reach + 0.002 * (1 - reach)
    errors = {name: np.abs(1 / (1 + np.exp(-each)) - truth).mean() for name, each in odds.items()}
    assert min(errors, key=lambda name: errors[name]) == "through"
    assert errors["through"] < 0.006


def test_the_model_keeps_the_way_and_values_waiting_by_those_who_come_by_themselves() -> None:
    kind, (matrix, paid, reached, _reach) = NextAction(), _log(6000)
    outcomes = {"paid": paid, "reached": reached}
    made = kind.train(_columns(matrix), outcomes, propensity=np.full(len(matrix), 0.35), seed=1)
    assert made.parameters["paid_blend"] == "through"
    options = np.array([[1.0, 0, 0], [1.0, 1, 0], [1.0, 1, 1], [-1.0, 1, 1]])
    wait, text, call, unmoved = kind.predict(made.fitted, _columns(options))["paid"]
    assert wait < 0.008 < text < call
    assert unmoved < call
    again = kind.predict(kind.load(kind.dump(made.fitted)), _columns(options))["paid"]
    assert again == pytest.approx([wait, text, call, unmoved])


def test_the_hour_is_learned_by_who_reads_where_few_are_reached() -> None:
    """Messages are read twice as often in the evening; what is read moves one in twelve, at any hour."""
    rng = np.random.default_rng(8)
    evening, told = rng.random(5000) < 0.2, rng.random(5000) < 0.7
    names = (*NAMES[:2], "action_email", "action_hour")
    hour = np.where(evening, 18.0, 9.0)
    matrix = np.column_stack([rng.normal(size=5000), np.ones(5000), told, hour]).astype(float)
    read = rng.random(5000) < np.where(evening, 0.4, 0.2)
    reached = read & (rng.random(5000) < 0.08)
    paid = reached & (rng.random(5000) < 0.4)
    options = np.array([[0.0, 1, told, hour] for told in (1, 0) for hour in (9, 18)])
    apart = {}
    for name, known in (("read", np.where(told, read, np.nan)), ("unread", np.full(5000, np.nan))):
        way = learn(matrix, paid * 1.0, names, 1, heard=Heard(reached * 1.0, known)).through
        kept = way.of_json(json.loads(json.dumps(way.to_json())))
        odds = kept.odds(options)
        apart[name] = odds[[1, 3]] - odds[[0, 2]]
    assert np.abs(apart["read"] - np.log(2)).max() < 0.1
    assert np.abs(apart["read"] - np.log(2)).max() < np.abs(apart["unread"] - np.log(2)).max()


def test_nobody_known_to_be_reached_leaves_the_other_ways() -> None:
    matrix, paid, _reached, _reach = _log(1500)
    assert "through" not in learn(matrix, paid, NAMES, 1).odds(matrix)
    assert "through" not in learn(matrix, paid, NAMES, 1, heard=_heard(np.zeros(1500))).odds(matrix)


def test_a_lucky_ranking_does_not_take_the_place_of_the_first() -> None:
    rng = np.random.default_rng(2)
    plain, noise = rng.normal(size=(2, 400))
    lucky = plain + noise - noise.mean() + 0.07  # 1.4 standard errors
    assert chosen({"through": plain, "trees": lucky}) == "through"
    assert chosen({"response+products": plain, "trees": lucky}) == "response+products"
    assert chosen({"through": plain, "trees": lucky + 0.2}) == "trees"


@pytest.mark.parametrize(("cases", "least", "most"), [(0, 3, 3.1), (2, 6, 6.5), (12, 19, 20)])
def test_harm_is_told_at_the_upper_end_of_what_few_cases_allow(cases: int, least: float, most: float) -> None:
    kind, (matrix, paid, reached, _reach) = NextAction(), _log(3000)
    lately = np.arange(3000) % 5
    counts = {f"attempts_call_{days}d": lately * 1.0 for days in (30, 90)}
    columns = Columns({**_columns(matrix).values, **counts}, 3000)
    contacts = np.flatnonzero(matrix[:, 1])
    harm = np.zeros(3000)
    harm[contacts[: cases * 7 : 7]] = 1
    made = kind.train(columns, {"paid": paid, "reached": reached, "harm": harm}, seed=1)
    fitted = kind.load(kind.dump(made.fitted))
    told = kind.predict(fitted, columns, ("harm",))["harm"][contacts]
    assert least * 0.8 < told.sum() < most * 1.3
    rested, pressed = (told[lately[contacts] == each].mean() for each in (0, 4))
    assert pressed > 1.5 * rested


def test_a_version_of_the_earlier_format_serves_on() -> None:
    kind, (matrix, paid, reached, _reach) = NextAction(), _log(3000)
    made = kind.train(_columns(matrix), {"paid": paid, "reached": reached}, propensity=np.full(3000, 0.35))
    kept = json.loads(kind.dump(made.fitted))
    learned = kept["outcomes"]["paid"]["learned"]
    of_all = {name: {"share": share, "trees": None} for name, share in
              (("idle", 0.004), ("reached", 0.25), ("others", 0.002))}  # fmt: skip
    learned["through"] = {"flags": [1, 2], "reach": learned["response"], **of_all}
    fitted = kind.load(json.dumps({**kept, "format": 1}).encode())
    wait, call = kind.predict(fitted, _columns(np.array([[1.0, 0, 0], [1.0, 1, 1]])))["paid"]
    assert wait == pytest.approx(0.004 * 0.25 + 0.996 * 0.002)
    assert call > wait
    again = kind.predict(kind.load(kind.dump(fitted)), _columns(np.array([[1.0, 0, 0]])))["paid"]
    assert again == pytest.approx([wait])
