"""How Stripe writes money (https://docs.stripe.com/currencies: zero- and three-decimal, special cases)."""

from recupero_sdk.gateways import GatewayRefused

ZERO_DECIMAL = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# Where Stripe's unit is not the ISO 4217 minor unit.
_STRIPE_UNITS_IN_ISO_UNIT = {"ISK": 100}
_ISO_UNITS_IN_STRIPE_UNIT = {"MGA": 100}

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, in ISO minor units. Other currencies
# have the worth of the minimum of the currency that the account settles in: Stripe refuses what is below.
_MINIMUM = {
    "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50,
    "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300,
    "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
}  # fmt: skip


def minimum(currency: str) -> int:
    """The smallest charge, in ISO minor units."""
    return _MINIMUM.get(currency, step(currency))


def step(currency: str) -> int:
    """The smallest amount that Stripe can charge, in ISO minor units."""
    return 10 if currency in THREE_DECIMAL else _ISO_UNITS_IN_STRIPE_UNIT.get(currency, 1)


def to_stripe(amount_minor: int, currency: str) -> int:
    """ISO minor units to Stripe's. Raises GatewayRefused on an amount that Stripe cannot charge."""
    scaled = amount_minor * _STRIPE_UNITS_IN_ISO_UNIT.get(currency, 1)
    amount, rest = divmod(scaled, _ISO_UNITS_IN_STRIPE_UNIT.get(currency, 1))
    if rest:
        raise GatewayRefused(f"Stripe takes no fraction of {currency}")
    if currency in THREE_DECIMAL and amount % 10:
        raise GatewayRefused(f"Stripe takes {currency} in tens of its smallest unit only")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units to ISO minor units. Raises ValueError on a fraction that ISO does not know."""
    scaled = amount * _ISO_UNITS_IN_STRIPE_UNIT.get(currency, 1)
    whole, rest = divmod(scaled, _STRIPE_UNITS_IN_ISO_UNIT.get(currency, 1))
    if rest:
        raise ValueError(f"{amount} is no whole amount of {currency}")
    return whole
