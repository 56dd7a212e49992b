"""Which number or address of a debtor is used first: the served `right_party` model says how likely each
reaches them, before every plan and after every result, and the chance is kept with the point. Whoever picks
a point (plans, sending, the desk, pages) takes the highest; points without one stand in the order of the
house: proven ones first, then the newest. A point found wrong is never used again, whatever its chance.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.history.point_features import USES, read_points
from recupero.decisions.learning import serving
from recupero.kernel.database import Database, Scope
from recupero.placements import reach
from recupero_sdk.models import Reason

log = logging.getLogger(__name__)

KIND = "right_party"
#: A chance that moves by less than this is left as it is: rewriting a million rows for nothing is dear. Where
#: a debtor has no other point of the kind it orders nothing, and may be told a little late.
MOVED, MOVED_ALONE = 0.002, 0.05
#: Points whose reasons are worked out at a time.
SLICE = 50_000
#: Reasons kept, and how many of the strongest they are taken from: how a point is used, and what it is not
#: or never had, tells a reader nothing.
REASONS, AMONG = 2, 6


def rank(database: Database, scope: Scope, at: datetime, debtors: Sequence[int] | None = None) -> str | None:
    """Keep the chance of each point of the tenant in scope, or of these debtors; the note for the plan.

    Where no model serves nothing is done. One that fails leaves these points in the order of the house, with
    an error in the log and a note: it stops no plan, and no other tenant.
    """
    try:
        served = serving.champion(scope, KIND)
        if served is None:
            return None
        with database.transaction(scope) as session:
            _keep(session, served, at, debtors)
    except Exception as error:
        log.exception(
            "model %s failed for tenant %s; points are used in the order of the house", KIND, scope.tenant()
        )
        with database.transaction(scope) as session:
            reach.forget_scores(session, debtors)
        why = f"{type(error).__name__}: {error}"
        return f"the {KIND} model failed ({why}): points are used in the order of the house"
    return None


def _keep(session: Session, served: serving.Served, at: datetime, debtors: Sequence[int] | None) -> None:
    points = read_points(session, at, debtors)
    if not len(points):
        return
    chance = serving.chances(served, points.values, len(points))
    least = np.where(points.values["point_others"] > 0, MOVED, MOVED_ALONE)
    moved = np.flatnonzero(~(np.abs(chance - points.score) <= least))
    for start in range(0, len(moved), SLICE):
        some = moved[start : start + SLICE]
        values = {name: column[some] for name, column in points.values.items()}
        told = [_telling(row) for row in serving.reasons(served, values, len(some), AMONG)]
        reach.keep_scores(session, points.id[some].tolist(), chance[some].tolist(), told)


def _telling(reasons: Sequence[Reason]) -> list[list[str | float]]:
    kept = [each for each in reasons if each.feature not in USES and each.value > 0][:REASONS]
    return [[each.feature, round(each.value, 3), round(each.contribution, 3)] for each in kept]
