"""P(an attempt through this contact point reaches the right person): a shrunk line over what is known of it.

A first answer tells far more than a fifth, and never having been tried is not the same as having been tried
once: beside each column stand its root and whether it is above zero, and the ridge keeps what predicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recupero_sdk import logistic
from recupero_sdk.logistic import Line
from recupero_sdk.models import Columns, Feature, Reason, Training, check_enough, strongest

MIN_ROWS = 300
MIN_OF_EACH = 20
#: What stands in the line for each column: itself, the root of its size with its sign, and whether it is
#: above 0.
SHAPES = ("", "|root", "|any")


@dataclass(frozen=True)
class RightParty:
    """A calibrated classifier of contact points. `features` empty: it takes every column that it is given."""

    key: str = "right_party"
    target: str = "right_party_7d"
    features: Sequence[Feature] = ()

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        """Fit on attempts and a target of 0 and 1; attempts at one person stand together. Raises ValueError
        below 300 rows, or below 20 of either outcome: less says nothing."""
        import numpy as np

        y = np.asarray(target, dtype=float)
        check_enough(columns.rows, y, MIN_ROWS, MIN_OF_EACH)
        names = [f"{name}{shape}" for name in columns.values for shape in SHAPES]
        found = logistic.fit(_shaped(columns, tuple(columns.values)), names, y)
        metrics = {"folds_log_loss": found.log_loss, "rows": float(columns.rows), "positives": float(y.sum())}
        return Training(found.line, metrics, {"strength": str(found.strength), "folds": str(logistic.FOLDS)})

    def predict(self, fitted: Line, columns: Columns) -> Any:
        """One probability per row, in row order."""
        return fitted.chance(_shaped(columns, _own(fitted)))

    def explain(self, fitted: Line, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """The columns that moved each row's log-odds most, strongest first."""
        names = _own(fitted)
        parts = (
            fitted.parts(_shaped(columns, names)).reshape(columns.rows, len(names), len(SHAPES)).sum(axis=2)
        )
        return strongest(names, columns.matrix(names), parts, top)

    def dump(self, fitted: Line) -> bytes:
        """JSON: names, moments and weights."""
        return logistic.dump(fitted, self.key)

    def load(self, blob: bytes) -> Line:
        """The inverse of `dump`. Raises ValueError on anything else."""
        return logistic.load(blob, self.key)


def _own(fitted: Line) -> tuple[str, ...]:
    return fitted.names[:: len(SHAPES)]


def _shaped(columns: Columns, names: Sequence[str]) -> Any:
    """Rows by columns and their shapes. Raises ValueError naming the columns that are missing."""
    import numpy as np

    columns.check(names)
    matrix = np.empty((columns.rows, len(names) * len(SHAPES)))
    for place, name in enumerate(names):
        value = np.asarray(columns.values[name], dtype=float)
        at = place * len(SHAPES)
        matrix[:, at] = value
        matrix[:, at + 1] = np.sign(value) * np.sqrt(np.abs(value))
        matrix[:, at + 2] = np.where(np.isfinite(value), value > 0, np.nan)
    return matrix
