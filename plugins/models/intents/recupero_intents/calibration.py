"""From margins to probabilities."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), dtype=np.float64)


def softmax(values: Floats) -> Floats:
    """Each row as probabilities that add up to 1."""
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def sharpened(margins: Floats, first: Floats) -> Floats:
    """Probabilities of each row, in the order of its margins, of which the greatest is `first`: a softmax
    whose factor is found for each row by halving."""
    low, high = np.full(len(margins), -8.0), np.full(len(margins), 8.0)
    for _ in range(40):
        middle = (low + high) / 2
        flat = softmax(margins * np.exp(middle)[:, None]).max(axis=1) < first
        low, high = np.where(flat, middle, low), np.where(flat, high, middle)
    return softmax(margins * np.exp(low)[:, None])


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
