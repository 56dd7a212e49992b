"""What a provider charges by destination, as an agency writes it into a connector's settings:

    default=0.05, +52=0.0431, +56=0.06

The longest prefix of a number counts, `default` where none fits. Amounts are main units of one currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from recupero_sdk.channels import Cost

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of one unit (a segment, a minute) in millionths of the currency's main unit, by prefix."""

    currency: str
    by_prefix: Mapping[str, int]

    @classmethod
    def parse(cls, text: str, currency: str) -> Tariff:
        """Read `prefix=price` pairs. Raises ValueError, in plain words, for what is none."""
        if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
            raise ValueError("the currency must be a code of three capital letters, such as USD")
        prices: dict[str, int] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            prefix, _, price = (side.strip() for side in part.partition("="))
            if prefix != DEFAULT and not (prefix.startswith("+") and prefix[1:].isdecimal()):
                raise ValueError(f"`{part}` is no price; write +52=0.0431, or default=0.05")
            prices[prefix] = _micro(part, price)
        return cls(currency, prices)

    def cost(self, number: str, units: int, counted: int | None = None) -> Cost | None:
        """The price of `units` to a number, or None where no price is known for it. `counted` is what the
        cost tells as its units where these are others (seconds of a call that is charged by minutes)."""
        fitting = [prefix for prefix in self.by_prefix if number.startswith(prefix)]
        price = self.by_prefix.get(max(fitting, key=len, default=DEFAULT))
        if price is None:
            return None
        return Cost(price * units, self.currency, units if counted is None else counted)


def _micro(part: str, price: str) -> int:
    try:
        amount = Decimal(price)
    except InvalidOperation:
        raise ValueError(f"`{part}` is no price; write the amount as 0.0431") from None
    if not amount.is_finite() or not 0 <= amount < 1_000_000:
        raise ValueError(f"`{part}` is no price; write an amount from 0 to 999999")
    return round(amount * 1_000_000)
