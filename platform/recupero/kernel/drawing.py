"""Charts of pages: drawn as SVG from a few numbers, with the same numbers as a table behind them.

Light enough to be drawn with each page. The macros `chart`, `bars` and `spark` of charts.html show them;
colours are the style sheet's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import floor, log10
from typing import Literal

#: The drawing's own units; the page scales it.
WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 10, 26
_TICKS = 4
_WIDEST = 110  # of the bars over one label
_LETTERS = 92  # that fit below a drawing of `WIDTH`
_LARGER, _LARGER_HALF = 2, 1.4  # times, on a phone: of a drawing of `WIDTH`, and of a smaller one
_LETTER = 7  # units that one is wide
_BESIDE = 10  # that fit to the left of it


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or the bars of one colour: a value for each label, None where there is none."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Box:
    """One bar, with what is read when pointing at it."""

    series: int
    x: float
    y: float
    width: float
    height: float
    told: str


@dataclass(frozen=True)
class Chart:
    """`series` over `labels`, as bars beside each other, bars on each other (`stack`), or lines.

    `title` names the chart, `told` says in a sentence what it shows (for those who do not see it), `write`
    writes a value. `note` stands below the drawing. A chart across half of
    a page has a smaller `width`, so that its letters are no smaller than those of others.
    """

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    kind: Literal["bars", "stack", "lines"] = "bars"
    told: str = ""
    write: Callable[[float], str] = field(kw_only=True)
    axis: Callable[[float], str] | None = None  # writes what stands beside the lines, where that is shorter
    note: str = ""
    width: int = WIDTH

    @property
    def empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)

    @property
    def few(self) -> bool:
        """Whether what is written fits as large as a phone writes it, so that it shows the whole drawing."""
        beside = max((len(text) for _y, text in self.ticks), default=0)
        larger = _LARGER if self.width >= WIDTH else _LARGER_HALF
        return beside <= _BESIDE / larger and len(self.below) * self._longest <= self._letters / larger

    @cached_property
    def step(self) -> float:
        """Between two ticks: 1, 2 or 5 times a power of ten."""
        return _round_step((self._highest - self._lowest) / _TICKS)

    @cached_property
    def _highest(self) -> float:
        if self.kind == "stack":
            return max((sum(value or 0 for value in column) for column in self._columns), default=0.0)
        return max((value for value in self._values), default=0.0)

    @cached_property
    def _lowest(self) -> float:
        return min(0.0, min(self._values, default=0.0))

    @property
    def _values(self) -> list[float]:
        return [value for series in self.series for value in series.values if value is not None]

    @property
    def _columns(self) -> list[tuple[float | None, ...]]:
        return list(zip(*(series.values for series in self.series), strict=True))

    @cached_property
    def ticks(self) -> list[tuple[float, str]]:
        """Height and text of the lines behind the drawing."""
        first, last = floor(self._lowest / self.step), -floor(-self._highest / self.step)
        return [
            (self._y(at * self.step), (self.axis or self.write)(at * self.step))
            for at in range(first, max(last, 1) + 1)
        ]

    def _y(self, value: float) -> float:
        top = max(-floor(-self._highest / self.step), 1) * self.step
        bottom = floor(self._lowest / self.step) * self.step
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (top - value) / (top - bottom), 1)

    @property
    def _slot(self) -> float:
        return (self.width - LEFT - RIGHT) / max(len(self.labels), 1)

    def _x(self, place: int) -> float:
        """The middle of a label's slot."""
        return round(LEFT + self._slot * (place + 0.5), 1)

    @property
    def _longest(self) -> int:
        """Letters that each label needs, with what parts it from the next."""
        return max((len(label) for label in self.labels), default=1) + 2

    @property
    def _letters(self) -> int:
        """Letters that fit below the drawing."""
        return _LETTERS * self.width // WIDTH

    @cached_property
    def below(self) -> list[tuple[float, str]]:
        """Place and text of the labels that fit: every one, else every second, third, …"""
        every = -(-len(self.labels) * self._longest // self._letters) or 1
        return [
            (min(self._x(place), round(self.width - len(label) * _LETTER / 2, 1)), label)
            for place, label in enumerate(self.labels)
            if place % every == 0
        ]

    @cached_property
    def boxes(self) -> list[Box]:
        """The bars of all series."""
        if self.kind == "lines":
            return []
        return [box for place in range(len(self.labels)) for box in self._bars_at(place)]

    def _bars_at(self, place: int) -> list[Box]:
        beside = 1 if self.kind == "stack" else len(self.series)
        width = round(min(self._slot * 0.7, _WIDEST) / beside, 1)
        left, found, below = self._x(place) - width * beside / 2, [], 0.0
        for order, series in enumerate(self.series):
            value = series.values[place]
            if not value:
                continue
            base = below if self.kind == "stack" else 0.0
            ends = sorted((self._y(base), self._y(base + value)))
            x = left if self.kind == "stack" else left + width * order
            told = f"{self.labels[place]}, {series.name}: {self.write(value)}"
            found.append(Box(order, round(x, 1), ends[0], width, round(ends[1] - ends[0], 1), told))
            below = base + value
        return found

    @cached_property
    def paths(self) -> list[str]:
        """The line of each series; a gap where a value is missing."""
        return [self._path(series.values) for series in self.series] if self.kind == "lines" else []

    def _path(self, values: Sequence[float | None]) -> str:
        drawn, pen = [], "M"
        for place, value in enumerate(values):
            if value is None:
                pen = "M"
                continue
            drawn.append(f"{pen}{self._x(place)} {self._y(value)}")
            pen = "L"
        return "".join(drawn)

    @cached_property
    def points(self) -> list[tuple[int, float, float, str]]:
        """Series, place and text of each value of the lines."""
        found = []
        for order, series in enumerate(self.series if self.kind == "lines" else ()):
            for place, value in enumerate(series.values):
                if value is not None:
                    told = f"{self.labels[place]}, {series.name}: {self.write(value)}"
                    found.append((order, self._x(place), self._y(value), told))
        return found


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … that is at least so wide."""
    if least <= 0:
        return 1.0
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def shares(values: Sequence[float]) -> list[float]:
    """Each value as hundredths of the greatest, for bars that stand under each other."""
    greatest = max(values, default=0)
    return [round(100 * value / greatest, 1) if greatest > 0 else 0.0 for value in values]


def spark_path(values: Sequence[float], width: int = 100, height: int = 24) -> str:
    """A line without axes that fills its box; "" for fewer than two values."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span, step = (high - low) or 1.0, width / (len(values) - 1)
    places = [
        f"{round(step * place, 1)} {round(1 + (height - 2) * (high - value) / span, 1)}"
        for place, value in enumerate(values)
    ]
    return "M" + "L".join(places)
