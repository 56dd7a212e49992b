"""Bank recovery after charge-off: what comes in, and whether each step of effort brings more than it costs.

The effort is set by the bank's estimate, so the jump at each step says what the effort is worth there, in the
recovery as well as (for balance) in age and sex, which must not jump.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats
from recupero.decisions.measures.discontinuity import jump_at
from recupero.decisions.public.benchmark import Answer, Options, PublicSet
from recupero_sdk.models import Columns

if TYPE_CHECKING:
    import polars as pl

OUTCOME = "actual_recovery_amount"
ESTIMATE = "expected_recovery_amount"
PROTECTED = ("age", "sex")
#: Estimates at which the effort rises a level, and how far around each the lines look.
STEPS = ((1000.0, 300.0), (2000.0, 600.0), (3000.0, 800.0), (5000.0, 1500.0))
#: What each level costs more an account.
COST = 50.0


def predict(kind: Any, train: pl.DataFrame, test: pl.DataFrame, _options: Options) -> Answer:
    """The median amount recovered, from the estimate and the level of effort that it brings."""
    paid = train[OUTCOME].to_numpy().astype(np.float64)
    trained = kind.train(_columns(train), np.log1p(np.maximum(paid, 0)))
    said = np.asarray(kind.predict(trained.fitted, _columns(test)), dtype=np.float64)
    return Answer({"amount": np.expm1(said)}, {"steps": _steps(train, paid), "cost_of_a_level": COST})


def _columns(frame: pl.DataFrame) -> Columns:
    """The estimate on a log scale, and one column per level: where it begins, and how far beyond it is."""
    estimate = np.log(np.maximum(frame[ESTIMATE].to_numpy().astype(np.float64), 1))
    made: dict[str, Floats] = {"estimate_log": estimate}
    for threshold, _width in STEPS:
        beyond = estimate - np.log(threshold)
        made[f"level_{threshold:.0f}"] = (beyond >= 0).astype(np.float64)
        made[f"beyond_{threshold:.0f}"] = np.maximum(beyond, 0)
    return Columns(made, len(estimate))


def _steps(train: pl.DataFrame, paid: Floats) -> list[dict[str, Any]]:
    """At each step the jump in money, whether it is more than a level costs for certain, and the balance."""
    estimate = train[ESTIMATE].to_numpy().astype(np.float64)
    told = []
    for threshold, width in STEPS:
        found = jump_at(estimate, paid, threshold, width)
        if found is None:
            told.append({"threshold": threshold, "jump": None})
            continue
        step: dict[str, Any] = {key: round(value, 2) for key, value in asdict(found).items()}
        step["pays"] = "yes" if found.low > COST else "no" if found.high < COST else "not proven"
        step["balance"] = _balance(train, estimate, threshold, width)
        told.append(step)
    return told


def _balance(train: pl.DataFrame, estimate: Floats, threshold: float, width: float) -> dict[str, Any]:
    """Jumps of age and of the share of men; an interval without zero would put the design in doubt."""
    import polars as pl

    sides = {}
    told = {"age": pl.col("age"), "men": (pl.col("sex") == "Male").cast(pl.Float64)}
    for name, column, source in (("age", told["age"], "age"), ("men", told["men"], "sex")):
        if source not in train.columns:
            continue
        values = train.select(column).to_series()
        found = jump_at(estimate, values.to_numpy().astype(np.float64), threshold, width)
        if found is not None:
            sides[name] = {
                "jump": round(found.jump, 3),
                "low": round(found.low, 3),
                "high": round(found.high, 3),
            }
    return sides


def score(test: pl.DataFrame, answer: Answer) -> dict[str, Any]:
    """Mean absolute error; beside it that of the bank's own estimate."""
    paid = test[OUTCOME].to_numpy().astype(np.float64)
    estimate = test[ESTIMATE].to_numpy().astype(np.float64)
    return {
        "mean_absolute_error": float(np.abs(answer.columns["amount"] - paid).mean()),
        "mean_absolute_error_of_the_estimate": float(np.abs(estimate - paid).mean()),
        "rows": float(len(paid)),
    }


SET = PublicSet(
    "bank_recovery_rd", "time_to_pay", (ESTIMATE,), (OUTCOME,), PROTECTED, predict, score
)  # fmt: skip
