"""What the agency earns on money that came in: the creditor's schedule, and the fee and tax on each line.

Domain page, section 6: fee = allocated amount of the commissionable parts x the rate at the payment's date,
the rate by age, balance, placement number, stage and settlement, with minimum and maximum. Tax on the fee is
extra. Rates are basis points, sums minor units. What applied is kept with the payment, so that a later change
of the schedule changes no fee that was earned, and a reversal gives back exactly what was taken.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from recupero.ledger.books import ALLOCATION_ORDER

Line = tuple[int, str]  # an account and a part of its balance


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """What applies to one payment of one account: the fee is `rate` of it, not below `minimum` (but never
    more than was paid), not above `maximum`; `tax` is charged on the fee. Only `parts` earn."""

    rate: int = 0
    minimum: int = 0
    maximum: int | None = None
    tax: int = 0
    parts: tuple[str, ...] = ALLOCATION_ORDER

    def fee(self, amount: int) -> int:
        """The fee on `amount`, rounded half up; it grows with the amount and never exceeds it."""
        highest = amount if self.maximum is None else min(amount, self.maximum)
        return min(highest, max(self.minimum, share(amount, self.rate)))

    def to_json(self) -> list[Any]:
        return [self.rate, self.minimum, self.maximum, self.tax, list(self.parts)]

    @staticmethod
    def from_json(data: Sequence[Any] | int) -> "FeeTerms":
        """The terms that `to_json` wrote; payments of before there were schedules carry a plain rate."""
        if isinstance(data, int):
            return FeeTerms(rate=data)
        rate, minimum, maximum, tax, parts = data
        return FeeTerms(rate, minimum, maximum, tax, tuple(parts))


@dataclass(frozen=True, slots=True)
class Earning:
    """What the rate of an account depends on. `placed_minor` is the balance as it was placed; `on` the day of
    the payment; `settled`: the payment fulfils an agreed settlement; `legal`: placed for legal recovery."""

    due_date: date
    on: date
    placed_minor: int
    placement_number: int
    legal: bool
    settled: bool

    @property
    def age_days(self) -> int:
        return max((self.on - self.due_date).days, 0)


def fee_terms(terms: Mapping[str, Any], earning: Earning) -> FeeTerms:
    """What a portfolio's `terms` say of a payment: the first row that fits, else the flat rate."""
    schedule = terms.get("commission") or {}
    flat = int(terms.get("commission_rate", 0))
    rate = next((int(row["rate"]) for row in schedule.get("rates", ()) if _fits(row, earning)), flat)
    return FeeTerms(
        rate=rate,
        minimum=int(schedule.get("minimum_minor", 0)),
        maximum=schedule.get("maximum_minor"),
        tax=int(schedule.get("tax_rate", 0)),
        parts=tuple(schedule.get("parts") or ALLOCATION_ORDER),
    )


def _fits(row: Mapping[str, Any], earning: Earning) -> bool:
    """Lower ends are included, upper ends are not; what a row does not name is open."""
    return bool(
        row.get("from_age_days", 0) <= earning.age_days < row.get("to_age_days", float("inf"))
        and row.get("from_balance_minor", 0)
        <= earning.placed_minor
        < row.get("to_balance_minor", float("inf"))
        and row.get("placement_number", earning.placement_number) == earning.placement_number
        and row.get("legal", earning.legal) == earning.legal
        and row.get("settlement", earning.settled) == earning.settled
    )


class Charged(NamedTuple):
    """The commission on a line and the tax on it, minor units."""

    fee: int
    tax: int


def commission(
    lines: Mapping[Line, int], terms: Mapping[int, FeeTerms], order: Sequence[Line]
) -> dict[Line, Charged]:
    """Fee and tax on each line of a payment; `terms` by account, `order` as money pays the lines.

    Accounts under the same terms count together, so that their lines sum to the fee on their total (rounding,
    minimum and maximum apply once to a payment). Lines of parts that earn nothing have a fee of zero.
    """
    charged: dict[Line, Charged] = {}
    running: defaultdict[FeeTerms, int] = defaultdict(int)
    for line in order:
        amount = lines.get(line, 0)
        if not amount:
            continue
        applies = terms.get(line[0], FeeTerms())
        if line[1] not in applies.parts:
            charged[line] = Charged(0, 0)
            continue
        before, running[applies] = running[applies], running[applies] + amount
        lower, upper = applies.fee(before), applies.fee(running[applies])
        charged[line] = Charged(upper - lower, share(upper, applies.tax) - share(lower, applies.tax))
    return charged


def share(amount: int, rate: int) -> int:
    """`rate` basis points of `amount`, rounded half up to the minor unit."""
    return (amount * rate + 5000) // 10000
