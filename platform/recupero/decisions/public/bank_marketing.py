"""Bank telemarketing (UCI, Moro, Cortez and Rita 2014): calls in the order of time in a world that moves.

Every row is scored by what was known before it: training rows with a smaller row_id. Beside the client and
the call, the model is given how calls went of late (of all, of the same day's economy, channel, job ...), and
whom was called of late and how many: that needs no outcomes, so rows of both files count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats
from recupero.decisions.learning import rolling
from recupero.decisions.measures import metrics
from recupero.decisions.public.benchmark import Answer, Options, PublicSet, numbers, words_of
from recupero_sdk.models import ScoringModel

if TYPE_CHECKING:
    import polars as pl

OUTCOME = "y"
PROTECTED = ("age", "marital", "education")
#: `duration` is known only after the call; `row_id` is a place in time and no feature.
NEVER = ("row_id", "duration")
ECONOMY = ("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")
#: What is followed as of each row, each by its own recent share of successes.
FOLLOWED = (
    ("contact",),
    ("poutcome",),
    ("job",),
    ("month", "day_of_week", "euribor3m"),
    ("month", "contact"),
)
#: What tells one day from the next, beside how the economy stood.
DAY = ("month", "day_of_week", *ECONOMY)
HALF_LIVES = (10, 30, 100, 300, 1000)


def predict(kind: ScoringModel, train: pl.DataFrame, test: pl.DataFrame, options: Options) -> Answer:
    """Both files in one order of time; the outcomes are those of the training file alone."""
    import polars as pl

    rows = pl.concat([train, test], how="diagonal_relaxed").with_row_index("place").sort("row_id", "place")
    target = (rows[OUTCOME] == "yes").cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
    columns = _columns(rows, target, options)
    rolled = rolling.roll(kind, columns, target)
    place = rows["place"].to_numpy()
    mine = place >= len(train)
    back = np.argsort(place[mine])
    return Answer(
        {"p": rolled.score[mine][back]},
        {
            "taken_over_at_row_id": _row_id(rows, rolled.taken_over_at()),
            "reviews": [
                {**review.to_json(), "row_id": _row_id(rows, review.row)} for review in rolled.reviews
            ],
        },
        {"frozen": rolled.frozen[mine][back]},
    )


def _row_id(rows: pl.DataFrame, place: int | None) -> int | None:
    return None if place is None else int(rows["row_id"][place])


def _columns(rows: pl.DataFrame, target: Floats, options: Options) -> dict[str, Floats]:
    dropped = (*NEVER, OUTCOME, "place", *(() if options.with_protected else PROTECTED))
    kept = rows.drop(dropped, strict=False)
    columns = numbers(kept, words_of(kept))
    called = {name: column for name, column in columns.items() if not name.startswith(("month", *ECONOMY))}
    columns |= rolling.recent_mix(called) | rolling.pace(_groups(rows, DAY))
    columns |= rolling.recent_rates(target, HALF_LIVES)
    for names in FOLLOWED:
        columns["recent_by_" + "_".join(names)] = rolling.recent_rates_by(target, _groups(rows, names))
    return columns


def _groups(rows: pl.DataFrame, names: tuple[str, ...]) -> list[tuple[object, ...]]:
    return list(zip(*(rows[name].to_list() for name in names), strict=True))


def score(test: pl.DataFrame, answer: Answer) -> dict[str, Any]:
    """Figures of all rows, and of the last 35% of time."""
    target = (test[OUTCOME] == "yes").to_numpy().astype(np.float64)
    p, row_id = answer.columns["p"], test["row_id"].to_numpy()
    late = row_id >= np.quantile(row_id, 0.65)
    best = np.argsort(-p[late], kind="stable")[: int(late.sum()) // 2]
    found = metrics.summary(p, target)
    found |= {f"late_{key}": value for key, value in metrics.summary(p[late], target[late]).items()}
    frozen = answer.aside["frozen"]
    found["late_frozen_auc"] = metrics.auc(frozen[late], target[late])
    found["late_best_half_holds"] = float(target[late][best].sum() / max(target[late].sum(), 1))
    return found


SET = PublicSet(
    "bank_marketing", "propensity",
    ("job", "default", "housing", "loan", "contact", "month", "day_of_week", "campaign", "pdays", "previous",
     "poutcome", *ECONOMY),
    (OUTCOME,), PROTECTED, predict, score,
)  # fmt: skip
