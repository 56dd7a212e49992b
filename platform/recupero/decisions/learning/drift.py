"""Has the world moved away from what a model learned? Watched every day, told as an alarm when it has.

With each version a profile is kept: of every feature, and of the score, where the tenths of the training rows
lay. The population stability index (PSI) says how far the accounts of today lie from it: under 0.1 calm, over
0.25 drifted. Unknown values are a class of their own. Days of the calendar move by themselves: left out.
So do ages, of which every book is older today than yesterday (`AGEING`): they are told, but are no alarm of
their own; where age changes what a model says, the score moves with it.
Of attempts are left out how and when they were made, which we choose, and what all of a creditor's people
share.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats
from recupero.decisions.history import feature_list
from recupero.decisions.history.point_features import POINT_FEATURES, USES
from recupero.decisions.learning import registry
from recupero.decisions.learning.registry import Version
from recupero.kernel import audit

log = logging.getLogger(__name__)

DRIFTED = 0.25
PROFILE = "profile.json"
CALENDAR = ("weekday", "day_of_month", "due_weekday", "due_day_of_month")
AGEING = frozenset(
    spec.name
    for spec in (*feature_list.FEATURES, *POINT_FEATURES)
    if spec.unit == "days" and spec.as_of != feature_list.FIXED
)
#: Of attempts: how and when they were made, and shares that hold what all of a creditor's people have in
#: common.
OF_ATTEMPTS = (
    "when_hour", "when_weekday", "when_called", "when_texted", "when_mailed", *USES, "creditor_rate",
    "creditor_hour", "creditor_weekday", "own_rate", "own_rate_then",
)  # fmt: skip
DRIFTED_EVENT, STEADY_EVENT = "decisions.model_drifted", "decisions.model_steady"
#: Fewer accounts than this say nothing about tenths.
MIN_ROWS = 200
_BINS = 10
_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class Drift:
    """How far today's accounts lie from those a version learned from. `features`: the PSI of each, the most
    moved first."""

    name: str
    version: str
    accounts: int
    score: float
    features: Mapping[str, float]

    @property
    def drifted(self) -> bool:
        telling = (psi for name, psi in self.features.items() if name not in AGEING)
        return max(self.score, *telling, 0.0) > DRIFTED

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "drifted": self.drifted}


def profile_of(columns: Mapping[str, Floats], score: Floats) -> str:
    """The profile of training rows, as JSON."""
    left_out = {*CALENDAR, *OF_ATTEMPTS}
    told = {name: _profile(column) for name, column in columns.items() if name not in left_out}
    return json.dumps({"features": told, "score": _profile(score)})


def _profile(column: Floats) -> dict[str, list[float]]:
    known = column[np.isfinite(column)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(known) else np.empty(0)
    return {"edges": edges.tolist(), "shares": _shares(column, edges).tolist()}


def _shares(column: Floats, edges: Floats) -> Floats:
    """The share of rows in each class: below, between and above the edges, and unknown."""
    place = np.where(np.isfinite(column), np.searchsorted(edges, np.nan_to_num(column)), len(edges) + 1)
    found: Floats = np.bincount(place, minlength=len(edges) + 2) / max(len(column), 1)
    return found


def moved(profile: Mapping[str, list[float]], column: Floats) -> float:
    """The PSI of a column against its profile."""
    before = np.maximum(np.array(profile["shares"]), _LEAST)
    after = np.maximum(_shares(column, np.array(profile["edges"])), _LEAST)
    return float(np.sum((after - before) * np.log(after / before)))


def measure(version: Version, values: Mapping[str, Floats], score: Floats) -> Drift | None:
    """Drift of rows and their scores against a version's profile; None where it has none."""
    content = registry.read_text(version, PROFILE)
    if content is None:
        return None
    profile = json.loads(content)
    found = {
        name: round(moved(each, values[name]), 4)
        for name, each in profile["features"].items()
        if name in values
    }
    order = sorted(found, key=lambda name: -found[name])
    return Drift(
        version.name, version.version, len(score), round(moved(profile["score"], score), 4),
        {name: found[name] for name in order},
    )  # fmt: skip


def tell(session: Session, found: Drift) -> None:
    """One entry each time it begins, and one when it has passed."""
    subject = f"model:{found.name}"
    began = last_of(session, subject, DRIFTED_EVENT, STEADY_EVENT)
    if found.drifted == (began is not None and began.action == DRIFTED_EVENT):
        return
    most = {name: str(value) for name, value in list(found.features.items())[:5]}
    audit.record(
        session, DRIFTED_EVENT if found.drifted else STEADY_EVENT, subject, actor="system",
        version=found.version, score=str(found.score), most=most,
    )  # fmt: skip
    if found.drifted:
        log.error("%s version %s: its accounts have moved (score %s, %s)", found.name, found.version,
                  found.score, most)  # fmt: skip


def last_of(session: Session, subject: str, *actions: str) -> audit.AuditEvent | None:
    """The newest of these events about a subject, among its last hundred."""
    return next((event for event in audit.page(session, holding=subject)
                 if event.subject == subject and event.action in actions), None)  # fmt: skip
