"""The logistic line: what is unknown counts as the mean, few cases mislead nobody, a curve is a bent line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero_sdk import curves, logistic
from recupero_sdk.models import Columns


def _world(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    return a[:, None], (rng.random(rows) < 1 / (1 + np.exp(1 - 2 * a))).astype(float)


def test_a_line_finds_what_made_the_rows_and_reads_itself_back() -> None:
    matrix, target = _world(4000, 0)
    line = logistic.fit(matrix, ["a"], target).line
    low, high = line.log_odds(np.array([[-1.0], [1.0]]))
    assert (high - low) / 2 == pytest.approx(2, abs=0.3)
    assert (low + high) / 2 == pytest.approx(-1, abs=0.2)
    assert logistic.load(logistic.dump(line, "x"), "x") == line


def test_an_unknown_value_counts_as_the_mean() -> None:
    matrix, target = _world(800, 0)
    line = logistic.straight(matrix, ["a"], target, 100.0)
    unknown, mean = line.log_odds(np.array([[np.nan], [line.mean[0]]]))
    assert unknown == pytest.approx(mean)
    assert line.log_odds(np.array([[1.0]])) > mean


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(4, 80), columns=st.integers(0, 6))
def test_the_ridge_expects_in_all_as_many_as_there_were(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    x, target = rng.normal(size=(rows, columns)) * 10, (np.arange(rows) % 3 == 0).astype(float)
    known = rng.normal(size=rows)
    weights, intercept = logistic.ridge(x, target, np.full(columns, 1.0), beforehand=known)
    expected = logistic.chance(known + x @ weights + intercept).sum()
    assert expected == pytest.approx(target.sum(), abs=0.05)


def test_weights_without_cases_stay_where_they_are_drawn_to() -> None:
    x, target = np.zeros((50, 1)), np.array([1.0, 0.0] * 25)
    weights, _intercept = logistic.ridge(x, target, np.array([10.0]), towards=np.array([0.7]))
    assert weights[0] == pytest.approx(0.7)


def test_what_says_nothing_is_drawn_in_and_never_turned_round() -> None:
    rng = np.random.default_rng(1)
    target = (rng.random(400) < 0.3).astype(float)
    slope, shift = logistic.platt(-3 * (target - 0.3) + rng.normal(size=400), target)
    assert slope == 0
    assert logistic.chance(shift) == pytest.approx(target.mean(), abs=1e-3)


def test_a_curve_over_few_values_is_the_line() -> None:
    rng = np.random.default_rng(2)
    a = rng.integers(0, 4, 600).astype(float)
    target = (rng.random(600) < 1 / (1 + np.exp(2 - a))).astype(float)
    bent = curves.learn(Columns({"a": a}, 600), target).curves
    straight = logistic.fit(a[:, None], ["a"], target).line
    asked = np.arange(4.0)
    assert bent.chances(Columns({"a": asked}, 4)) == pytest.approx(straight.chance(asked[:, None]), abs=0.03)
