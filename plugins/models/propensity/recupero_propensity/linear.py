"""The straight half of the model: a logistic regression over standardised columns, kept as plain numbers.

Trees learn steps and interactions, a line carries a trend beyond what has been seen: where the world moves
the two err differently, and their mean errs less than either.
"""

from dataclasses import dataclass
from typing import Any

#: Inverse strength of the ridge on standardised columns.
STRENGTH = 0.01
#: A value further than this many standard deviations from the mean counts as this far.
REACH = 4.0


@dataclass(frozen=True, slots=True)
class Line:
    """Mean, spread and weight of each column, and the intercept."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weight: tuple[float, ...]
    intercept: float

    def log_odds(self, matrix: Any) -> Any:
        """One number per row; an unknown value counts as the mean."""
        return self.parts(matrix).sum(axis=1) + self.intercept

    def parts(self, matrix: Any) -> Any:
        """What each column adds to the log-odds of each row, beside that of its mean."""
        import numpy as np

        return _standard(matrix, np.array(self.mean), np.array(self.spread)) * np.array(self.weight)


def fit(matrix: Any, target: Any) -> Line:
    """The line through rows of columns (NaN where unknown) and outcomes of 0 and 1, both of which occur."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    known = np.isfinite(matrix)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, matrix, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, matrix - mean, 0.0) ** 2).sum(axis=0) / count)
    spread[spread < 1e-9] = 1.0
    found = LogisticRegression(C=STRENGTH, max_iter=100).fit(_standard(matrix, mean, spread), target)
    return Line(
        tuple(mean.tolist()), tuple(spread.tolist()), tuple(found.coef_[0].tolist()),
        float(found.intercept_[0]),
    )  # fmt: skip


def _standard(matrix: Any, mean: Any, spread: Any) -> Any:
    import numpy as np

    return np.nan_to_num(np.clip((matrix - mean) / spread, -REACH, REACH), nan=0.0)
