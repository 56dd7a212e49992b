"""The difference between two groups that were drawn by lot, with its 95 % interval, or that they are too few.

Everybody counts as they were drawn, so that the difference is what was done otherwise and nothing else.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recupero.decisions.columns import Floats

#: With fewer people in either group, or fewer of them with whom it happened, a difference is not told from
#: chance.
LEAST_PEOPLE, LEAST_SEEN = 100, 10
_Z = 1.959964  # 95 % of a normal lie within it


@dataclass(frozen=True, slots=True)
class Difference:
    """One group less the other with its 95 % interval (None where there is none). `verdict`: too_few (to tell
    it from chance), more, less, or none (0 is within the interval)."""

    value: float
    low: float | None
    high: float | None
    verdict: str


def plenty(people: Sequence[int], *seen: int) -> bool:
    """Whether a difference may be told from chance: by the people of each group, and of how many of them what
    is compared was seen."""
    return min(people) >= LEAST_PEOPLE and min(seen) >= LEAST_SEEN


def of_ratios(paid: Floats, units: Floats, other: NDArray[np.bool_], *, enough: bool) -> Difference:
    """Difference of two ratios of sums to units, people being what was drawn; variances by linearisation
    (Cochran, Sampling Techniques, 1977, chapter 6). Of people it is Welch's interval. With too few who paid
    there is none: what was never seen has no variance."""
    value, variance = 0.0, 0.0
    for side, sign in ((~other, 1), (other, -1)):
        money, many = paid[side], units[side]
        if len(money) < 2:
            return Difference(0.0, None, None, "too_few")
        ratio = float(money.sum() / many.sum())
        rest = (money - ratio * many) / many.mean()
        value += sign * ratio
        variance += float(rest.var(ddof=1)) / len(money)
    if not enough:
        return Difference(value, None, None, "too_few")
    return _judged(value, _Z * math.sqrt(variance), enough=enough)


def of_shares(one: tuple[int, int], other: tuple[int, int], *, enough: bool) -> Difference:
    """Difference of two shares, each as how many of how many, by Agresti and Caffo (The American Statistician
    54, 2000), which holds also where one is near nothing."""
    if not one[1] or not other[1]:
        return Difference(0.0, None, None, "too_few")
    plain, value, variance = 0.0, 0.0, 0.0
    for (seen, people), sign in ((one, 1), (other, -1)):
        share = (seen + 1) / (people + 2)
        plain += sign * seen / people
        value += sign * share
        variance += share * (1 - share) / (people + 2)
    found = _judged(value, _Z * math.sqrt(variance), enough=enough)
    return Difference(plain, found.low, found.high, found.verdict)


def times(found: Difference, many: int) -> Difference:
    """The difference of so many."""
    low, high = (None if end is None else end * many for end in (found.low, found.high))
    return Difference(found.value * many, low, high, found.verdict)


def _judged(value: float, half: float, *, enough: bool) -> Difference:
    low, high = value - half, value + half
    verdict = "too_few" if not enough else "more" if low > 0 else "less" if high < 0 else "none"
    return Difference(value, low, high, verdict)
