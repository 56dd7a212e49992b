"""Chances follow the hour, calls apart from messages, and what is known of the person."""

import numpy as np
import pytest
from recupero_best_time import BestTime

from recupero_sdk.models import Columns


def _attempts(rows: int, seed: int) -> tuple[Columns, np.ndarray]:
    """Calls are answered in the evening, messages at any hour; some people are reached twice as often."""
    rng = np.random.default_rng(seed)
    called, hour = rng.random(rows) < 0.5, rng.integers(8, 21, rows)
    rate = np.where(rng.random(rows) < 0.3, 0.4, 0.1)
    chance = rate * np.where(called, np.where(hour >= 17, 2.0, 0.5), 1.0)
    columns = Columns(
        {"when_called": called.astype(float), "when_hour": hour.astype(float),
         "when_weekday": rng.integers(1, 6, rows).astype(float), "own_rate": rate},
        rows,
    )  # fmt: skip
    return columns, (rng.random(rows) < chance).astype(float)


def _at(called: float, hour: float, rate: float = 0.1) -> Columns:
    return Columns(
        {"when_called": [called], "when_hour": [hour], "when_weekday": [2.0], "own_rate": [rate]}, 1
    )


def test_calls_have_hours_of_their_own_and_chances_are_calibrated() -> None:
    model, (columns, reached) = BestTime(), _attempts(6000, 0)
    fitted = model.train(columns, reached).fitted
    evening, noon = (float(model.predict(fitted, _at(1, hour))[0]) for hour in (18, 12))
    assert evening > 2 * noon
    late, early = (float(model.predict(fitted, _at(0, hour))[0]) for hour in (18, 12))
    assert late == pytest.approx(early, rel=0.5)
    assert float(model.predict(fitted, _at(1, 23))[0]) == pytest.approx(
        float(model.predict(fitted, _at(1, 20))[0])
    )  # what lies beyond counts as the end
    fresh, happened = _attempts(6000, 1)
    chance = model.predict(fitted, fresh)
    for part in np.array_split(np.argsort(chance, kind="stable"), 4):
        assert chance[part].mean() == pytest.approx(happened[part].mean(), abs=0.05)


def test_the_hour_is_one_reason_however_many_weights_it_has() -> None:
    model, (columns, reached) = BestTime(), _attempts(3000, 0)
    ((first, second),) = model.explain(model.train(columns, reached).fitted, _at(1, 18, 0.4), top=2)
    assert {first.feature, second.feature} == {"when_hour", "own_rate"}
    assert min(first.contribution, second.contribution) > 0
