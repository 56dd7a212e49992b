"""What a metric is, and one measured value of it. A rate is never averaged: a `Figure` carries its numerator
and denominator, and figures of parts are added before dividing."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SMALL = 30  # a rate over fewer than this is shown with its counts


class Unit(StrEnum):
    """How a figure is written."""

    MONEY = "money"  # integer minor units of the section's currency
    COUNT = "count"
    PERCENT = "percent"
    PER_THOUSAND = "per_thousand"
    TIMES = "times"  # a plain quotient
    DAYS = "days"
    HOURS = "hours"
    COST = "cost"  # millionths of the main unit of the currency that a provider charges in


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `denominator` is None for amounts and counts."""

    key: str
    label: str
    definition: str
    numerator: str
    denominator: str | None
    formula: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value of a metric: what was counted, and over what."""

    metric: Metric
    numerator: int
    denominator: int | None = None

    @property
    def value(self) -> int | float | None:
        """The amount or count, or the quotient; None where nothing could be divided by."""
        if self.metric.denominator is None:
            return self.numerator
        return self.numerator / self.denominator if self.denominator else None

    @property
    def small(self) -> bool:
        """Whether the counts must be shown beside the rate."""
        rate = self.metric.denominator is not None and self.metric.unit is not Unit.COST
        return rate and (self.denominator or 0) < SMALL

    def __add__(self, other: "Figure") -> "Figure":
        """The figure of both parts together: counts are added, never rates."""
        if other.metric is not self.metric:
            raise ValueError(f"cannot add {self.metric.key} and {other.metric.key}")
        if self.denominator is None or other.denominator is None:
            return Figure(self.metric, self.numerator + other.numerator)
        return Figure(self.metric, self.numerator + other.numerator, self.denominator + other.denominator)


def waiting_median(waits: Iterable[tuple[int, int, int]]) -> int | None:
    """The median of waits of which some are not over: rows of (hours, ended, still waiting). By Kaplan and
    Meier: those who still wait count until then. None where half have not ended."""
    rows = sorted(waits)
    at_risk, alive = sum(ended + waiting for _hours, ended, waiting in rows), 1.0
    for hours, ended, waiting in rows:
        if at_risk:
            alive *= 1 - ended / at_risk
        if alive <= 0.5:
            return hours
        at_risk -= ended + waiting
    return None


def total(figures: Iterable[Figure], metric: Metric) -> Figure:
    """The sum of figures of one metric; zero where there are none."""
    start = Figure(metric, 0, None if metric.denominator is None else 0)
    return sum(figures, start=start)


def as_json(figure: Figure) -> dict[str, Any]:
    """The figure for machines: value with what it was made of."""
    if figure.metric.denominator is None:
        return {"value": figure.numerator}
    return {"value": figure.value, "numerator": figure.numerator, "denominator": figure.denominator}
