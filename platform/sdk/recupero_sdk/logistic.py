"""Logistic regression over columns, shrunk by a ridge and kept as plain numbers, for kinds of models that
need no trees: it is read in a glance, predicts a million rows in a second, and its parts are its reasons.

`fit` draws one straight line through standardised columns, unknown values counting as the mean. How hard it
is shrunk, and a straight line in log-odds that sets its probabilities right (Platt, 1999), are what predicts
unseen folds best. `curves` bends each column, on the same ridge, folds and Platt's line; kinds that shape
their columns in a way of their own call those, too. numpy is imported where it is used: a plug-in that calls
this depends on it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: Strengths of the ridge that are tried, on standardised columns.
STRENGTHS = (3.0, 30.0, 300.0)
FOLDS = 5
#: A value further than this many standard deviations from the mean counts as this far.
REACH = 4.0
#: Newton's steps, and the log-likelihood that a step has to gain for another to follow.
STEPS, LEAST_GAIN = 25, 1e-4
_EDGE = 1e-6

Ridge = Callable[[Any, Any, Any], tuple[Any, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """Mean, spread and weight of each named column, the intercept, and the calibration of the log-odds
    (`slope` × log-odds + `shift`)."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weight: tuple[float, ...]
    intercept: float
    slope: float = 1.0
    shift: float = 0.0

    def parts(self, matrix: Any) -> Any:
        """What each column adds to the calibrated log-odds of each row, beside that of its mean."""
        import numpy as np

        weight = self.slope * np.array(self.weight)
        return standard(matrix, np.array(self.mean), np.array(self.spread)) * weight

    def log_odds(self, matrix: Any) -> Any:
        """Calibrated, one number per row."""
        return self.parts(matrix).sum(axis=1) + self.slope * self.intercept + self.shift

    def chance(self, matrix: Any) -> Any:
        """One probability per row, strictly between 0 and 1."""
        return chance(self.log_odds(matrix))


@dataclass(frozen=True, slots=True)
class Fit:
    """A line with what unseen folds said of it: the strength chosen and the mean log-loss."""

    line: Line
    strength: float
    log_loss: float


def fit(matrix: Any, names: Sequence[str], target: Any) -> Fit:
    """The calibrated line through rows of columns (NaN where unknown) and outcomes of 0 and 1, both of which
    occur. Rows that belong together stand together: folds are contiguous."""
    mean, spread = moments(matrix)
    x = standard(matrix, mean, spread)
    asked = {strength: unseen(x, target, _held(strength)) for strength in STRENGTHS}
    losses = {strength: log_loss(odds, target) for strength, odds in asked.items()}
    strength = min(losses, key=lambda each: losses[each])
    line = straight(matrix, names, target, strength)
    slope, shift = platt(asked[strength], target)
    kept = asdict(line) | {"slope": slope, "shift": shift}
    return Fit(Line(**kept), strength, losses[strength])


def straight(matrix: Any, names: Sequence[str], target: Any, strength: float) -> Line:
    """The line of one strength, not calibrated."""
    mean, spread = moments(matrix)
    weight, intercept = _held(strength)(standard(matrix, mean, spread), target, 0.0)
    return Line(tuple(names), tuple(mean.tolist()), tuple(spread.tolist()), tuple(weight.tolist()), intercept)


def dump(line: Line, kind: str) -> bytes:
    """The line of a kind as JSON, which `load` reads."""
    return json.dumps({"format": 1, "kind": kind, **asdict(line)}).encode()


def load(blob: bytes, kind: str) -> Line:
    """The inverse of `dump`. Raises ValueError on anything else."""
    told = json.loads(blob)
    if (told.pop("format", None), told.pop("kind", None)) != (1, kind):
        raise ValueError(f"this is not a dumped {kind} model of format 1")
    numbers = {name: tuple(told[name]) for name in ("names", "mean", "spread", "weight")}
    return Line(**numbers, intercept=told["intercept"], slope=told["slope"], shift=told["shift"])


def moments(matrix: Any) -> tuple[Any, Any]:
    """Mean and spread of each column over what is known of it; a column that does not vary has spread 1."""
    import numpy as np

    known = np.isfinite(matrix)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, matrix, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, matrix - mean, 0.0) ** 2).sum(axis=0) / count)
    spread[spread < 1e-9] = 1.0
    return mean, spread


def standard(matrix: Any, mean: Any, spread: Any) -> Any:
    """Standardised and clipped; what is unknown counts as the mean."""
    import numpy as np

    return np.nan_to_num(np.clip((matrix - mean) / spread, -REACH, REACH), nan=0.0)


def chance(log_odds: Any) -> Any:
    """Probabilities of log-odds, strictly between 0 and 1."""
    import numpy as np

    return np.clip(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))), _EDGE, 1 - _EDGE)


def log_loss(log_odds: Any, target: Any) -> float:
    """Mean negative log-likelihood of log-odds, natural logarithm."""
    import numpy as np

    return float(np.mean(np.logaddexp(0, log_odds) - target * log_odds))


def ridge(
    x: Any, target: Any, penalty: Any, *, beforehand: Any = 0.0, towards: Any = 0.0
) -> tuple[Any, float]:
    """Weights and intercept of a logistic regression by Newton's steps, each halved until it gains.

    `penalty`, one for each column, holds its weight to what it is drawn `towards`; the intercept is free.
    `beforehand`: log-odds of the rows that are known before, to which the regression adds.
    """
    import numpy as np

    wide = np.column_stack([x, np.ones(len(target))])
    held, goal = np.append(penalty, _EDGE), np.append(np.zeros(x.shape[1]) + towards, 0.0)

    def lost(at: Any) -> float:
        odds = beforehand + wide @ at
        return float(np.sum(np.logaddexp(0, odds) - target * odds) + 0.5 * held @ (at - goal) ** 2)

    share = (float(np.sum(target)) + 0.5) / (len(target) + 1)
    weights = np.append(np.zeros(x.shape[1]), np.log(share / (1 - share)) - np.mean(beforehand))
    before = lost(weights)
    for _step in range(STEPS):
        p = chance(beforehand + wide @ weights)
        bend = (wide * np.maximum(p * (1 - p), 1e-5)[:, None]).T @ wide + np.diag(held)
        change = np.linalg.solve(bend, wide.T @ (target - p) - held * (weights - goal))
        while (after := lost(weights + change)) > before and np.abs(change).max() > 1e-3:
            change = change / 2  # a whole step can lead beyond: with few cases it does
        if after >= before:
            break
        weights, gained, before = weights + change, before - after, after
        if gained < LEAST_GAIN:
            break
    return weights[:-1], float(weights[-1])


def unseen(x: Any, target: Any, fitted: Ridge, beforehand: Any = 0.0, folds: int = FOLDS) -> Any:
    """Of each row the log-odds, beyond those known beforehand, by weights that never saw its fold.
    `fitted(x, target, beforehand)` makes weights and intercept; folds are contiguous."""
    import numpy as np

    found, known = np.empty(len(target)), np.zeros(len(target)) + beforehand
    for fold in np.array_split(np.arange(len(target)), folds):
        rest = np.ones(len(target), dtype=bool)
        rest[fold] = False
        weight, intercept = fitted(x[rest], target[rest], known[rest])
        found[fold] = x[fold] @ weight + intercept
    return found


def platt(log_odds: Any, target: Any, beforehand: Any = 0.0) -> tuple[float, float]:
    """Slope (0 to 2) and shift that make log-odds of unseen rows mean what they say; a falling line would be
    nonsense. What is known beforehand is added and stays as it is."""
    import numpy as np

    slope, shift = ridge(log_odds.reshape(-1, 1), target, np.array([1e-3]), beforehand=beforehand)
    if 0 <= slope[0] <= 2:
        return float(slope[0]), shift
    bound = float(np.clip(slope[0], 0.0, 2.0))
    none = np.empty((len(target), 0))
    return bound, ridge(none, target, np.empty(0), beforehand=beforehand + bound * log_odds)[1]


def _held(strength: float) -> Ridge:
    """The ridge that holds every column alike."""
    import numpy as np

    def fitted(x: Any, target: Any, beforehand: Any) -> tuple[Any, float]:
        return ridge(x, target, np.full(x.shape[1], strength), beforehand=beforehand)

    return fitted
