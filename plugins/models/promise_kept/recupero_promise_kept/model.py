"""The chance that a promise to pay is kept: one curve for each thing known when it was made, added up.

Promises are hundreds or thousands, not millions, and an agent reads why: a sum of curves that are shrunk
towards no effect says as much as so few rows can tell, and each of its parts is a reason by itself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recupero_sdk.curves import Curves, curves_from, learn
from recupero_sdk.models import Columns, Feature, Reason, Training, check_enough

MIN_ROWS, MIN_OF_EACH = 100, 20
#: What can only help or only harm: who kept promises is not held to keep fewer for it, by chance of few rows.
WAYS = {
    "promises_kept": 1, "kept_share": 1, "last_kept": 1, "promises_broken": -1, "promises_moved": -1,
    "amount_share": -1, "amount_over_usual": -1,
}  # fmt: skip


@dataclass(frozen=True)
class PromiseKept:
    """`features` empty: every column of a promise that the platform has."""

    key: str = "promise_kept"
    target: str = "promise_kept"
    features: Sequence[Feature] = ()

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        """Fit on promises of which it is known whether they were kept. Raises ValueError below 100 of them,
        or below 20 kept or not kept. Nothing is drawn at random: `seed` changes nothing."""
        check_enough(columns.rows, target, MIN_ROWS, MIN_OF_EACH)
        learned = learn(columns, target, ways=WAYS)
        metrics = {"folds_log_loss": learned.unseen_log_loss, "rows": float(columns.rows)}
        shape = {"strength": str(learned.strength), "slope": f"{learned.slope:.3f}"}
        return Training(learned.curves, metrics, shape)

    def predict(self, fitted: Curves, columns: Columns) -> Any:
        """The chance that each promise is kept, strictly between 0 and 1."""
        return fitted.chances(columns)

    def explain(self, fitted: Curves, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """What moved each promise most against the average one, strongest first; in log-odds."""
        return fitted.reasons(columns, top)

    def dump(self, fitted: Curves) -> bytes:
        """JSON: the curves as numbers."""
        return json.dumps({"format": 1, **fitted.to_json()}).encode()

    def load(self, blob: bytes) -> Curves:
        """The inverse of `dump`. Raises ValueError on anything else."""
        told = json.loads(blob)
        if told.get("format") != 1:
            raise ValueError("this is not a dumped model of kept promises of format 1")
        return curves_from(told)
