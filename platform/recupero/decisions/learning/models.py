"""Training of models, through the MLflow registry.

A first model becomes champion at once, since there is nothing to measure it against. Every later one, and a
creditor's own where its agency's serves it, is a challenger: its run keeps what it won over the champion on
the held-out rows, in shadow and by its choices, for the person who says yes (see `promotion`).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.history.dataset import Dataset
from recupero.decisions.learning import (
    card,
    contest,
    drift,
    examining,
    gains,
    plots,
    promotion,
    registry,
    run_uplift,
    serving,
    tasks,
    watching,
)
from recupero.decisions.learning.registry import CHALLENGER, CHAMPION, Finished, Version
from recupero.decisions.learning.serving import Served
from recupero.decisions.learning.tasks import Task
from recupero.decisions.measures import metrics
from recupero.kernel import clock, runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.tenancy.queries import agency_scopes
from recupero_sdk.models import Columns, ScoringModel

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trained:
    """A new version, the alias it was given, and its figures on the held-out rows."""

    name: str
    version: str
    alias: str
    metrics: Mapping[str, float]
    split: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Won:
    """What a new version wins over what serves: in words for the card, as a run's metrics, and its notes."""

    words: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=lambda: {registry.CHOICES: registry.NO_CHOICES})


def kind_of(key: str) -> ScoringModel:
    """The installed kind of model. Raises NotFound naming those there are."""
    installed = runtime.current().plugins.models
    if key not in installed:
        raise NotFound(
            "no plug-in brings the model '%(kind)s'; installed: %(known)s",
            kind=key,
            known=", ".join(sorted(installed)) or "-",
        )
    return installed[key]


def train(
    database: Database, scope: Scope, key: str = "propensity", *, at: datetime | None = None, seed: int = 0
) -> Trained:
    """Train on the history of the tenants in scope up to `at` and register the version.

    With one tenant of several in scope the model is that tenant's own, otherwise the agency's. Raises
    UserError
    where there is too little history to learn from, or none of what the kind learns: nothing is registered
    then.
    """
    began, kind, at = time.perf_counter(), kind_of(key), at or clock.now()
    task = tasks.TASKS.get(kind.target)
    if task is None:
        raise UserError(
            "%(kind)s learns %(target)s, of which the platform keeps no history to train on: it serves"
            " `recupero models benchmark` only",
            field="kind", kind=key, target=kind.target,
        )  # fmt: skip
    name = name_for(database, scope, key)
    champion = registry.incumbent(scope, name)
    try:
        with database.transaction(scope) as session:
            data = task.build(session, at)
        judged = _judge(kind, data, seed)
        with database.transaction(scope) as session:
            held = data.holdout
            won = _over_champion(session, at, kind, task, data, champion, seed)
            judged["metrics"] |= won.metrics
            found, judged["uplift"] = run_uplift.of_rows(
                session, data.account_id[held], data.moment[held], judged["score"], data.target[held]
            )
            judged["metrics"] |= found
            judged["fairness"] = examining.fairness(
                session, data.account_id[held], judged["score"], data.target[held], data.last
            )
        training = kind.train(_columns(kind, data, np.ones(len(data), dtype=bool)), data.target, seed=seed)
    except ValueError as error:
        raise UserError(
            "%(name)s cannot be trained: %(why)s", field="history", name=name, why=error
        ) from error
    figures = {**judged["metrics"], **{f"fit_{k}": v for k, v in training.metrics.items()}}
    made = registry.register(name, _finished(kind, task, data, training, judged, figures, won), champion)
    alias = enlist(database, scope, made, champion)
    seconds = round(time.perf_counter() - began, 2)
    log.info("trained %s version %s as %s in %s s", name, made.version, alias, seconds)
    return Trained(name, made.version, alias, figures, data.split, seconds)


def name_for(database: Database, scope: Scope, key: str) -> str:
    """The registered name of what is trained in a scope: one tenant's of several, or the agency's."""
    return registry.name_of(key, agency_id=scope.agency(), tenant_id=owner_of(database, scope))


def owner_of(database: Database, scope: Scope) -> int | None:
    """The one creditor of several that a scope is of; None: the agency."""
    mine = next((each for each in agency_scopes(database) if each.agency_id == scope.agency()), None)
    alone = mine is not None and len(scope.tenant_ids) == 1 and len(mine.tenant_ids) > 1
    return scope.tenant() if alone else None


def enlist(database: Database, scope: Scope, made: Version, champion: Version | None) -> str:
    """Give a new version its alias: challenger of what serves, else champion. A challenger is looked at in
    shadow at once."""
    alias = CHALLENGER if champion else CHAMPION
    registry.set_alias(made.name, alias, made.version)
    promotion.audit_model(database, scope, "decisions.model_trained", made, alias=alias)
    if champion is not None:
        try:
            watching.look_in_shadow(database, scope, made, champion)
        except Exception:
            log.exception("%s version %s could not be looked at in shadow", made.name, made.version)
    return alias


def wanted(kind: ScoringModel) -> tuple[str, ...]:
    """The features that a kind learns from: those it names, or all. Raises ValueError on an unknown one."""
    known = tasks.TASKS[kind.target].names
    names = tuple(feature.name for feature in kind.features) or known
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"it wants features that the platform does not have: {', '.join(unknown)}")
    return names


def _columns(kind: ScoringModel, data: Dataset, mask: Any) -> Columns:
    return Columns({name: data.values[name][mask] for name in wanted(kind)}, int(mask.sum()))


def _judge(kind: ScoringModel, data: Dataset, seed: int) -> dict[str, Any]:
    """Figures of the kind on the held-out rows, trained on the others."""
    fitted = kind.train(_columns(kind, data, data.train), data.target[data.train], seed=seed).fitted
    held = _columns(kind, data, data.holdout)
    target = data.target[data.holdout]
    score = np.asarray(kind.predict(fitted, held), dtype=np.float64)
    figures = {f"holdout_{name}": value for name, value in metrics.summary(score, target).items()}
    figures["train_rows"] = float(data.train.sum())
    curve = metrics.calibration_curve(score, target)
    grown = examining.learning_curve(kind, fitted, data, wanted(kind), seed)
    grown.append(examining.point(int(data.train.sum()), score, target))
    return {"metrics": figures, "curve": curve, "learning": grown, "score": score}


def _over_champion(
    session: Session,
    at: datetime,
    kind: ScoringModel,
    task: Task,
    data: Dataset,
    champion: Version | None,
    seed: int,
) -> Won:
    """What the kind wins over the champion on what has come since that learned: see `contest`."""
    if champion is None:
        return Won("there is none yet.")
    held = contest.against(champion, data.account_id, data.moment, data.target)
    if held is None:
        words = f"too little has come of what is later than version {champion.version} learned from."
        return Won(words, notes={registry.SHADOWED: registry.TOO_SOON})
    fitted = kind.train(_columns(kind, data, held.train), data.target[held.train], seed=seed).fitted
    new, rows = Served(kind, fitted, wanted(kind), kind.key, "new"), held.rows
    try:
        old = serving.load(kind.key, champion)
        answers = [serving.chances(each, data.at(rows), len(rows)) for each in (new, old)]
    except Exception:
        log.exception("champion %s cannot be scored", champion.name)
        return Won(f"version {champion.version} could not be scored.")
    figures = contest.in_shadow(answers, data.target[rows], data.account_id[rows], seed)
    words = contest.told(figures, champion)
    if not task.chooses:
        return Won(words, figures)
    choices, how = gains.over_champion(
        session, at, kind.key, held.border,
        lambda values, rows: serving.chances(new, values, rows),
        lambda values, rows: serving.chances(old, values, rows),
    )  # fmt: skip
    return Won(words, {**figures, **choices}, {registry.CHOICES: how})


def _finished(
    kind: ScoringModel,
    task: Task,
    data: Dataset,
    training: Any,
    judged: dict[str, Any],
    figures: Mapping[str, float],
    won: Won,
) -> Finished:
    window = (data.first.date().isoformat(), data.last.date().isoformat())
    text = card.write_card(
        kind.key, task.says, split=data.split, window=window, metrics=figures, curve=judged["curve"],
        parameters=training.parameters, against=won.words, learning=judged["learning"],
        fairness=judged["fairness"], features=task.features,
        uplift=run_uplift.told(judged["metrics"], judged["uplift"]),
    )  # fmt: skip
    everything = _columns(kind, data, np.ones(len(data), dtype=bool))
    scored = np.asarray(kind.predict(training.fitted, everything), dtype=np.float64)
    return Finished(
        kind=kind.key, blob=kind.dump(training.fitted), features=wanted(kind), metrics=figures,
        parameters=training.parameters,
        notes={"split": data.split, registry.WINDOW_FROM: window[0], registry.WINDOW_TO: window[1],
               "against": won.words, run_uplift.UPLIFT: judged["uplift"], **won.notes},
        texts={
            "card.md": text, "calibration.json": json.dumps(judged["curve"]),
            "learning.json": json.dumps(judged["learning"]), "fairness.json": json.dumps(judged["fairness"]),
            drift.PROFILE: drift.profile_of(everything.values, scored),
            "figures.svg": plots.figures(judged["curve"], judged["learning"]),
        },
    )  # fmt: skip
