"""P(an attempt by this channel at this local hour and weekday reaches the person): a shrunk line.

Each hour of the day and each weekday has a weight of its own, calls apart from what is written; the ridge
pools hours of which little is known with the others. What is known of the creditor and of the person comes
as shares that are shrunk already, and counts beside them; of each its root and logarithm stand in the line,
too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recupero_sdk import logistic
from recupero_sdk.logistic import Line
from recupero_sdk.models import Columns, Feature, Reason, Training, check_enough, strongest

MIN_ROWS = 300
MIN_OF_EACH = 20
SHAPES = ("", "|root", "|log")
#: Columns told apart by their value, and the values that have a weight of their own; the ends take what lies
#: beyond.
CLASSES = {"when_hour": range(8, 21), "when_weekday": range(1, 8)}
CALLED = "when_called"
_LEAST = 1e-3


@dataclass(frozen=True)
class BestTime:
    """A calibrated classifier of moments. `features` empty: it takes every column that it is given;
    `when_hour`, `when_weekday` and `when_called` are what their names say."""

    key: str = "best_time"
    target: str = "reached_7d"
    features: Sequence[Feature] = ()

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        """Fit on attempts and a target of 0 and 1; attempts at one person stand together. Raises ValueError
        below 300 rows, or below 20 of either outcome: less says nothing."""
        import numpy as np

        y = np.asarray(target, dtype=float)
        check_enough(columns.rows, y, MIN_ROWS, MIN_OF_EACH)
        names = _names(tuple(columns.values))
        found = logistic.fit(_shaped(columns, names), names, y)
        metrics = {"folds_log_loss": found.log_loss, "rows": float(columns.rows), "positives": float(y.sum())}
        return Training(found.line, metrics, {"strength": str(found.strength), "folds": str(logistic.FOLDS)})

    def predict(self, fitted: Line, columns: Columns) -> Any:
        """One probability per row, in row order."""
        return fitted.chance(_shaped(columns, fitted.names))

    def explain(self, fitted: Line, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """The columns that moved each row's log-odds most, strongest first."""
        import numpy as np

        parts = fitted.parts(_shaped(columns, fitted.names))
        own = [_column(name) for name in fitted.names]
        names = list(dict.fromkeys(own))
        summed = np.zeros((columns.rows, len(names)))
        for place, name in enumerate(own):
            summed[:, names.index(name)] += parts[:, place]
        return strongest(names, columns.matrix(names), summed, top)

    def dump(self, fitted: Line) -> bytes:
        """JSON: names, moments and weights."""
        return logistic.dump(fitted, self.key)

    def load(self, blob: bytes) -> Line:
        """The inverse of `dump`. Raises ValueError on anything else."""
        return logistic.load(blob, self.key)


def _column(name: str) -> str:
    return name.partition("|")[0]


def _names(columns: Sequence[str]) -> list[str]:
    """What stands in the line: `column|shape`, of classes `column|all|value` and, for calls,
    `column|call|value`."""
    found = []
    for column in columns:
        if column in CLASSES:
            kinds = ("all", "call") if CALLED in columns else ("all",)
            found += [f"{column}|{kind}|{value}" for kind in kinds for value in CLASSES[column]]
        else:
            found += [f"{column}{shape}" for shape in SHAPES]
    return found


def _shaped(columns: Columns, names: Sequence[str]) -> Any:
    """Rows by what stands in the line. Raises ValueError naming the columns that are missing."""
    import numpy as np

    wanted = dict.fromkeys(map(_column, names))
    columns.check(tuple(wanted))
    given = {name: np.asarray(columns.values[name], dtype=float) for name in wanted}
    matrix = np.empty((columns.rows, len(names)))
    for place, name in enumerate(names):
        column, _bar, shape = name.partition("|")
        matrix[:, place] = _class(given, column, shape) if column in CLASSES else _shape(given[column], shape)
    return matrix


def _shape(value: Any, shape: str) -> Any:
    import numpy as np

    if shape == "root":
        return np.sign(value) * np.sqrt(np.abs(value))
    return np.log(np.maximum(np.abs(value), _LEAST)) if shape == "log" else value


def _class(given: Any, column: str, shape: str) -> Any:
    """1 where the column has the value, at its ends also what lies beyond."""
    import numpy as np

    kind, _bar, value = shape.partition("|")
    ends = CLASSES[column]
    known = np.clip(np.floor(given[column]), ends[0], ends[-1])
    found = np.where(np.isfinite(given[column]), known == int(value), np.nan)
    return found * given[CALLED] if kind == "call" else found
