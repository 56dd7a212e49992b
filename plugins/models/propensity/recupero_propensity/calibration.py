"""Turning raw scores into probabilities: none, Platt or isotonic, whichever predicts unseen folds best.

Platt (1999) fits a logistic curve to the log-odds; isotonic regression (Zadrozny and Elkan, 2002) any rising
step curve. Both are stored as plain numbers.
"""

from dataclasses import dataclass
from typing import Any

_EDGE = 1e-6  # no probability is certain
RUNS = 8  # of rows, of which the halves take turns


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising curve over probabilities. `kind`: none, platt (slope, intercept) or isotonic (knots)."""

    kind: str
    first: tuple[float, ...] = ()
    second: tuple[float, ...] = ()

    def apply(self, raw: Any) -> Any:
        """Calibrated probabilities of raw ones, strictly between 0 and 1."""
        import numpy as np

        if self.kind == "platt":
            raw = 1 / (1 + np.exp(-(self.first[0] * log_odds(raw) + self.second[0])))
        elif self.kind == "isotonic":
            raw = np.interp(raw, self.first, self.second)
        return np.clip(raw, _EDGE, 1 - _EDGE)


def best(raw: Any, target: Any) -> Calibration:
    """The kind with the lowest log-loss when fitted on one half of the rows and judged on the other.

    Rows that belong together stand together, and the halves are made of long runs of rows: were an account's
    weeks in both, steps would seem to know them.
    """
    losses = {kind: _cross_loss(kind, raw, target) for kind in ("none", "platt", "isotonic")}
    return fit(min(losses, key=lambda kind: losses[kind]), raw, target)


def fit(kind: str, raw: Any, target: Any) -> Calibration:
    """The curve of this kind through out-of-fold probabilities and what happened."""
    if kind == "platt":
        return _platt(raw, target)
    return _isotonic(raw, target) if kind == "isotonic" else Calibration("none")


def log_loss(probability: Any, target: Any) -> float:
    """Mean negative log-likelihood, natural logarithm."""
    import numpy as np

    p = np.clip(probability, _EDGE, 1 - _EDGE)
    return float(-np.mean(target * np.log(p) + (1 - target) * np.log(1 - p)))


def log_odds(probability: Any) -> Any:
    """Natural log of the odds, finite at the edges."""
    import numpy as np

    p = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.log(p / (1 - p))


def _cross_loss(kind: str, raw: Any, target: Any) -> float:
    """Mean log-loss of the curve on the half that it was not fitted on. The halves take turns of `RUNS` runs,
    so that they are alike where the order of the rows tells something."""
    import numpy as np

    first = np.arange(len(raw)) * RUNS // max(len(raw), 1) % 2 == 0
    losses = []
    for fitted_on in (first, ~first):
        curve = fit(kind, raw[fitted_on], target[fitted_on])
        losses.append(log_loss(curve.apply(raw[~fitted_on]), target[~fitted_on]))
    return sum(losses) / 2


def _platt(raw: Any, target: Any) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    if target.min() == target.max():
        return Calibration("none")
    curve = LogisticRegression(C=1e6).fit(log_odds(raw).reshape(-1, 1), target)
    return Calibration("platt", (float(curve.coef_[0][0]),), (float(curve.intercept_[0]),))


def _isotonic(raw: Any, target: Any) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(out_of_bounds="clip").fit(raw, target)
    return Calibration(
        "isotonic", tuple(map(float, curve.X_thresholds_)), tuple(map(float, curve.y_thresholds_))
    )
