"""What a run tells beside its figures: how they grow with data, and whom the model treats how.

Groups (age band, region, language) are looked at after the scoring. They never reach a model.
"""

from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history.dataset import Dataset
from recupero.decisions.measures import metrics
from recupero.placements import traits
from recupero_sdk.models import Columns, ScoringModel

#: Shares of the training accounts on which the figures are measured, beside all of them.
PARTS = (0.25, 0.5)
#: A group with fewer rows is not judged: its figures would be noise, or point at somebody.
MIN_GROUP = 50


def learning_curve(
    kind: ScoringModel, whole: Any, data: Dataset, names: tuple[str, ...], seed: int
) -> list[dict[str, float]]:
    """AUC and log-loss on the held-out rows after learning from the first part of the training accounts.

    A kind that can is refitted in the shape of `whole`, what it learned from all of them: that is far
    cheaper. A part that is too small to learn from is left out.
    """
    rows, held = np.flatnonzero(data.train), np.flatnonzero(data.holdout)
    told = []
    for part in PARTS:
        some = rows[: round(len(rows) * part)]
        try:
            fitted = _learned(kind, whole, _columns(data, names, some), data.target[some], seed)
        except ValueError:
            continue
        score = np.asarray(kind.predict(fitted, _columns(data, names, held)), dtype=np.float64)
        told.append(point(len(some), score, data.target[held]))
    return told


def _learned(kind: ScoringModel, whole: Any, columns: Columns, target: Floats, seed: int) -> Any:
    refit = getattr(kind, "refit", None)
    if refit is not None:
        return refit(whole, columns, target, seed=seed)
    return kind.train(columns, target, seed=seed).fitted


def point(rows: int, score: Floats, target: Floats) -> dict[str, float]:
    """One point of the curve."""
    return {
        "rows": float(rows),
        "auc": metrics.auc(score, target),
        "log_loss": float(metrics.row_log_loss(score, target).mean()),
    }


def _columns(data: Dataset, names: tuple[str, ...], rows: Ints) -> Columns:
    return Columns({name: data.values[name][rows] for name in names}, len(rows))


def fairness(
    session: Session, account_id: Ints, score: Floats, target: Floats, at: datetime
) -> dict[str, dict[str, Any]]:
    """Figures by age band, region and language of the debtors, of groups with at least fifty rows."""
    known = traits.of_accounts(session, np.unique(account_id).tolist())
    each = [known.get(account) for account in account_id.tolist()]
    age = np.array([np.nan if one is None else _age(one.birth_date, at.date()) for one in each])
    groups = {
        "age_band": metrics.age_bands(age),
        "region": np.array([(one.region if one else None) or "unknown" for one in each]),
        "language": np.array([one.language if one else "unknown" for one in each]),
    }
    return {
        name: {
            group: figures
            for group, figures in metrics.by_group(score, target, column).items()
            if figures["rows"] >= MIN_GROUP
        }
        for name, column in groups.items()
    }


def _age(born: str | None, today: date) -> float:
    """Years; NaN where the date of birth is not kept or is no date."""
    try:
        return (today - date.fromisoformat(born or "")).days / 365.25
    except ValueError:
        return float("nan")
