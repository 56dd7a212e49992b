"""Looking at models at work, every day: how far today's rows lie from those that the champions learned from,
and what challengers would say of them in shadow. Nothing is decided by it; what was seen is kept (`looks`).

An agency's model is looked at on the rows of all its creditors, a creditor's own on those of that creditor.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats
from recupero.decisions.history import experience, vector_store
from recupero.decisions.learning import drift, looks, registry, serving, valuing
from recupero.decisions.learning.drift import Drift
from recupero.decisions.learning.registry import CHALLENGER, CHAMPION, Version
from recupero.decisions.learning.tasks import TASKS
from recupero.decisions.measures import metrics
from recupero.decisions.tables import PlanRun
from recupero.kernel import clock, runtime
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import NotFound, UserError

log = logging.getLogger(__name__)

#: Plans whose decisions are what a model of actions is asked about now, and how many rows are enough.
LATELY, MOST_ROWS = timedelta(days=7), 50_000
Rows = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Shadow:
    """A challenger's answers beside the champion's on the rows of today; nothing is decided by it.

    `psi` is the population stability index of the two columns of answers (over 0.25: they rank others);
    `same_top_tenth` the share of the champion's best tenth that the challenger has in its own. `accounts`
    counts the rows: accounts, or what else the kind is asked about.
    """

    name: str
    champion: str
    challenger: str
    accounts: int
    champion_mean: float
    challenger_mean: float
    correlation: float
    psi: float
    same_top_tenth: float


def watch(database: Database, scope: Scope, kind: str | None = None) -> list[Drift]:
    """Look at every champion of the agency and of the creditors in scope, or at those of one kind;
    challengers are compared in shadow. A new drift is an alarm in the audit and the log. One model that
    cannot be looked at is an error in the log and keeps no other from it."""
    found = []
    for version in registry.versions(scope=scope):
        if kind not in (None, registry.parts_of(version.name)[0]):
            continue
        try:
            if CHAMPION in version.aliases and (seen := _look(database, scope, version)) is not None:
                found.append(seen)
            champion = registry.serving(scope, version.name)
            if CHALLENGER in version.aliases and champion is not None:
                look_in_shadow(database, scope, version, champion)
        except Exception:
            log.exception("%s version %s could not be looked at", version.name, version.version)
    return found


def _look(database: Database, scope: Scope, version: Version) -> Drift | None:
    """Drift of one champion; None where it has no profile, or where rows are too few to say anything."""
    with database.transaction(_rows_of(scope, version.name)) as session:
        values = _today(session, registry.parts_of(version.name)[0], clock.now())
    rows = _count(values)
    if rows < drift.MIN_ROWS:
        return None
    found = drift.measure(version, values, _answers(version, values, rows))
    if found is not None:
        with database.transaction(scope) as session:
            drift.tell(session, found)
            told = {"accounts": found.accounts, "score": found.score, "features": found.features}
            looks.keep(session, version, looks.DRIFT, told, alarm=found.drifted)
    return found


def look_in_shadow(database: Database, scope: Scope, challenger: Version, champion: Version) -> Shadow | None:
    """Compare a challenger with what serves on the rows of today; None where there are none."""
    with database.transaction(_rows_of(scope, challenger.name)) as session:
        values = _today(session, registry.parts_of(challenger.name)[0], clock.now())
    rows = _count(values)
    if not rows:
        return None
    old, new = (_answers(each, values, rows) for each in (champion, challenger))
    found = _compared(challenger, champion, old, new)
    with database.transaction(scope) as session:
        told = {key: value for key, value in asdict(found).items() if isinstance(value, int | float)}
        looks.keep(session, challenger, looks.SHADOW, told, against=champion.version)
    return found


def shadow(database: Database, scope: Scope, name: str) -> Shadow:
    """The challenger of a model beside what serves. Raises NotFound where either is missing, UserError where
    there is nothing to compare them on."""
    champion, challenger = registry.serving(scope, name), registry.by_alias(name, CHALLENGER)
    if champion is None or challenger is None:
        missing = CHAMPION if champion is None else CHALLENGER
        raise NotFound(
            "%(name)s has no %(missing)s: train one with `recupero models train`", name=name, missing=missing
        )
    found = look_in_shadow(database, scope, challenger, champion)
    if found is None:
        raise UserError("there are no open accounts to score", field="tenant")
    return found


def _rows_of(scope: Scope, name: str) -> Scope:
    """Whose rows a model is asked about."""
    tenant_id = registry.parts_of(name)[1]
    return scope if tenant_id is None else replace(scope, tenant_ids=(tenant_id,))


def _today(session: Session, kind: str, at: datetime) -> Rows:
    """The columns of what a kind is asked about now; nothing of a kind that is asked about no columns."""
    if kind == valuing.KIND:
        return _of_plans(session, at)
    model = runtime.current().plugins.models.get(kind)
    task = TASKS.get(model.target) if model else None
    return task.today(session, at) if task else {}


def _of_plans(session: Session, at: datetime) -> Rows:
    """The vectors of what the plans of late chose, waiting included."""
    runs = session.execute(
        select(PlanRun.id)
        .where(PlanRun.tenant_id.in_(scope_of(session).tenant_ids), PlanRun.at > at - LATELY)
        .order_by(PlanRun.id.desc())
    ).scalars().all()  # fmt: skip
    parts: list[dict[str, Floats]] = []
    rows = 0
    for _run, accounts, columns in vector_store.parts(session, runs, experience.NAMES):
        parts.append(columns)
        rows += len(accounts)
        if rows >= MOST_ROWS:
            break
    return {name: np.concatenate([part[name] for part in parts]) for name in experience.NAMES if parts}


def _count(values: Rows) -> int:
    return len(next(iter(values.values()), ()))


def _answers(version: Version, values: Rows, rows: int) -> Floats:
    kind = registry.parts_of(version.name)[0]
    if kind == valuing.KIND:
        return valuing.load(version).outcomes(values, rows)[valuing.PAID]
    return serving.chances(serving.load(kind, version), values, rows)


def _compared(challenger: Version, champion: Version, old: Floats, new: Floats) -> Shadow:
    top = max(1, len(old) // 10)
    best = [set(np.argsort(-score, kind="stable")[:top].tolist()) for score in (old, new)]
    flat = min(old.std(), new.std()) == 0
    return Shadow(
        challenger.name, champion.version, challenger.version, len(old), float(old.mean()), float(new.mean()),
        0.0 if flat else float(np.corrcoef(old, new)[0, 1]), metrics.stability_index(old, new),
        len(best[0] & best[1]) / top,
    )  # fmt: skip
