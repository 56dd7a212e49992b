"""A retraining keeps the shape; the straight half alone goes on where a trend does."""

import numpy as np
from recupero_propensity import Propensity

from recupero_sdk.models import Columns


def _world(rows: int, seed: int) -> tuple[Columns, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    return Columns({"a": a}, rows), (rng.random(rows) < 1 / (1 + np.exp(1 - 2 * a))).astype(float)


def test_refitting_keeps_the_shape_and_learns_from_the_new_rows() -> None:
    model, (columns, target) = Propensity(), _world(800, 0)
    first = model.train(columns, target).fitted
    again = model.refit(first, columns, 1 - target)
    assert again.booster.num_trees() == first.booster.num_trees()
    assert (again.calibration, again.share) == (first.calibration, first.share)
    before, after = model.predict(first, columns), model.predict(again, columns)
    assert np.corrcoef(before, after)[0, 1] < -0.5


def test_the_straight_half_goes_beyond_what_was_seen() -> None:
    model, (columns, target) = Propensity(), _world(800, 0)
    line = model.straight(model.train(columns, target).fitted, columns, target)
    seen = float(np.max(columns.values["a"]))
    edge, beyond = model.predict(line, Columns({"a": np.array([seen, seen + 0.5])}, 2))
    assert beyond > edge
