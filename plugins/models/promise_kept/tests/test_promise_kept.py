"""Chances mean what they say, bends are found, and what says nothing moves nothing."""

import numpy as np
import pytest
from recupero_promise_kept import PromiseKept

from recupero_sdk.models import Columns


def _world(rows: int, seed: int) -> tuple[Columns, np.ndarray]:
    """Promises that are kept best two weeks ahead, and less the larger they are."""
    rng = np.random.default_rng(seed)
    ahead, share = rng.uniform(0, 60, rows), rng.uniform(0, 1, rows)
    odds = 1.0 - 1.5 * share - np.abs(ahead - 14) / 10
    kept = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(float)
    return Columns({"days_ahead": ahead, "amount_share": share, "noise": rng.normal(size=rows)}, rows), kept


def test_chances_of_new_promises_are_calibrated_and_bend_where_the_world_does() -> None:
    model, (columns, kept) = PromiseKept(), _world(3000, 0)
    fitted = model.train(columns, kept).fitted
    fresh, happened = _world(3000, 1)
    chance = model.predict(fitted, fresh)
    for part in np.array_split(np.argsort(chance), 5):
        assert chance[part].mean() == pytest.approx(happened[part].mean(), abs=0.06)
    days = Columns({"days_ahead": [1.0, 14.0, 50.0], "amount_share": [0.5] * 3, "noise": [0.0] * 3}, 3)
    early, best, late = model.predict(fitted, days)
    assert best > early + 0.1 > late


def test_a_column_that_says_nothing_moves_nothing() -> None:
    model, (columns, kept) = PromiseKept(), _world(3000, 0)
    fitted = model.train(columns, kept).fitted
    reasons = model.explain(fitted, columns, top=3)
    moved = {name: np.mean([abs(r.contribution) for row in reasons for r in row if r.feature == name])
             for name in columns.values}  # fmt: skip
    assert moved["noise"] < 0.25 * min(moved["days_ahead"], moved["amount_share"])


def test_a_broken_promise_never_helps_even_where_the_rows_say_so() -> None:
    model, (columns, kept) = PromiseKept(), _world(1500, 0)
    odd = np.where(np.random.default_rng(2).random(1500) < 0.3, 1 - kept, kept)  # broken ones go with kept
    values = {**columns.values, "promises_broken": odd, "promises_kept": odd}
    fitted = model.train(Columns(values, 1500), kept).fitted
    one = {name: np.full(2, 0.5) for name in columns.values}
    for name, way in (("promises_broken", 0), ("promises_kept", 1)):
        other = "promises_kept" if name == "promises_broken" else "promises_broken"
        pair = Columns({**one, other: np.zeros(2), name: np.array([0.0, 3.0])}, 2)
        low, high = model.predict(fitted, pair)
        assert (high > low) == bool(way)
        assert high >= low


def test_what_is_wholly_unknown_gets_the_average() -> None:
    model, (columns, kept) = PromiseKept(), _world(500, 0)
    fitted = model.train(columns, kept).fitted
    nothing = Columns({name: [np.nan] for name in columns.values}, 1)
    assert model.predict(fitted, nothing)[0] == pytest.approx(kept.mean(), abs=0.15)


def test_a_dump_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        PromiseKept().load(b"{}")
