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
# Where Stripe's unit is not the ISO 4217 minor unit: decimal digits more (or fewer) than ISO has.
_DIGITS_BEYOND_ISO = {"MGA": -2, "ISK": 2}


def to_stripe(amount_minor: int, currency: str) -> int:
    """ISO minor units to Stripe's. Raises GatewayRefused on an amount that Stripe cannot charge."""
    digits = _DIGITS_BEYOND_ISO.get(currency, 0)
    if digits >= 0:
        amount = amount_minor * 10**digits
    else:
        amount, rest = divmod(amount_minor, 10**-digits)
        if rest:
            raise GatewayRefused(f"Stripe takes no fraction of {currency}")
    if currency in THREE_DECIMAL and amount % 10:
        raise GatewayRefused(f"Stripe takes {currency} in tens of its smallest unit only")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units to ISO minor units; a fraction that ISO does not know is refused as malformed."""
    digits = _DIGITS_BEYOND_ISO.get(currency, 0)
    if digits <= 0:
        return amount * 10**-digits
    whole, rest = divmod(amount, 10**digits)
    if rest:
        raise ValueError(f"{amount} is no whole amount of {currency}")
    return whole
