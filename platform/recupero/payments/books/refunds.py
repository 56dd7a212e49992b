"""What of a payment went back to the debtor, where refunds may fail after they were told. Pure.

A gateway tells the sum of all refunds so far, and of one that failed its amount: from then on its sums are
lower by that. A refund that failed brought nobody anything, so the books are as if it had never been made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

FAILED = "refund_failed"


class Fact(Protocol):
    """A `Reversal`, as far as it matters here."""

    @property
    def kind(self) -> str: ...
    @property
    def total_minor(self) -> int: ...
    @property
    def occurred_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Back:
    """Minor units that went back at a moment, to stay there."""

    at: datetime
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Refunds:
    """What of one payment went back, oldest first, and what failed and was not paid back since."""

    backs: tuple[Back, ...]
    to_retry_minor: int

    @property
    def total_minor(self) -> int:
        return sum(one.amount_minor for one in self.backs)


def refunds_of(facts: Iterable[Fact]) -> Refunds:
    """What the facts of one payment come to, in whatever order and however often they were told.

    A failure takes the newest refunds before it away. Disputes are left out.
    """
    known = sorted(facts, key=lambda one: (one.occurred_at, one.kind, one.total_minor))
    by_gateway: list[Back] = []
    by_agency: list[Back] = []
    to_retry = 0
    for one in known:
        if one.kind == FAILED:
            _take_away(by_gateway, one.total_minor)
            to_retry += one.total_minor
        elif one.kind in {"refund", "paid_back"}:
            told = by_gateway if one.kind == "refund" else by_agency
            more = one.total_minor - sum(back.amount_minor for back in told)
            if more > 0:
                told.append(Back(one.occurred_at, more))
                to_retry = max(0, to_retry - more)
    backs = sorted([*by_gateway, *by_agency], key=lambda back: back.at)
    return Refunds(tuple(backs), to_retry)


def _take_away(backs: list[Back], amount_minor: int) -> None:
    while backs and amount_minor > 0:
        last = backs.pop()
        if last.amount_minor > amount_minor:
            backs.append(Back(last.at, last.amount_minor - amount_minor))
        amount_minor -= last.amount_minor
