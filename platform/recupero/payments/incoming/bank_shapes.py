"""What a statement file says, whatever its format."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class FileLine:
    """One movement; `amount_minor` is positive where money came in. `key` is the same in every file of the
    account that tells it."""

    booked_on: date
    amount_minor: int
    reference: str
    name: str
    counter_account: str
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class FileStatement:
    """One account's movements with the balances that the bank states, minor units of `currency`."""

    format: str
    account: str
    currency: str
    reference: str | None
    opening_minor: int | None
    closing_minor: int | None
    closing_on: date
    lines: tuple[FileLine, ...]
