"""Training, promotion and shadowing of models, through the MLflow registry.

A first model becomes champion at once, since there is nothing to measure it against. Every later one is a
challenger, and is promoted only where it won: on the held-out rows of its own training its log-loss is below
the
champion's, with the whole 90% interval on the better side; and only when a person says so.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from recupero.decisions import card, dataset, drift, examining, metrics, plots, registry, serving
from recupero.decisions.columns import Floats
from recupero.decisions.dataset import Dataset
from recupero.decisions.features import NAMES, FeatureTable, read_features
from recupero.decisions.registry import CHALLENGER, CHAMPION, Finished, Version
from recupero.kernel import audit, clock, runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import Conflict, NotFound, UserError
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
    if kind.target != dataset.TARGET:
        raise UserError(
            "%(kind)s learns %(target)s, of which the platform keeps no history to train on: it serves"
            " `recupero models benchmark` only",
            field="kind", kind=key, target=kind.target,
        )  # fmt: skip
    name = name_for(database, scope, key)
    try:
        with database.transaction(scope) as session:
            data = dataset.build(session, at)
        judged, against = _judge(kind, data, registry.by_alias(name, CHAMPION), seed)
        with database.transaction(scope) as session:
            held = data.holdout
            judged["fairness"] = examining.fairness(
                session, data.account_id[held], judged["score"], data.target[held], data.last
            )
        training = kind.train(_columns(kind, data, np.ones(len(data), dtype=bool)), data.target, seed=seed)
    except ValueError as error:
        raise UserError(
            "%(name)s cannot be trained: %(why)s", field="history", name=name, why=error
        ) from error
    figures = {**judged["metrics"], **{f"fit_{k}": v for k, v in training.metrics.items()}}
    made = registry.register(name, _finished(key, kind, data, training, judged, figures, against))
    alias = CHALLENGER if registry.by_alias(name, CHAMPION) else CHAMPION
    registry.set_alias(name, alias, made.version)
    audit_model(database, scope, "decisions.model_trained", made, alias=alias)
    seconds = round(time.perf_counter() - began, 2)
    log.info("trained %s version %s as %s in %s s", name, made.version, alias, seconds)
    return Trained(name, made.version, alias, figures, data.split, seconds)


def name_for(database: Database, scope: Scope, key: str) -> str:
    """The registered name of what is trained in a scope: one tenant's of several, or the agency's."""
    mine = next((each for each in agency_scopes(database) if each.agency_id == scope.agency()), None)
    if mine is not None and len(scope.tenant_ids) == 1 and len(mine.tenant_ids) > 1:
        return registry.name_of(key, agency_id=scope.agency(), tenant_id=scope.tenant())
    return registry.name_of(key, agency_id=scope.agency())


def wanted(kind: ScoringModel) -> tuple[str, ...]:
    """The features that a kind learns from: those it names, or all. Raises ValueError on an unknown one."""
    names = tuple(feature.name for feature in kind.features) or NAMES
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ValueError(f"it wants features that the platform does not have: {', '.join(unknown)}")
    return names


def _columns(kind: ScoringModel, data: Dataset, mask: Any) -> Columns:
    return Columns({name: data.values[name][mask] for name in wanted(kind)}, int(mask.sum()))


def _judge(
    kind: ScoringModel, data: Dataset, champion: Version | None, seed: int
) -> tuple[dict[str, Any], str]:
    """Figures of the kind on the held-out rows, trained on the others; beside them the champion's."""
    fitted = kind.train(_columns(kind, data, data.train), data.target[data.train], seed=seed).fitted
    held = _columns(kind, data, data.holdout)
    target = data.target[data.holdout]
    score = np.asarray(kind.predict(fitted, held), dtype=np.float64)
    figures = {f"holdout_{name}": value for name, value in metrics.summary(score, target).items()}
    figures["train_rows"] = float(data.train.sum())
    curve = metrics.calibration_curve(score, target)
    grown = examining.learning_curve(kind, fitted, data, wanted(kind), seed)
    grown.append(examining.point(int(data.train.sum()), score, target))
    found = {"metrics": figures, "curve": curve, "learning": grown, "score": score}
    if champion is None:
        return found, "there is none yet."
    gained = _gain_over(kind, champion, data, score, target, seed)
    if gained is None:
        return found, f"version {champion.version} could not be scored."
    figures |= gained
    words = "log-loss saved on the held-out rows {gain:.5f} (90% interval {gain_low:.5f} to {gain_high:.5f})."
    return found, words.format(**gained)


def _gain_over(
    kind: ScoringModel, champion: Version, data: Dataset, score: Floats, target: Floats, seed: int
) -> dict[str, float] | None:
    try:
        served = serving.load(kind.key, champion)
        held = data.holdout
        table = FeatureTable(
            data.last, data.account_id[held], data.account_id[held], data.account_id[held],
            {name: column[held] for name, column in data.values.items()},
        )  # fmt: skip
        old = serving.predict(served, table)
    except Exception:
        log.exception("champion %s cannot be scored", champion.name)
        return None
    figures = metrics.gain(score, old, target, data.account_id[held], seed)
    return {**figures, "champion_log_loss": float(metrics.row_log_loss(old, target).mean())}


def _finished(
    key: str,
    kind: ScoringModel,
    data: Dataset,
    training: Any,
    judged: dict[str, Any],
    figures: Mapping[str, float],
    against: str,
) -> Finished:
    window = (data.first.date().isoformat(), data.last.date().isoformat())
    text = card.write_card(
        key, split=data.split, window=window, metrics=figures, curve=judged["curve"],
        parameters=training.parameters, against=against, learning=judged["learning"],
        fairness=judged["fairness"],
    )  # fmt: skip
    everything = _columns(kind, data, np.ones(len(data), dtype=bool))
    scored = np.asarray(kind.predict(training.fitted, everything), dtype=np.float64)
    return Finished(
        kind=key, blob=kind.dump(training.fitted), features=wanted(kind), metrics=figures,
        parameters=training.parameters,
        notes={"split": data.split, "window_from": window[0], "window_to": window[1], "against": against},
        texts={
            "card.md": text, "calibration.json": json.dumps(judged["curve"]),
            "learning.json": json.dumps(judged["learning"]), "fairness.json": json.dumps(judged["fairness"]),
            drift.PROFILE: drift.profile_of(everything.values, scored),
            "figures.svg": plots.figures(judged["curve"], judged["learning"]),
        },
    )  # fmt: skip


def promote(database: Database, scope: Scope, name: str, version: str, *, actor: str) -> Version:
    """Make a version the champion; the one before can be promoted back the same way.

    Raises UserError where no measured win stands behind it. A version that was champion before may come back.
    """
    found = registry.with_run(name, version)
    if found is None or not _belongs(scope, name):
        raise NotFound(
            "there is no version %(version)s of %(name)s: see `recupero models list`",
            version=version,
            name=name,
        )
    champion = registry.by_alias(name, CHAMPION)
    if champion is not None and champion.version == version:
        raise Conflict("version %(version)s of %(name)s is the champion already", version=version, name=name)
    if champion is not None and not _won(found):
        raise _not_won(found)
    registry.set_alias(name, CHAMPION, version)
    registry.tag(found, "was_champion", "yes")
    if champion is not None:
        registry.tag(champion, "was_champion", "yes")
    audit_model(database, scope, "decisions.model_promoted", found, actor=actor,
           before=champion.version if champion else None)  # fmt: skip
    return found


def _won(version: Version) -> bool:
    return version.notes.get("was_champion") == "yes" or version.metrics.get("gain_low", -1.0) > 0


def _not_won(found: Version) -> UserError:
    if "gain_low" not in found.metrics:
        return UserError(
            "version %(version)s of %(name)s is not promoted: its log-loss was never measured against the"
            " champion",
            field="version", version=found.version, name=found.name,
        )  # fmt: skip
    return UserError(
        "version %(version)s of %(name)s is not promoted: the log-loss it saves may be none (%(gain)s, 90"
        " percent interval from %(low)s)",
        field="version", version=found.version, name=found.name,
        gain=f"{found.metrics['gain']:.5f}", low=f"{found.metrics['gain_low']:.5f}",
    )  # fmt: skip


def _belongs(scope: Scope, name: str) -> bool:
    ends = [f"-agency-{scope.agency()}", *(f"-tenant-{tenant_id}" for tenant_id in scope.tenant_ids)]
    return any(name.endswith(end) for end in ends)


def audit_model(
    database: Database, scope: Scope, what: str, version: Version, *, actor: str = "system", **more: Any
) -> None:
    """What was done with a version, in the audit."""
    with database.transaction(scope) as session:
        audit.record(session, what, f"model:{version.name}", actor=actor, version=version.version, **more)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A challenger's scores beside the champion's on the open accounts of today; nothing is decided by it.

    `psi` is the population stability index of the two score columns (over 0.25: they rank other people);
    `same_top_tenth` the share of the champion's best tenth that the challenger has in its own.
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


def shadow(database: Database, scope: Scope, key: str = "propensity") -> Shadow:
    """Score the open accounts in scope by champion and challenger. Raises NotFound where either is
    missing."""
    name = name_for(database, scope, key)
    champion, challenger = registry.by_alias(name, CHAMPION), registry.by_alias(name, CHALLENGER)
    if champion is None or challenger is None:
        missing = CHAMPION if champion is None else CHALLENGER
        raise NotFound(
            "%(name)s has no %(missing)s: train one with `recupero models train`", name=name, missing=missing
        )
    with database.transaction(scope) as session:
        table = read_features(session, clock.now())
    if not len(table):
        raise UserError("there are no open accounts to score", field="tenant")
    old = serving.predict(serving.load(key, champion), table)
    new = serving.predict(serving.load(key, challenger), table)
    top = max(1, len(table) // 10)
    best = [set(np.argsort(-score, kind="stable")[:top].tolist()) for score in (old, new)]
    flat = min(old.std(), new.std()) == 0
    return Shadow(
        name, champion.version, challenger.version, len(table), float(old.mean()), float(new.mean()),
        0.0 if flat else float(np.corrcoef(old, new)[0, 1]), metrics.stability_index(old, new),
        len(best[0] & best[1]) / top,
    )  # fmt: skip
