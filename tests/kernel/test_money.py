"""Money: whole minor units by ISO 4217, exact in and out, never across currencies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recupero.kernel.errors import UserError
from recupero.kernel.money import Money, format_micro, format_minor, minor_units, to_minor


@pytest.mark.parametrize(
    "currency, digits",
    [
        ("CLP", 0),
        ("PYG", 0),
        ("JPY", 0),
        ("COP", 2),
        ("MXN", 2),
        ("EUR", 2),
        ("KWD", 3),
        ("CLF", 4),
        ("UYU", 2),
    ],
)
def test_minor_units_follow_iso_4217(currency: str, digits: int) -> None:
    assert minor_units(currency) == digits


@pytest.mark.parametrize("amount", ["9" * 40, "-1e400", "100000000000000"])
def test_an_amount_that_no_sum_could_hold_is_refused(amount: str) -> None:
    with pytest.raises(UserError, match="too large"):
        to_minor(amount, "EUR")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["CLP", "COP", "EUR", "KWD"]))
def test_major_and_minor_are_inverse(minor: int, currency: str) -> None:
    assert to_minor(Money(minor, currency).major(), currency) == minor


@pytest.mark.parametrize(
    "micro, currency, text",
    [
        (7_500, "USD", "$0.0075"), (1_250_000, "USD", "$1.25"), (3_000_000, "USD", "$3.00"),
        (0, "USD", "$0.00"),
        (7_500_000, "CLP", "CLP 7.5"), (2_000_000, "CLP", "CLP 2"), (33, "USD", "$0.00"),
        (1_234_567_000_000, "USD", "$1,234,567.00"),
    ],
)  # fmt: skip
def test_what_costs_less_than_a_coin_is_written_with_the_digits_it_needs(
    micro: int, currency: str, text: str
) -> None:
    assert format_micro(micro, currency, "en").replace("\xa0", " ") == text


@pytest.mark.parametrize(
    "amount, currency", [("1.5", "CLP"), ("0.001", "EUR"), ("abc", "EUR"), ("NaN", "EUR")]
)
def test_what_is_no_amount_of_the_currency_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(UserError):
        to_minor(amount, currency)


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(UserError, match="ISO 4217"):
        to_minor("1", "XQX")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="mix"):
        Money(1, "CLP") + Money(1, "COP")
    assert (Money(5, "CLP") - Money(2, "CLP")).major() == Decimal(3)


@pytest.mark.parametrize(
    "minor, currency, locale, text",
    [
        (125000, "CLP", "es_CL", "$125.000"),
        (202819679, "COP", "es_CL", "COP\xa02.028.196,79"),
        (-5, "COP", "es", "-0,05\xa0COP"),
        (48000050, "COP", "es_CO", "$480.000,50"),
        (48000000, "COP", "es_CO", "$480.000"),
        (123456, "EUR", "en", "€1,234.56"),
        (-500000, "CLP", "pt_BR", "-CLP\xa0500.000"),
        (0, "CLP", "es_CL", "$0"),
        (999, "USD", "en", "$9.99"),
        (12345678900, "INR", "en_IN", "₹12,34,56,789.00"),
    ],
)
def test_people_read_amounts_in_their_own_way(minor: int, currency: str, locale: str, text: str) -> None:
    assert format_minor(minor, currency, locale) == text
