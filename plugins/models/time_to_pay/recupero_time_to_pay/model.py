"""Days from the due date to the payment: a ridge over columns, with the spread of its errors.

The line says the middle of what is to be expected; how far payments lay from it on unseen folds says how
likely any number of days is.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from recupero_sdk.logistic import moments, standard
from recupero_sdk.models import Columns, Feature, Reason, Training, strongest

MIN_ROWS = 100
FOLDS = 5
#: Strengths of the ridge that are tried, on standardised columns.
STRENGTHS = (1.0, 10.0, 100.0)
#: Points at which the spread of the errors is kept.
POINTS = 201


@dataclass(frozen=True)
class Fitted:
    """Mean, spread and weight of each column, the intercept, and the quantiles of the errors in days."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weight: tuple[float, ...]
    intercept: float
    errors: tuple[float, ...]


@dataclass(frozen=True)
class TimeToPay:
    """Days past due (negative: before it) at which a claim is paid. `features` empty: any columns."""

    key: str = "time_to_pay"
    target: str = "days_past_due_at_payment"
    features: Sequence[Feature] = ()

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        """Fit on claims that were paid; `target` in days past due. Raises ValueError below 100 rows, or
        where all were paid on the same day: less says nothing."""
        import numpy as np

        y = np.asarray(target, dtype=float)
        if columns.rows < MIN_ROWS or len(y) != columns.rows or np.ptp(y) == 0:
            raise ValueError(
                f"{columns.rows} rows with {len(np.unique(y))} different days are too few to learn from: at"
                f" least {MIN_ROWS} rows of more than 1 are needed"
            )
        names = tuple(columns.values)
        matrix = columns.matrix(names)
        mean, spread = moments(matrix)
        scaled = standard(matrix, mean, spread)
        fold = np.random.default_rng(seed).permutation(len(y)) % FOLDS
        unseen = {strength: _unseen(scaled, y, fold, strength) for strength in STRENGTHS}
        strength = min(STRENGTHS, key=lambda each: float(np.abs(y - unseen[each]).mean()))
        error = y - unseen[strength]
        weight, intercept = _ridge(scaled, y, strength)
        fitted = Fitted(
            names, tuple(mean.tolist()), tuple(spread.tolist()), tuple(weight.tolist()), intercept,
            tuple(np.quantile(error, np.linspace(0, 1, POINTS)).tolist()),
        )  # fmt: skip
        metrics = {"folds_mean_absolute_error": float(np.abs(error).mean()), "rows": float(len(y))}
        return Training(fitted, metrics, {"strength": str(strength), "folds": str(FOLDS)})

    def predict(self, fitted: Fitted, columns: Columns) -> Any:
        """The median of the days past due, one number per row, in row order."""
        return _line(fitted, columns) + fitted.errors[POINTS // 2]

    def later_than(self, fitted: Fitted, columns: Columns, days: float = 0.0) -> Any:
        """The chance that a claim is paid more than so many days past due, strictly between 0 and 1."""
        import numpy as np

        below = np.interp(days + 0.5 - _line(fitted, columns), fitted.errors, np.linspace(0, 1, POINTS))
        return np.clip(1 - below, 1 / (2 * POINTS), 1 - 1 / (2 * POINTS))

    def explain(self, fitted: Fitted, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """The columns that moved each row's days most, strongest first; contributions are days."""
        import numpy as np

        matrix = columns.matrix(fitted.names)
        parts = standard(matrix, np.array(fitted.mean), np.array(fitted.spread)) * np.array(fitted.weight)
        return strongest(fitted.names, matrix, parts, top)

    def dump(self, fitted: Fitted) -> bytes:
        """JSON: names, moments, weights and the spread of the errors."""
        return json.dumps({"format": 1, **asdict(fitted)}).encode()

    def load(self, blob: bytes) -> Fitted:
        """The inverse of `dump`. Raises ValueError on anything else."""
        told = json.loads(blob)
        if told.pop("format", None) != 1:
            raise ValueError("this is not a dumped time-to-pay model of format 1")
        return Fitted(
            *(tuple(told[name]) for name in ("names", "mean", "spread", "weight")), told["intercept"],
            tuple(told["errors"]),
        )  # fmt: skip


def _ridge(scaled: Any, y: Any, strength: float) -> tuple[Any, float]:
    import numpy as np

    centre, middle = scaled.mean(axis=0), y.mean()
    x = scaled - centre
    weight = np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ (y - middle))
    return weight, float(middle - centre @ weight)


def _unseen(scaled: Any, y: Any, fold: Any, strength: float) -> Any:
    """Of each row what the line says that never saw its fold."""
    import numpy as np

    found = np.empty(len(y))
    for each in range(FOLDS):
        weight, intercept = _ridge(scaled[fold != each], y[fold != each], strength)
        found[fold == each] = scaled[fold == each] @ weight + intercept
    return found


def _line(fitted: Fitted, columns: Columns) -> Any:
    import numpy as np

    matrix = columns.matrix(fitted.names)
    scaled = standard(matrix, np.array(fitted.mean), np.array(fitted.spread))
    return scaled @ np.array(fitted.weight) + fitted.intercept
