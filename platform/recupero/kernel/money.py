"""Money as an integer of minor units with an ISO 4217 code; no arithmetic across currencies."""

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from babel.core import Locale, get_global
from babel.numbers import NumberPattern, get_currency_symbol, get_decimal_symbol, get_group_symbol

from recupero.kernel.errors import UserError

_FRACTIONS: Mapping[str, tuple[int, ...]] = get_global("currency_fractions")  # Unicode CLDR, through Babel
# CLDR gives the digits people write, ISO 4217 the minor units that are booked. Where they differ ISO counts.
_ISO_MINOR_UNITS = {
    "AFN": 2,
    "ALL": 2,
    "IRR": 2,
    "KPW": 2,
    "LAK": 2,
    "LBP": 2,
    "MGA": 2,
    "MMK": 2,
    "RSD": 2,
    "SLL": 2,
    "SOS": 2,
    "SYP": 2,
    "YER": 2,
    "IQD": 3,
}
#: Minor units that no single amount reaches, so that sums of many are still kept in 64 bits.
TOO_MUCH = 10**16
_KNOWN: frozenset[str] = frozenset(get_global("all_currencies"))


def is_currency(code: str) -> bool:
    """Whether `code` is a three-letter ISO 4217 currency, present or past."""
    return code in _KNOWN


def minor_units(currency: str) -> int:
    """Decimal digits of the currency's minor unit by ISO 4217: CLP 0, COP 2, KWD 3."""
    if currency in _ISO_MINOR_UNITS:
        return _ISO_MINOR_UNITS[currency]
    return _FRACTIONS.get(currency, _FRACTIONS["DEFAULT"])[0]


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of `minor` units (may be negative) of one `currency`."""

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")

    def major(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-minor_units(self.currency))

    def format(self, locale: str) -> str:
        """As people of `locale` write it, in the currency's own minor digits."""
        return format_minor(self.minor, self.currency, locale)


def to_minor(amount: str | Decimal, currency: str) -> int:
    """Major units (a plain decimal) to minor units.

    Raises UserError where it is no number, has more decimals than the currency's minor unit or is not below
    `TOO_MUCH`.
    """
    if not is_currency(currency):
        raise UserError(
            "unknown currency '%(currency)s': use an ISO 4217 code such as CLP or EUR", currency=currency
        )
    try:
        scaled = Decimal(amount).scaleb(minor_units(currency))
    except InvalidOperation:
        scaled = Decimal("NaN")
    if not scaled.is_finite():
        raise UserError("'%(amount)s' is not an amount of money", amount=amount)
    if scaled != scaled.to_integral_value():
        raise UserError(
            "%(amount)s has more decimals than %(currency)s allows (%(most)s)",
            amount=amount,
            currency=currency,
            most=minor_units(currency),
        )
    if abs(scaled) >= TOO_MUCH:
        raise UserError("This amount is too large.")
    return int(scaled)


def smallest_coin(currency: str) -> int:
    """Minor units of the least that people pay in: 100 where they use no coins of the minor unit (Colombia,
    Hungary), else 1."""
    whole_coins = _FRACTIONS.get(currency, _FRACTIONS["DEFAULT"])[2] == 0
    return int(10 ** minor_units(currency)) if whole_coins else 1


def format_minor(minor: int, currency: str, locale: str) -> str:
    """Text for people: `format_minor(125000, "CLP", "es_CL")` is "$125.000".

    Whole amounts go without decimals where people do not use coins of the minor unit (Colombia, Hungary).
    """
    units = minor_units(currency)
    whole, coins = divmod(abs(minor), 10**units)
    whole_coins = _FRACTIONS.get(currency, _FRACTIONS["DEFAULT"])[2] == 0
    digits = 0 if whole_coins and not coins else units
    read, pattern = _pattern(locale, currency, digits)
    if pattern.grouping != (3, 3):
        text: str = pattern.apply(Decimal(minor).scaleb(-units), read)
        return text
    before, after, group, point = _signs(locale, currency, digits, minor < 0)
    written = f"{whole:,}".replace(",", group)
    return f"{before}{written}{point}{coins:0{units}d}{after}" if digits else f"{before}{written}{after}"


@cache
def _signs(locale: str, currency: str, digits: int, negative: bool) -> tuple[str, str, str, str]:
    """What stands before and after an amount, between its thousands and before its decimals: to ask Babel for
    them takes longer than to write the number."""
    read, pattern = _pattern(locale, currency, digits)
    before, after = (_QUOTED.sub(r"\1", affix[negative]) for affix in (pattern.prefix, pattern.suffix))
    return before, after, get_group_symbol(read), get_decimal_symbol(read)


_QUOTED = re.compile(r"'([^']*)'")
MICRO_DIGITS = 6
_MOST_DIGITS = 4


def format_micro(micro: int, currency: str, locale: str) -> str:
    """Text for what costs less than a coin: `format_micro(7_500, "USD", "en")` is "$0.0075". At least the
    currency's own digits, at most four."""
    amount = Decimal(micro).scaleb(-MICRO_DIGITS).quantize(Decimal(1).scaleb(-_MOST_DIGITS))
    needed = -int(amount.normalize().as_tuple().exponent)
    read, pattern = _pattern(locale, currency, max(minor_units(currency), min(needed, _MOST_DIGITS)))
    text: str = pattern.apply(amount, read)
    return text


#: Between a letter of a sign and the digits beside it: at the end of what stands before, the beginning of
#: what stands after. CLDR's `currencySpacing` wants a space there and Babel puts none: "COP 5", but "$5".
_BEFORE, _AFTER = re.compile(r"(?<=[^\W\d_])(?=-?$)"), re.compile(r"^(?=[^\W\d_])")


def _written(affixes: tuple[str, str], sign: str, border: re.Pattern[str]) -> tuple[str, str]:
    """What stands beside positive and negative amounts, with the sign in its place."""
    positive, negative = (border.sub("\xa0", affix.replace("\xa4", sign)) for affix in affixes)
    return positive, negative


@cache
def _pattern(locale: str, currency: str, digits: int) -> tuple[Locale, NumberPattern]:
    """The locale's own way to write this currency, with exactly `digits` decimals. Its sign is put into the
    pattern here, once: Babel would look up symbol and name for every amount."""
    read = Locale.parse(locale)
    pattern: NumberPattern = copy(read.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    sign = get_currency_symbol(currency, read)
    pattern.prefix = _written(pattern.prefix, sign, _BEFORE)
    pattern.suffix = _written(pattern.suffix, sign, _AFTER)
    return read, pattern
