"""Does more effort pay? The jump of an outcome where a rule raises the effort at a threshold.

Just below and just above a threshold the cases are alike but for the effort: a straight line on each side,
weighted by nearness (triangular kernel), meets the threshold at two heights, and their distance is the effect
there (regression discontinuity; Imbens and Lemieux 2008). Intervals are robust to unequal spread (HC2).
"""

from dataclasses import dataclass

import numpy as np

from recupero.decisions.columns import Floats

#: The two-sided 95% point of the normal distribution.
_95 = 1.959964
MIN_EACH_SIDE = 10


@dataclass(frozen=True, slots=True)
class Jump:
    """The jump at a threshold with its 95% interval, and how many cases on both sides it rests on."""

    threshold: float
    jump: float
    low: float
    high: float
    rows: int


def jump_at(running: Floats, outcome: Floats, threshold: float, width: float) -> Jump | None:
    """The jump of `outcome` where `running` passes `threshold`, from cases within `width` of it.

    None where either side has fewer than ten cases: there is nothing to say then.
    """
    away = running - threshold
    near = np.abs(away) < width
    above = (away >= 0)[near]
    if min(int(above.sum()), int((~above).sum())) < MIN_EACH_SIDE:
        return None
    x = np.column_stack([np.ones(near.sum()), above, away[near], away[near] * above])
    root = np.sqrt(1 - np.abs(away[near]) / width)
    x, y = x * root[:, None], outcome[near] * root
    inverse = np.linalg.pinv(x.T @ x)
    found = inverse @ x.T @ y
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    spread = (y - x @ found) ** 2 / np.maximum(1 - leverage, 1e-6)
    deviation = float(np.sqrt((inverse @ (x.T * spread) @ x @ inverse)[1, 1]))
    jump = float(found[1])
    return Jump(threshold, jump, jump - _95 * deviation, jump + _95 * deviation, int(near.sum()))
