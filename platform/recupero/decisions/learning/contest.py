"""Whether a new version is better than what serves, on rows that neither has learned from.

What serves was fitted on every row there was, so that of those it knows the answers: only later ones count.
They are parted at their middle moment. The contender, the same kind fitted as if today were that moment,
learns from all rows before it but for a share of the people; both are asked about these people's rows after
it. So the contender knows nothing of whom it is asked about and nothing of that time, and has learned from
fewer rows than the new version, which it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history.dataset import others
from recupero.decisions.learning.registry import Version
from recupero.decisions.measures import metrics

Mask = NDArray[np.bool_]
#: Rows to be asked about that say something: so many, and of either outcome so many.
LEAST_ROWS, LEAST_OF_EITHER = 50, 5


@dataclass(frozen=True, slots=True)
class Contest:
    """From which rows the contender learns, and about which both are asked. `border` parts them in time,
    POSIX seconds."""

    border: float
    train: Mask
    test: Mask

    @property
    def rows(self) -> Ints:
        """The places of the rows that both are asked about."""
        return np.flatnonzero(self.test).astype(np.int64)


def against(
    champion: Version, owner: Ints, moment: Floats, target: Floats, counts: Mask | None = None
) -> Contest | None:
    """The contest on a history: the person (or account) whose each row is, its moment as POSIX seconds, its
    outcome 0 or 1, and which rows count (all). None where too little has come since the champion learned."""
    later = moment >= champion.learned_until
    if not later.any():
        return None
    border = float(np.quantile(moment[later], 0.5, method="higher"))
    rows = np.ones(len(moment), dtype=bool) if counts is None else counts
    test = asked_about(owner, moment, border) & rows
    came = float(target[test].sum())
    if test.sum() < LEAST_ROWS or not LEAST_OF_EITHER <= came <= test.sum() - LEAST_OF_EITHER:
        return None
    return Contest(border, ~others(owner) & (moment < border) & rows, test)


def asked_about(owner: Ints, moment: Floats, border: float) -> Mask:
    """The rows after the border of the people that no contender learns from."""
    return np.asarray(others(owner) & (moment >= border))


def told(figures: Mapping[str, float], champion: Version) -> str:
    """What was won in shadow, for the model card."""
    words = (
        "log-loss saved on {shadow_rows:.0f} rows, later than what version {version} learned from, {gain:.5f}"
        " (90% interval {gain_low:.5f} to {gain_high:.5f})."
    )
    return words.format(**figures, version=champion.version)


def in_shadow(answers: Sequence[Floats], target: Floats, owner: Ints, seed: int) -> dict[str, float]:
    """Log-loss that the contender saves on the rows that both are asked about, with its interval, as a run's
    metrics. `answers`: the contender's, and the champion's."""
    new, old = answers
    return {
        **metrics.gain(new, old, target, owner, seed),
        "champion_log_loss": float(metrics.row_log_loss(old, target).mean()),
        "shadow_rows": float(len(target)),
    }
