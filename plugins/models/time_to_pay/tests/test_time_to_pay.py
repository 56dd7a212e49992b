"""Days and chances mean what they say, whatever the shape of the errors."""

import numpy as np
import pytest
from recupero_time_to_pay import TimeToPay

from recupero_sdk.models import Columns


def _world(rows: int, seed: int) -> tuple[Columns, np.ndarray]:
    """Days that follow `habit`, with errors that lean to one side."""
    rng = np.random.default_rng(seed)
    habit = rng.normal(0, 8, rows)
    return Columns({"habit": habit, "noise": rng.normal(size=rows)}, rows), habit + rng.exponential(6, rows)


def test_half_of_the_claims_take_longer_than_the_median_said() -> None:
    model, (columns, days) = TimeToPay(), _world(1500, 0)
    fitted = model.train(columns, days).fitted
    fresh, happened = _world(3000, 1)
    assert np.mean(happened > model.predict(fitted, fresh)) == pytest.approx(0.5, abs=0.05)


def test_the_chance_of_being_later_is_the_share_that_is() -> None:
    model, (columns, days) = TimeToPay(), _world(1500, 0)
    fitted = model.train(columns, days).fitted
    fresh, happened = _world(3000, 1)
    for limit in (0.0, 10.0):
        chance = model.later_than(fitted, fresh, limit)
        assert ((chance > 0) & (chance < 1)).all()
        assert chance.mean() == pytest.approx(np.mean(happened > limit), abs=0.05)
    assert (model.later_than(fitted, fresh, 10.0) <= model.later_than(fitted, fresh, 0.0)).all()


def test_a_dump_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        TimeToPay().load(b"{}")
