"""Figures agree with their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from recupero.decisions.measures import metrics


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=4, max_size=40))
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[int, bool]]) -> None:
    score = np.array([pair[0] for pair in pairs], dtype=float)
    target = np.array([pair[1] for pair in pairs], dtype=float)
    if 0 < target.sum() < len(target):
        assert metrics.auc(score, target) == pytest.approx(roc_auc_score(target, score))
    else:
        assert np.isnan(metrics.auc(score, target))


def test_a_perfect_forecast_has_no_error() -> None:
    target = np.array([0.0, 1.0] * 50)
    found = metrics.summary(target, target)
    assert found["auc"] == 1
    assert found["brier"] == 0
    assert found["calibration_error"] == 0
    assert found["log_loss"] < 1e-4


def test_the_gain_of_a_better_forecast_is_sure_and_of_the_same_is_none() -> None:
    rng = np.random.default_rng(1)
    chance = rng.random(3000)
    target = (rng.random(3000) < chance).astype(float)
    same = metrics.gain(chance, chance, target, np.arange(3000))
    better = metrics.gain(chance, np.full(3000, 0.5), target, np.arange(3000))
    assert same == {"gain": 0, "gain_low": 0, "gain_high": 0}
    assert better["gain_high"] > better["gain"] > better["gain_low"] > 0


def test_scores_that_did_not_move_are_stable() -> None:
    score = np.random.default_rng(1).random(1000)
    assert metrics.stability_index(score, score) == pytest.approx(0)
    assert metrics.stability_index(score, score / 3) > 0.25
