"""The straight half: what is unknown counts as the mean, and a retraining keeps the shape."""

import numpy as np
import pytest
from recupero_propensity import Propensity, linear

from recupero_sdk.models import Columns


def _world(rows: int, seed: int) -> tuple[Columns, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    return Columns({"a": a}, rows), (rng.random(rows) < 1 / (1 + np.exp(1 - 2 * a))).astype(float)


def test_an_unknown_value_counts_as_the_mean() -> None:
    columns, target = _world(800, 0)
    line = linear.fit(np.asarray(columns.values["a"])[:, None], target)
    unknown, mean = line.log_odds(np.array([[np.nan], [line.mean[0]]]))
    assert unknown == pytest.approx(mean)
    assert line.log_odds(np.array([[1.0]])) > mean


def test_refitting_keeps_the_shape_and_learns_from_the_new_rows() -> None:
    model, (columns, target) = Propensity(), _world(800, 0)
    first = model.train(columns, target).fitted
    again = model.refit(first, columns, 1 - target)
    assert again.booster.num_trees() == first.booster.num_trees()
    assert (again.calibration, again.share) == (first.calibration, first.share)
    before, after = model.predict(first, columns), model.predict(again, columns)
    assert np.corrcoef(before, after)[0, 1] < -0.5
