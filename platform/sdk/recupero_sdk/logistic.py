"""A logistic regression over columns, shrunk by a ridge and kept as plain numbers, for kinds of models that
need no trees: it is read in a glance, predicts a million rows in a second, and its parts are its reasons.

Standardised columns, unknown values count as the mean. How hard it is shrunk, and a straight line in log-odds
that sets its probabilities right (Platt, 1999), are what predicts unseen folds best. numpy is imported where
it is used: a plug-in that calls this depends on it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: Strengths of the ridge that are tried, on standardised columns.
STRENGTHS = (3.0, 30.0, 300.0)
FOLDS = 4
#: A value further than this many standard deviations from the mean counts as this far.
REACH = 4.0
_STEPS, _EDGE = 12, 1e-6


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
        return _standard(matrix, np.array(self.mean), np.array(self.spread)) * weight

    def chance(self, matrix: Any) -> Any:
        """One probability per row, strictly between 0 and 1."""
        import numpy as np

        weight = self.slope * np.array(self.weight)
        standard = _standard(matrix, np.array(self.mean), np.array(self.spread))
        return np.clip(
            _chance(standard @ weight + self.slope * self.intercept + self.shift), _EDGE, 1 - _EDGE
        )


@dataclass(frozen=True, slots=True)
class Fit:
    """A line with what unseen folds said of it: the strength chosen and the mean log-loss."""

    line: Line
    strength: float
    log_loss: float


def fit(matrix: Any, names: Sequence[str], target: Any) -> Fit:
    """The line through rows of columns (NaN where unknown) and outcomes of 0 and 1, both of which occur. Rows
    that belong together stand together: folds are contiguous."""
    import numpy as np

    mean, spread = _moments(matrix)
    x = _standard(matrix, mean, spread)
    folds = np.array_split(np.arange(len(target)), FOLDS)
    losses, unseen = {}, {}
    for strength in STRENGTHS:
        unseen[strength] = _unseen(x, target, folds, strength)
        losses[strength] = _log_loss(_chance(unseen[strength]), target)
    strength = min(STRENGTHS, key=lambda each: losses[each])
    weight, intercept = _ridge(x, target, strength)
    slope, shift = _platt(unseen[strength], target)
    line = Line(
        tuple(names),
        tuple(mean.tolist()),
        tuple(spread.tolist()),
        tuple(weight.tolist()),
        intercept,
        slope,
        shift,
    )
    return Fit(line, strength, losses[strength])


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


def _moments(matrix: Any) -> tuple[Any, Any]:
    """Mean and spread of each column over what is known of it."""
    import numpy as np

    known = np.isfinite(matrix)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, matrix, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, matrix - mean, 0.0) ** 2).sum(axis=0) / count)
    spread[spread < 1e-9] = 1.0
    return mean, spread


def _standard(matrix: Any, mean: Any, spread: Any) -> Any:
    import numpy as np

    return np.nan_to_num(np.clip((matrix - mean) / spread, -REACH, REACH), nan=0.0)


def _chance(log_odds: Any) -> Any:
    import numpy as np

    return 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))


def _log_loss(chance: Any, target: Any) -> float:
    import numpy as np

    p = np.clip(chance, _EDGE, 1 - _EDGE)
    return float(-np.mean(target * np.log(p) + (1 - target) * np.log(1 - p)))


def _ridge(x: Any, target: Any, strength: float) -> tuple[Any, float]:
    """Weights and intercept by Newton's method; the intercept is not shrunk."""
    import numpy as np

    wide = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], strength), 0.0)
    share = np.clip(target.mean(), _EDGE, 1 - _EDGE)
    weight = np.append(np.zeros(x.shape[1]), np.log(share / (1 - share)))
    for _ in range(_STEPS):
        chance = _chance(wide @ weight)
        slope = wide.T @ (target - chance) - penalty * weight
        bend = (wide * (chance * (1 - chance))[:, None]).T @ wide + np.diag(penalty + 1e-9)
        step = np.linalg.solve(bend, slope)
        weight = weight + np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-6:
            break
    return weight[:-1], float(weight[-1])


def _unseen(x: Any, target: Any, folds: Sequence[Any], strength: float) -> Any:
    """Of each row the log-odds by the line that never saw its fold."""
    import numpy as np

    found = np.empty(len(target))
    for fold in folds:
        rest = np.ones(len(target), dtype=bool)
        rest[fold] = False
        weight, intercept = _ridge(x[rest], target[rest], strength)
        found[fold] = x[fold] @ weight + intercept
    return found


def _platt(log_odds: Any, target: Any) -> tuple[float, float]:
    """Slope and shift that set the log-odds of unseen rows right; a falling line would be nonsense."""
    import numpy as np

    centre, spread = float(log_odds.mean()), max(float(log_odds.std()), _EDGE)
    weight, intercept = _ridge(((log_odds - centre) / spread)[:, None], target, 1.0)
    slope = float(np.clip(weight[0] / spread, 0.1, 10.0))
    return slope, intercept - slope * centre
