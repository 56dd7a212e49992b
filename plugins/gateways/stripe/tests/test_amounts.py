"""Stripe's units and ISO's: the same money both ways, for every currency that differs."""

import pytest
from recupero_stripe.amounts import THREE_DECIMAL, ZERO_DECIMAL, from_stripe, to_stripe

from recupero_sdk.gateways import GatewayRefused


@pytest.mark.parametrize("currency", sorted(ZERO_DECIMAL - {"MGA"}))
def test_a_currency_without_decimals_is_sent_as_it_is(currency: str) -> None:
    assert to_stripe(500, currency) == 500
    assert from_stripe(500, currency) == 500


def test_a_currency_with_two_decimals_at_iso_and_none_at_stripe() -> None:
    assert to_stripe(50_000, "MGA") == 500
    assert from_stripe(500, "MGA") == 50_000
    with pytest.raises(GatewayRefused):
        to_stripe(50_001, "MGA")


def test_a_currency_without_decimals_at_iso_and_two_at_stripe() -> None:
    assert to_stripe(5, "ISK") == 500
    assert from_stripe(500, "ISK") == 5
    with pytest.raises(ValueError):
        from_stripe(501, "ISK")


@pytest.mark.parametrize("currency", sorted(THREE_DECIMAL))
def test_three_decimals_end_in_nought(currency: str) -> None:
    assert to_stripe(5120, currency) == 5120
    with pytest.raises(GatewayRefused, match="tens"):
        to_stripe(5124, currency)


@pytest.mark.parametrize("currency", ["USD", "EUR", "COP", "MXN", "BRL"])
def test_others_are_cents_on_both_sides(currency: str) -> None:
    assert to_stripe(1099, currency) == from_stripe(1099, currency) == 1099
