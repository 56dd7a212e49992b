"""Default of credit card clients (UCI, Yeh and Lien 2009): who will not pay, and for whom it errs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats
from recupero.decisions.measures import metrics
from recupero.decisions.public.benchmark import Answer, Options, PublicSet, numbers, words_of
from recupero_sdk.models import Columns, ScoringModel

if TYPE_CHECKING:
    import polars as pl

OUTCOME = "default_next_month"
PROTECTED = ("SEX", "EDUCATION", "MARRIAGE", "AGE")
LATE = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
MONTHS = range(1, 7)


def predict(kind: ScoringModel, train: pl.DataFrame, test: pl.DataFrame, options: Options) -> Answer:
    """One training, one prediction."""
    target = (train[OUTCOME].to_numpy() == 1).astype(np.float64)
    dropped = ("row_id", OUTCOME, *(() if options.with_protected else PROTECTED))
    words = words_of(train.drop(dropped, strict=False))
    old, new = (_columns(frame.drop(dropped, strict=False), words) for frame in (train, test))
    trained = kind.train(old, target)
    return Answer(
        {"p": np.asarray(kind.predict(trained.fitted, new), dtype=np.float64)},
        {"parameters": dict(trained.parameters)},
    )


def _columns(frame: pl.DataFrame, words: dict[str, list[str]]) -> Columns:
    """Amounts on a log scale, shares of the limit and of the statement, months late counted."""
    made = numbers(frame, words)
    bills = [made[f"BILL_AMT{month}"] for month in MONTHS]
    paid = [made[f"PAY_AMT{month}"] for month in MONTHS]
    limit = np.maximum(made["LIMIT_BAL"], 1)
    late = np.array([made[name] for name in LATE])
    for month in MONTHS:
        made[f"bill_log_{month}"] = np.sign(bills[month - 1]) * np.log1p(np.abs(bills[month - 1]))
        made[f"paid_log_{month}"] = np.log1p(np.maximum(paid[month - 1], 0))
        made[f"used_{month}"] = bills[month - 1] / limit
    for month in range(1, 6):
        made[f"paid_of_bill_{month}"] = np.clip(paid[month - 1] / np.maximum(bills[month], 1), 0, 2)
    for name, months in zip(LATE, late, strict=True):
        made[f"{name}_late"] = (months > 0).astype(np.float64)
        made[f"{name}_unused"] = (months == -2).astype(np.float64)
    made["limit_log"] = np.log(limit)
    made["late_months"] = np.clip(late, 0, None).sum(axis=0)
    made["late_times"] = (late > 0).sum(axis=0).astype(np.float64)
    made["late_most"] = late.max(axis=0)
    made["paid_share"] = np.sum(paid, axis=0) / limit
    made["paid_least_log"] = np.log1p(np.maximum(np.min(paid, axis=0), 0))
    made["used_mean"] = np.mean(bills, axis=0) / limit
    made["used_rise"] = (bills[0] - bills[5]) / limit
    return Columns(made, len(limit))


def score(test: pl.DataFrame, answer: Answer) -> dict[str, Any]:
    """Figures of all rows, and how the score treats groups it never saw."""
    target = (test[OUTCOME].to_numpy() == 1).astype(np.float64)
    p = answer.columns["p"]
    return {**metrics.summary(p, target), "fairness": _fairness(test, p, target)}


def _fairness(test: pl.DataFrame, p: Floats, target: Floats) -> dict[str, Any]:
    groups = {name: test[name].cast(str).to_numpy() for name in PROTECTED[:3] if name in test.columns}
    if "AGE" in test.columns:
        groups["age_band"] = metrics.age_bands(test["AGE"].to_numpy().astype(np.float64))
    return {name: metrics.by_group(p, target, group) for name, group in groups.items()}


SET = PublicSet(
    "credit_default_tw", "propensity",
    ("LIMIT_BAL", *LATE, *(f"BILL_AMT{m}" for m in MONTHS), *(f"PAY_AMT{m}" for m in MONTHS)),
    (OUTCOME,), PROTECTED, predict, score,
)  # fmt: skip
