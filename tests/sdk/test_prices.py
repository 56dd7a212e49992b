"""A connector's prices: the longest prefix counts, millionths add up, what is no price is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero_sdk.channels import Cost
from recupero_sdk.prices import Tariff

TARIFF = Tariff.parse("default=0.05, +52=0.0431,+5255=0.01", "USD")


@pytest.mark.parametrize(
    ("number", "micro"), [("+525512345678", 10_000), ("+528112345678", 43_100), ("+56912345678", 50_000)]
)
def test_the_longest_prefix_counts(number: str, micro: int) -> None:
    assert TARIFF.cost(number, 1) == Cost(micro, "USD", 1)


@given(st.integers(1, 10_000))
def test_units_add_up_without_rounding(units: int) -> None:
    assert TARIFF.cost("+528112345678", units) == Cost(43_100 * units, "USD", units)


def test_a_call_is_charged_by_minutes_and_told_in_seconds() -> None:
    assert TARIFF.cost("+56912345678", 2, counted=61) == Cost(100_000, "USD", 61)


def test_a_number_without_price_has_no_cost() -> None:
    assert Tariff.parse("+52=0.05", "MXN").cost("+56912345678", 1) is None
    assert Tariff.parse("", "MXN").cost("+56912345678", 1) is None


@pytest.mark.parametrize(
    ("prices", "currency", "told"),
    [
        ("52=0.05", "USD", "`52=0.05` is no price; write +52=0.0431"),
        ("+52", "USD", "`+52` is no price"),
        ("+52=cheap", "USD", "`+52=cheap` is no price"),
        ("+52=-1", "USD", "`+52=-1` is no price; write an amount"),
        ("+52=NaN", "USD", "`+52=NaN` is no price"),
        ("+52=1", "usd", "three capital letters"),
    ],
)
def test_what_is_no_price_is_refused_in_words(prices: str, currency: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"no price|capital") as raised:
        Tariff.parse(prices, currency)
    assert told in str(raised.value)
