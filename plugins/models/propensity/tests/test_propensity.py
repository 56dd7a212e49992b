"""Probabilities mean what they say, the curve is chosen by what predicts, and bad input is told in words."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recupero_propensity import Propensity, calibration
from recupero_propensity.calibration import Calibration

from recupero_sdk.models import Columns

RNG = np.random.default_rng(5)


def _world(rows: int, seed: int = 0) -> tuple[Columns, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=rows), rng.normal(size=rows)
    chance = 1 / (1 + np.exp(-(a - 2)))
    return Columns({"a": a, "b": b}, rows), (rng.random(rows) < chance).astype(float)


def test_probabilities_are_calibrated() -> None:
    model, (columns, target) = Propensity(), _world(4000)
    fitted = model.train(columns, target).fitted
    fresh, happened = _world(4000, seed=9)
    score = model.predict(fitted, fresh)
    for part in np.array_split(np.argsort(score), 5):
        assert score[part].mean() == pytest.approx(happened[part].mean(), abs=0.05)


@pytest.mark.parametrize("kind", ["none", "platt", "isotonic"])
@settings(max_examples=30, deadline=None)
@given(raw=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_every_curve_rises_and_stays_inside_0_and_1(kind: str, raw: list[float]) -> None:
    truth = RNG.random(400)
    curve = calibration.fit(kind, truth, (RNG.random(400) < truth).astype(float))
    found = curve.apply(np.sort(np.array(raw)))
    assert ((found > 0) & (found < 1)).all()
    assert (np.diff(found) >= -1e-12).all()


def test_a_score_that_is_off_is_put_right() -> None:
    truth = RNG.random(5000) * 0.3
    happened = (RNG.random(5000) < truth).astype(float)
    curve = calibration.best(truth * 3, happened)
    assert curve.kind != "none"
    assert curve.apply(truth * 3).mean() == pytest.approx(happened.mean(), abs=0.02)


def test_the_dump_is_text_and_anything_else_is_refused() -> None:
    model, (columns, target) = Propensity(), _world(600)
    content = json.loads(model.dump(model.train(columns, target).fitted))
    assert content["trees"].startswith("tree")
    with pytest.raises(ValueError, match="format"):
        model.load(b'{"format": 9}')


def test_too_few_of_one_outcome_says_how_many_are_needed() -> None:
    columns, _target = _world(600)
    with pytest.raises(ValueError, match="30 of each"):
        Propensity().train(columns, np.arange(600) < 5)
    with pytest.raises(ValueError, match="600 rows"):
        Propensity().train(columns, [0.0, 1.0])


def test_an_account_that_stands_there_week_after_week_counts_once_for_the_curve() -> None:
    rng = np.random.default_rng(0)
    raw, target = rng.random(60), (np.arange(60) % 5 == 0).astype(float)
    assert calibration.best(np.repeat(raw, 4), np.repeat(target, 4)).kind != "isotonic"


def test_no_curve_changes_nothing_but_the_edges() -> None:
    assert Calibration("none").apply(np.array([0.0, 0.5])).tolist() == [1e-6, 0.5]


def test_the_straight_half_goes_on_where_the_rows_end_and_is_kept_and_explained() -> None:
    model, (columns, target) = Propensity(), _world(600)
    fitted = model.straight(model.train(columns, target).fitted, columns, target)
    beyond = Columns({"a": np.array([2.0, 3.0]), "b": np.zeros(2)}, 2)
    low, high = model.predict(fitted, beyond)
    assert 0 < low < high < 1
    assert model.predict(model.load(model.dump(fitted)), beyond) == pytest.approx([low, high])
    assert [row[0].feature for row in model.explain(fitted, beyond)] == ["a", "a"]
    with pytest.raises(ValueError, match="30 of each"):
        model.straight(fitted, columns, np.arange(600) < 5)
