"""What a statement comes to under each way of remitting. Pure.

Domain page, section 6. Net: the agency keeps its fee on what was paid to it and remits the rest; its fee on
what was paid to the creditor is invoiced. Gross: everything is remitted and every fee invoiced. Combined:
every fee, also that on direct payments, is kept from what is remitted. What comes out below zero is carried
over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How an agency and a creditor settle."""

    NET = "net"
    GROSS = "gross"
    COMBINED = "combined"


@dataclass(frozen=True, slots=True)
class Line:
    """What counts of a statement's line; minor units, negative where money went back."""

    direct: bool
    counts: bool  # false for what changed a balance without money, as an adjustment
    amount_minor: int
    fee_minor: int
    tax_minor: int
    fee_taken: bool = False  # a gateway left the fee with the agency: it is invoiced, and paid already


@dataclass(frozen=True, slots=True)
class Totals:
    """A statement in figures, minor units. `opening` and `closing` are debts carried over: zero or below."""

    opening_minor: int
    collected_minor: int
    direct_minor: int
    fees_minor: int
    tax_minor: int
    withheld_minor: int
    invoiced_minor: int
    payable_minor: int
    closing_minor: int


def withholds(method: Method, direct: bool, fee_taken: bool = False) -> bool:
    """Whether the agency keeps its fee on such a payment from what it remits; else it invoices the fee. A fee
    that a gateway has left with it already is never kept again."""
    if fee_taken:
        return False
    return method is Method.COMBINED or (method is Method.NET and not direct)


def due(method: Method, line: Line) -> tuple[int, int]:
    """What a line brings the creditor out of trust, and what the agency earns by it.

    Law: what lines bring the creditor, with the opening balance, is what is payable and carried over.
    """
    if not line.counts:
        return 0, 0
    earned = line.fee_minor + line.tax_minor
    kept = earned if withholds(method, line.direct, line.fee_taken) else 0
    return (0 if line.direct else line.amount_minor) - kept, earned


def totals(method: Method, opening_minor: int, lines: Iterable[Line]) -> Totals:
    """The figures of a statement. Law: payable + closing = opening + collected - withheld."""
    collected = direct = 0
    fees = tax = withheld = 0
    for line in lines:
        if not line.counts:
            continue
        if line.direct:
            direct += line.amount_minor
        else:
            collected += line.amount_minor
        if withholds(method, line.direct, line.fee_taken):
            withheld += line.fee_minor + line.tax_minor
        fees += line.fee_minor
        tax += line.tax_minor
    left = opening_minor + collected - withheld
    return Totals(
        opening_minor=opening_minor,
        collected_minor=collected,
        direct_minor=direct,
        fees_minor=fees,
        tax_minor=tax,
        withheld_minor=withheld,
        invoiced_minor=fees + tax - withheld,
        payable_minor=max(left, 0),
        closing_minor=min(left, 0),
    )
