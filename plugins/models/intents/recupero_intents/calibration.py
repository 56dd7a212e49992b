"""From margins to probabilities."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_GRID = np.exp(np.linspace(np.log(0.25), np.log(32.0), 80))


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), dtype=np.float64)


def softmax(values: Floats) -> Floats:
    """Each row as probabilities that add up to 1."""
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def temperature(margins: Floats, label: NDArray[np.intp]) -> float:
    """The factor on the margins under which the right labels are least surprising (log loss)."""
    rows = np.arange(len(label))
    losses = [-np.log(np.maximum(softmax(margins * factor)[rows, label], 1e-12)).mean() for factor in _GRID]
    return float(_GRID[int(np.argmin(losses))])


def unit_slope(margins: Floats, target: NDArray[np.bool_]) -> tuple[float, float]:
    """Scale and shift of the logistic curve through the margins (Platt), by Newton's steps."""
    count, hits = len(target), float(target.sum())
    goal = np.where(target, (hits + 1) / (hits + 2), 1 / (count - hits + 2))
    scale, shift = 1.0, 0.0
    for _ in range(50):
        chance = sigmoid(margins * scale + shift)
        error, weight = goal - chance, np.maximum(chance * (1 - chance), 1e-9)
        a, b, c = (weight * margins**2).sum() + 1e-6, (weight * margins).sum(), weight.sum() + 1e-6
        first, second = (error * margins).sum(), error.sum()
        determinant = a * c - b * b
        step = np.array([(c * first - b * second) / determinant, (a * second - b * first) / determinant])
        scale, shift = scale + float(step[0]), shift + float(step[1])
        if np.abs(step).max() < 1e-8:
            break
    return float(scale), float(shift)
