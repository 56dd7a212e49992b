"""What a message names beyond its account, as values for its words: other accounts, and an offer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from recupero.placements.reach import Reachable

#: Values of phrases; empty where there is nothing of the kind.
VALUES = (
    "others_list", "whole", "plan_count", "plan_each", "plan_last", "plan_down", "plan_first", "settled_for",
    "settled_parts", "settled_until",
)  # fmt: skip
NOTHING: Mapping[str, str] = dict.fromkeys(VALUES, "")


@dataclass(frozen=True, slots=True)
class Owed:
    """Parts of a balance that law wants named, minor units; interest is counted up to that day."""

    interest_minor: int
    costs_minor: int  # fees and costs of collection
    counted_to: date


@dataclass(frozen=True, slots=True)
class Named:
    """An offer as a message names it, minor units: a monthly plan of `count` payments of `each_minor`, the
    last of `last_minor`, after `down_minor` on the first day, over `total_minor`; or, where `until` says how
    long it holds, a settlement for `total_minor` in `count` payments."""

    count: int
    first_on: date
    each_minor: int = 0
    last_minor: int = 0
    down_minor: int = 0
    total_minor: int = 0
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Beyond:
    """What a message says beyond its own account: the debtor's `others` in the same currency with the parts
    of their balances, and the offer that it makes."""

    others: tuple[tuple[Reachable, Owed], ...] = ()
    offer: Named | None = None

    def brief(self) -> "Beyond":
        """For few letters: a last payment that differs by less than a hundredth is not told apart."""
        offer = self.offer
        if offer is None or 100 * abs(offer.last_minor - offer.each_minor) >= offer.each_minor:
            return self
        return replace(self, offer=replace(offer, last_minor=offer.each_minor))


def values(
    told: Beyond, account: Reachable, others: Sequence[str], money: Callable[[int], str],
    on: Callable[[date], str],
) -> dict[str, str]:  # fmt: skip
    """`VALUES` of a message, amounts and days written by `money` and `on`; `others` has the words for each
    other account."""
    whole = account.balance_minor + sum(one.balance_minor for one, _parts in told.others)
    found = {**NOTHING, "others_list": "; ".join(others), "whole": money(whole)}
    offer = told.offer
    if offer is None:
        return found
    if offer.until is not None:
        return found | {
            "settled_for": money(offer.total_minor), "settled_until": on(offer.until),
            "settled_parts": str(offer.count) if offer.count > 1 else "",
        }  # fmt: skip
    return found | {
        "plan_count": str(offer.count), "plan_each": money(offer.each_minor),
        "plan_first": on(offer.first_on),
        "plan_last": money(offer.last_minor) if offer.last_minor != offer.each_minor else "",
        "plan_down": money(offer.down_minor) if offer.down_minor else "",
    }  # fmt: skip
