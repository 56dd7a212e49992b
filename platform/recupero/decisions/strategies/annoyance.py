"""What a complaint or an opt-out is held to cost where a strategy does not say, by currency.

A day of a person's work to settle it and a fifth of what an ombudsman asks for a case, since about one in
five becomes one: 250,000 Chilean pesos in round numbers (docs/strategy.md has the sources). In other
currencies it is what these were worth in the middle of 2025, to one or two digits.
"""

from collections.abc import Mapping

from recupero.kernel.money import minor_units

#: Whole units of the currency. The currencies of the countries in which the house works or prepares to.
WORTH: Mapping[str, int] = {
    "ARS": 320_000, "BOB": 1_800, "BRL": 1_500, "CLF": 6, "CLP": 250_000, "COP": 1_100_000, "CRC": 130_000,
    "DOP": 16_000, "EUR": 230, "GBP": 200, "GTQ": 2_000, "HNL": 7_000, "MXN": 5_000, "NIO": 10_000,
    "PAB": 270, "PEN": 1_000, "PYG": 2_000_000, "USD": 270, "UYU": 11_000,
}  # fmt: skip
#: Of any other currency: little in most, much in a few. Whoever works in one sets it.
ELSEWHERE = 250


def usual(currency: str) -> int:
    """What is held where the strategy says nothing, minor units of `currency` (ISO 4217)."""
    return int(WORTH.get(currency, ELSEWHERE) * 10 ** minor_units(currency))
