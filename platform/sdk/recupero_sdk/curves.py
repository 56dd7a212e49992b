"""A learner that kinds of models may share: the log-odds of an outcome as a sum of one curve for each column.

The bent form of the line in `logistic`, whose ridge, folds and calibration it takes. Each curve is a broken
line through the column's fifths, with a step for what is unknown; all are shrunk towards no effect by as much
as predicts unseen folds best, and then drawn in or out as a whole so that the chances of unseen rows mean
what they say. What is learned are a few numbers, readable as JSON; predicting needs nothing but numpy. A
model that knows something beforehand gives it as `beforehand` (log-odds, one a row): then only what the rows
say beyond that is learned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recupero_sdk.logistic import REACH, Ridge, chance, log_loss, platt, ridge, unseen
from recupero_sdk.models import Columns, Reason, strongest

#: Strengths of the ridge that are tried, and how much more a bend is held back than a line.
STRENGTHS, BEND = (1.0, 10.0, 100.0), 3.0
#: The strength is chosen on at most the so many first rows: enough to tell them apart.
CHOSEN_ON = 20_000
#: A column with fewer different values than this has no bends.
BENT_FROM = 8


@dataclass(frozen=True, slots=True)
class Curve:
    """The curve of one column over its standardised values: the weight of the line, of each bend (`knots`)
    and of being unknown; `middle` is what it adds to the average row."""

    name: str
    mean: float
    spread: float
    knots: tuple[float, ...]
    weights: tuple[float, ...]
    middle: float = 0.0


@dataclass(frozen=True, slots=True)
class Curves:
    """All curves and the intercept."""

    each: tuple[Curve, ...]
    intercept: float

    def log_odds(self, columns: Columns, beforehand: Any = 0.0) -> Any:
        """One number per row. Raises ValueError naming the columns that are missing."""
        return self._parts(columns).sum(axis=1) + self.intercept + beforehand

    def chances(self, columns: Columns, beforehand: Any = 0.0) -> Any:
        """One probability per row, strictly between 0 and 1."""
        return chance(self.log_odds(columns, beforehand))

    def reasons(self, columns: Columns, top: int) -> list[list[Reason]]:
        """The columns that moved each row most against the average row, strongest first; in log-odds."""
        import numpy as np

        parts = self._parts(columns) - np.array([curve.middle for curve in self.each])
        names = [curve.name for curve in self.each]
        return strongest(names, columns.matrix(names), parts, top)

    def _parts(self, columns: Columns) -> Any:
        """What each column adds to the log-odds of each row."""
        import numpy as np

        columns.check([curve.name for curve in self.each])
        return np.column_stack([
            _basis(columns.values[curve.name], curve) @ np.array(curve.weights) for curve in self.each
        ]) if columns.rows else np.empty((0, len(self.each)))  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """As data: `curves_from` reads it."""
        each = [
            [curve.name, curve.mean, curve.spread, curve.knots, curve.weights, curve.middle]
            for curve in self.each
        ]
        return {"curves": each, "intercept": self.intercept}


def curves_from(told: Mapping[str, Any]) -> Curves:
    """The inverse of `Curves.to_json`."""
    each = tuple(
        Curve(name, mean, spread, tuple(knots), tuple(weights), middle)
        for name, mean, spread, knots, weights, middle in told["curves"]
    )
    return Curves(each, told["intercept"])


@dataclass(frozen=True, slots=True)
class Learned:
    """What `learn` found: the curves, how strongly they were held back, how far they were drawn in or out,
    and the log-loss on folds that the curves had not seen."""

    curves: Curves
    strength: float
    slope: float
    unseen_log_loss: float


def learn(
    columns: Columns, target: Any, *, beforehand: Any = None, ways: Mapping[str, int] | None = None
) -> Learned:
    """Curves through rows of columns (NaN where unknown) and outcomes of 0 and 1, both of which occur. Rows
    that belong together stand together, so that contiguous folds keep them whole.

    `ways` names columns that may go one way only, up (1) or down (-1): such a curve is a straight line, and
    flat where the rows say the opposite, so that chance never makes a reason of what cannot be one.
    """
    import numpy as np

    y, ways = np.asarray(target, dtype=float), ways or {}
    known = np.zeros(len(y)) if beforehand is None else np.asarray(beforehand, dtype=float)
    bare = [_shape(name, column, bent=name not in ways) for name, column in columns.values.items()]
    blocks = [_basis(columns.values[curve.name], curve) for curve in bare]
    design = np.column_stack(blocks)
    held = np.concatenate([_held_back(curve) for curve in bare])
    starts = np.cumsum([0, *(block.shape[1] for block in blocks)])
    lines = {int(starts[i]): ways[one.name] for i, one in enumerate(bare) if one.name in ways}
    some = slice(0, CHOSEN_ON)
    asked = {
        strength: unseen(design[some], y[some], _one_way(strength * held, lines), known[some])
        for strength in STRENGTHS
    }
    losses = {strength: log_loss(known[some] + each, y[some]) for strength, each in asked.items()}
    strength = min(losses, key=lambda one: losses[one])
    slope, shift = platt(asked[strength], y[some], known[some])
    weights, intercept = _one_way(strength * held, lines)(design, y, known)
    curves = []
    for curve, block, start in zip(bare, blocks, starts[:-1], strict=True):
        mine = slope * weights[start : start + block.shape[1]]
        middle = float((block @ mine).mean())
        curves.append(Curve(curve.name, curve.mean, curve.spread, curve.knots, tuple(mine.tolist()), middle))
    return Learned(Curves(tuple(curves), slope * intercept + shift), strength, slope, losses[strength])


def _shape(name: str, column: Any, *, bent: bool) -> Curve:
    """The column's place and its bends, with no weights yet; `weights` has one for each part of it."""
    import numpy as np

    values = np.asarray(column, dtype=float)
    known = values[np.isfinite(values)]
    mean, spread = (float(known.mean()), float(known.std())) if len(known) else (0.0, 1.0)
    spread = spread if spread > 1e-9 else 1.0
    knots: tuple[float, ...] = ()
    if bent and len(np.unique(known)) >= BENT_FROM:
        standard = np.clip((known - mean) / spread, -REACH, REACH)
        fifths = np.unique(np.round(np.quantile(standard, (0.2, 0.4, 0.6, 0.8)), 6))
        knots = tuple(float(each) for each in fifths if standard.min() < each < standard.max())
    return Curve(name, mean, spread, knots, (0.0,) * (2 + len(knots)))


def _basis(column: Any, curve: Curve) -> Any:
    """The line, the bends and the flag of the unknown, which stands at the mean of the line."""
    import numpy as np

    values = np.asarray(column, dtype=float)
    unknown = ~np.isfinite(values)
    line = np.clip((np.where(unknown, curve.mean, values) - curve.mean) / curve.spread, -REACH, REACH)
    bends = [np.where(unknown, 0.0, np.maximum(line - knot, 0.0)) for knot in curve.knots]
    return np.column_stack([line, *bends, unknown.astype(float)])


def _held_back(curve: Curve) -> Any:
    import numpy as np

    return np.array([1.0, *(BEND for _knot in curve.knots), 1.0])


def _one_way(penalty: Any, lines: Mapping[int, int]) -> Ridge:
    """The ridge that leaves out those of the `lines` (by their place) that would go the wrong way."""
    import numpy as np

    def fitted(design: Any, y: Any, known: Any) -> tuple[Any, float]:
        free = np.ones(design.shape[1], dtype=bool)
        while True:
            weights = np.zeros(design.shape[1])
            weights[free], intercept = ridge(design[:, free], y, penalty[free], beforehand=known)
            wrong = [place for place, way in lines.items() if weights[place] * way < 0]
            if not wrong:
                return weights, intercept
            free[wrong] = False

    return fitted
