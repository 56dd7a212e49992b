"""The chance that an offer is taken and kept: a start that is the same for all, and what agreements say
beyond it.

Before anything is learned an offer is judged by its terms alone (`beforehand`): the smaller a payment against
what can be paid, the shorter, the sooner it begins and the more is let go, the likelier it is kept. Each of
these goes one way only. What is learned from agreements are curves on top of that start, shrunk towards none:
few agreements change little.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recupero_sdk.curves import Curves, curves_from, learn
from recupero_sdk.logistic import chance
from recupero_sdk.models import Columns, Feature, Reason, Training, check_enough

MIN_ROWS, MIN_OF_EACH = 100, 20
#: What can only help or only harm, of the person.
WAYS = {"promises_kept": 1, "kept_share": 1, "last_kept": 1, "promises_broken": -1, "amount_over_usual": -1}
#: Log-odds of an offer of nothing, and how far each column moves them: mid values of ours, to be replaced by
#: what agreements say. The burden stands for the largest share where the debtor told what they can pay.
START = 1.0
BURDEN, MOST_BURDEN = -1.5, 4.0
WEIGHTS: Mapping[str, float] = {
    "largest_share": -2.5, "months": -0.06, "first_days": -0.02, "discount": 2.0, "down_share": 0.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned beyond the start, and what each part of the start is on average."""

    curves: Curves
    middles: Mapping[str, float]


@dataclass(frozen=True)
class Offer:
    """`features` empty: every column of an offer that the platform has."""

    key: str = "offer"
    target: str = "offer_kept"
    features: Sequence[Feature] = ()

    def beforehand(self, columns: Columns) -> Any:
        """The chance of each offer before anything was learned, strictly between 0 and 1."""
        return chance(_start(columns))

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        """Fit on offers of which it is known whether they were kept. Raises ValueError below 100 of them, or
        below 20 kept or not kept. Nothing is drawn at random: `seed` changes nothing."""
        check_enough(columns.rows, target, MIN_ROWS, MIN_OF_EACH)
        learned = learn(columns, target, beforehand=_start(columns), ways=WAYS)
        middles = {name: float(part.mean()) for name, part in _parts(columns).items()}
        metrics = {"folds_log_loss": learned.unseen_log_loss, "rows": float(columns.rows)}
        shape = {"strength": str(learned.strength), "slope": f"{learned.slope:.3f}"}
        return Training(Fitted(learned.curves, middles), metrics, shape)

    def predict(self, fitted: Fitted, columns: Columns) -> Any:
        """The chance that each offer is taken and kept, strictly between 0 and 1."""
        return fitted.curves.chances(columns, _start(columns))

    def explain(self, fitted: Fitted, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """What moved each offer most against the average one, strongest first; in log-odds."""
        every = fitted.curves.reasons(columns, len(fitted.curves.each))
        known = _parts(columns)
        told = []
        for place, row in enumerate(every):
            moved = [
                Reason(one.feature, one.value, one.contribution + (
                    float(known[one.feature][place]) - fitted.middles.get(one.feature, 0.0)
                    if one.feature in known else 0.0
                ))
                for one in row
            ]  # fmt: skip
            told.append(sorted(moved, key=lambda one: -abs(one.contribution))[:top])
        return told

    def dump(self, fitted: Fitted) -> bytes:
        """JSON: the curves as numbers, and the averages of the start."""
        content = {"format": 1, **fitted.curves.to_json(), "middles": dict(fitted.middles)}
        return json.dumps(content).encode()

    def load(self, blob: bytes) -> Fitted:
        """The inverse of `dump`. Raises ValueError on anything else."""
        told = json.loads(blob)
        if told.get("format") != 1:
            raise ValueError("this is not a dumped model of offers of format 1")
        return Fitted(curves_from(told), told["middles"])


def _start(columns: Columns) -> Any:
    import numpy as np

    return np.full(columns.rows, START) + sum(_parts(columns).values(), start=np.zeros(columns.rows))


def _parts(columns: Columns) -> dict[str, Any]:
    """What each column of the terms adds to the start; one that is not there, or unknown, adds nothing."""
    import numpy as np

    def known(name: str) -> Any:
        return np.asarray(columns.values.get(name, np.full(columns.rows, np.nan)), dtype=float)

    burden = known("burden")
    told = np.isfinite(burden)
    parts = {name: np.nan_to_num(weight * known(name)) for name, weight in WEIGHTS.items()}
    parts["largest_share"] = np.where(told, 0.0, parts["largest_share"])
    parts["burden"] = np.where(told, BURDEN * np.clip(np.nan_to_num(burden), 0, MOST_BURDEN), 0.0)
    return parts
