"""The start goes one way in each of the terms, few agreements change little, and many say what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recupero_offer import Offer

from recupero_sdk.models import Columns

_RANGES = {
    "largest_share": (0.02, 1.0), "burden": (0.0, 4.0), "months": (0.0, 36.0), "first_days": (0.0, 45.0),
    "discount": (0.0, 0.6), "down_share": (0.0, 0.5),
}  # fmt: skip
_BETTER_HIGH = ("discount", "down_share")


def _one(**terms: float) -> float:
    columns = Columns({name: [terms.get(name, np.nan)] for name in _RANGES}, 1)
    return float(Offer().beforehand(columns)[0])


@given(st.data())
def test_the_start_goes_one_way_in_each_of_the_terms(data: st.DataObject) -> None:
    terms = {name: data.draw(st.floats(low, high)) for name, (low, high) in _RANGES.items()}
    if data.draw(st.booleans()):
        del terms["burden"]
    name = data.draw(st.sampled_from(sorted(terms)))
    more = terms | {name: min(terms[name] * 1.3 + 0.01, _RANGES[name][1])}
    before, after = _one(**terms), _one(**more)
    assert 0 < before < 1
    assert after >= before if name in _BETTER_HIGH else after <= before


def _world(rows: int, seed: int) -> tuple[Columns, np.ndarray]:
    """A place where, against the start, longer plans are kept better."""
    rng = np.random.default_rng(seed)
    months = rng.uniform(0, 24, rows)
    kept = (rng.random(rows) < 1 / (1 + np.exp(1.2 - 0.12 * months))).astype(float)
    return Columns({"months": months, "largest_share": 1 / (1 + months), "noise": rng.normal(size=rows)},
                   rows), kept  # fmt: skip


def test_many_agreements_say_what_the_start_did_not() -> None:
    model, (columns, kept) = Offer(), _world(3000, 0)
    fresh, happened = _world(3000, 1)
    chance = model.predict(model.train(columns, kept).fitted, fresh)
    for part in np.array_split(np.argsort(chance), 5):
        assert chance[part].mean() == pytest.approx(happened[part].mean(), abs=0.06)
    long = fresh.values["months"] > 12
    assert chance[long].mean() > chance[~long].mean() + 0.2


def test_few_agreements_stay_nearer_to_the_start_than_many() -> None:
    model, (fresh, _happened) = Offer(), _world(500, 2)
    start = model.beforehand(fresh)
    few, many = (
        np.abs(model.predict(model.train(*_world(rows, 0)).fitted, fresh) - start).mean()
        for rows in (100, 3000)
    )
    assert few < many


def test_a_dump_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        Offer().load(b"{}")
