"""Chances of contact points mean what they say, and a first answer tells more than a fifth."""

import numpy as np
import pytest
from recupero_right_party import RightParty

from recupero_sdk.models import Columns


def _points(rows: int, seed: int) -> tuple[Columns, np.ndarray]:
    """Points that once reached the person do so again, whatever the number of times; a few are wrong."""
    rng = np.random.default_rng(seed)
    right, wrong = rng.poisson(0.8, rows), rng.random(rows) < 0.2
    chance = np.where(wrong, 0.02, np.where(right > 0, 0.5, 0.15))
    columns = Columns({"right": right.astype(float), "wrong": wrong.astype(float)}, rows)
    return columns, (rng.random(rows) < chance).astype(float)


def test_chances_are_calibrated_and_know_a_first_answer_from_none() -> None:
    model, (columns, happened) = RightParty(), _points(4000, 0)
    fitted = model.train(columns, happened).fitted
    fresh, came = _points(4000, 1)
    chance = model.predict(fitted, fresh)
    for part in np.array_split(np.argsort(chance, kind="stable"), 4):
        assert chance[part].mean() == pytest.approx(came[part].mean(), abs=0.05)
    never, once, often = model.predict(fitted, Columns({"right": [0.0, 1.0, 4.0], "wrong": [0.0] * 3}, 3))
    assert once - never > 3 * abs(often - once)


def test_the_reason_is_the_column_that_speaks_loudest() -> None:
    model, (columns, happened) = RightParty(), _points(2000, 0)
    ((reason,),) = model.explain(
        model.train(columns, happened).fitted, Columns({"right": [1.0], "wrong": [1.0]}, 1), top=1
    )
    assert (reason.feature, reason.value) == ("wrong", 1.0)
    assert reason.contribution < 0


def test_a_dump_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="right_party"):
        RightParty().load(b'{"format": 1, "kind": "propensity"}')
