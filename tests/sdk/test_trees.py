"""What columns add to a score along the paths of trees: all of it, and to the columns that were asked."""

import lightgbm
import numpy as np
import pytest

from recupero_sdk.trees import contributions


def _grown(matrix: np.ndarray, target: np.ndarray, **told: object) -> lightgbm.Booster:
    parameters = {"objective": "binary", "num_leaves": 5, "min_data_in_leaf": 5, "num_threads": 1,
                  "verbosity": -1, "deterministic": True, "force_col_wise": True, **told}  # fmt: skip
    data = lightgbm.Dataset(matrix, target, params={"verbosity": -1})
    return lightgbm.train(parameters, data, num_boost_round=12)


def _rows(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    matrix = random.normal(size=(count, 6))
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    return matrix, (np.nan_to_num(matrix[:, 2]) + 0.5 * np.nan_to_num(matrix[:, 4]) > 0.2).astype(float)


def test_parts_and_the_mean_make_up_the_score() -> None:
    matrix, target = _rows()
    booster = _grown(matrix, target)
    parts = contributions(booster, matrix)
    rest = booster.predict(matrix, raw_score=True) - parts.sum(axis=1)
    assert parts.shape == matrix.shape
    assert rest == pytest.approx(np.full(len(matrix), rest[0]))
    strength = np.abs(parts).mean(axis=0)
    assert strength.argmax() == 2  # what the outcome hangs on most
    assert strength[4] > strength[[0, 1, 3, 5]].max()


def test_a_kept_booster_tells_the_same_and_one_without_a_split_tells_nothing() -> None:
    matrix, target = _rows()
    booster = _grown(matrix, target)
    kept = lightgbm.Booster(model_str=booster.model_to_string())
    assert contributions(kept, matrix[:50]) == pytest.approx(contributions(booster, matrix[:50]))
    bare = _grown(matrix, target, min_data_in_leaf=len(target))
    assert not contributions(bare, matrix[:50]).any()
