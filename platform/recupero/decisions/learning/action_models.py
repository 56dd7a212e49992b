"""Training of models of actions: every installed kind on the same experience, the better one is registered.

Each kind learns from the people of the training share what came of a decision while it stood alone
(`experience.OWN`) and is judged on those held out: by the log-loss of a payment, and by the doubly robust
value of choosing by it, channel for channel, where the log supports that. The value decides where its
difference is proven, else the log-loss where that is, else the first kind stays. The winner is fitted on
all rows and registered under one name, whichever plug-in it is; as champion where there is none, else as
challenger with what it wins over the champion on the same rows. With several tenants in scope it is the
agency's, pooled over them, which serves a new tenant from its first day; a tenant's own stands above it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history import experience, feature_list, vectors
from recupero.decisions.history.experience import NAMES, OWN, Experience
from recupero.decisions.learning import (
    card,
    contest,
    drift,
    examining,
    gains,
    models,
    plots,
    registry,
    run_uplift,
    valuing,
)
from recupero.decisions.learning.models import Trained, Won
from recupero.decisions.learning.registry import Finished, Version
from recupero.decisions.learning.valuing import KIND, PAID, Served
from recupero.decisions.measures import metrics, offpolicy
from recupero.decisions.measures.offpolicy import Logged
from recupero.kernel import clock, runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import NotFound, UserError
from recupero_sdk.models import ActionModel, Columns, Training

log = logging.getLogger(__name__)

LEAST_HELD = 50
LIKELIEST = 0.999
#: Decisions of a channel from which its usual option is known.
LEAST_USED = 20


@dataclass(frozen=True)
class Judged:
    """A kind's figures on the people held out, its chances of a payment there, and the policy by it."""

    kind: ActionModel
    metrics: Mapping[str, float]
    paid: Floats
    policy: Logged | None
    uplift: str  # the note of it


def train(
    database: Database, scope: Scope, key: str = KIND, *, at: datetime | None = None, seed: int = 0
) -> Trained:
    """Train on the decisions of the tenants in scope up to `at` and register the better kind.

    `key` `next_action` tries every installed kind; another key names the only one. Raises UserError where
    there is too little history to learn from: nothing is registered then.
    """
    began, at = time.perf_counter(), at or clock.now()
    kinds, name = _kinds(key), models.name_for(database, scope, KIND)
    try:
        with database.transaction(scope) as session:
            data = experience.build(session, at)
        judged = [_judge(kind, data, seed) for kind in kinds]
        best, why = _better(judged, data, seed)
        training = _fit(best.kind, data, data.counts, seed)
    except ValueError as error:
        raise UserError(
            "%(name)s cannot be trained: %(why)s", field="history", name=name, why=error
        ) from error
    champion = registry.incumbent(scope, name)
    won = _over_champion(champion, best.kind, data, seed)
    figures = {**best.metrics, **_others(judged, best), **won.metrics}
    with database.transaction(scope) as session:
        told = _told(session, best, data, training, seed)
    made = registry.register(name, _finished(best, data, training, figures, why, won, told), champion)
    alias = models.enlist(database, scope, made, champion)
    seconds = round(time.perf_counter() - began, 2)
    log.info("trained %s version %s (%s) as %s in %s s", name, made.version, best.kind.key, alias, seconds)
    return Trained(name, made.version, alias, figures, data.split, seconds)


def _kinds(key: str) -> list[ActionModel]:
    installed = runtime.current().plugins.actions
    if key != KIND and key in installed:
        return [installed[key]]
    if key != KIND or not installed:
        raise NotFound(
            "no plug-in brings the model '%(kind)s'; installed: %(known)s",
            kind=key, known=", ".join(sorted(installed)) or "-",
        )  # fmt: skip
    return [installed[each] for each in sorted(installed)]


def _fit(kind: ActionModel, data: Experience, mask: Any, seed: int) -> Training:
    outcomes = {name: data.outcomes[own][mask] for name, own in OWN.items()}
    return kind.train(
        _columns(data, mask), outcomes, propensity=data.propensity[mask], groups=data.person_id[mask],
        seed=seed,
    )  # fmt: skip


def _columns(data: Experience, mask: Any) -> Columns:
    return Columns({name: data.values[name][mask] for name in NAMES}, int(mask.sum()))


def _judge(kind: ActionModel, data: Experience, seed: int) -> Judged:
    """The kind trained on the one share of the people and asked about the other."""
    if data.holdout.sum() < LEAST_HELD:
        held = int(data.holdout.sum())
        raise ValueError(f"{held} decisions to judge by are too few: {LEAST_HELD} are needed")
    fitted = _fit(kind, data, data.train, seed).fitted
    served = Served(kind, fitted, NAMES, kind.key, "new")
    values = {name: column[data.holdout] for name, column in data.values.items()}
    answer = served.outcomes(values, int(data.holdout.sum()))
    target = data.outcomes[OWN[PAID]][data.holdout]
    figures = {f"holdout_{name}": value for name, value in metrics.summary(answer[PAID], target).items()}
    figures["train_rows"] = float(data.train.sum())
    policy, waiting = _policy(served, data, np.flatnonzero(data.holdout), data.train)
    apart, uplift = run_uplift.of_choices(policy, waiting)
    figures |= apart
    if policy is not None:
        found = offpolicy.estimate(policy)
        figures |= {
            "policy_value": found.best.value, "policy_value_low": found.best.low,
            "policy_value_high": found.best.high, "policy_ess": found.ess,
            "logged_value": float(target.mean()),
        }  # fmt: skip
    return Judged(kind, figures, answer[PAID], policy, uplift)


def _policy(
    served: Served, data: Experience, rows: Ints, learned: Any
) -> tuple[Logged | None, Logged | None]:
    """Decisions on people whom it did not learn from (`learned`: the rows it did) as a log, asked for the
    share who pay by the model's choice of channels, and for that by waiting alone. None where the log does
    not support an answer."""
    chances = by_channel(served, data, rows, learned)
    if chances is None:
        return None, None
    agrees, propensity, best = by_choice(chances, data, rows)
    place, logged, people = np.arange(len(rows)), data.channel[rows], data.person_id[rows]
    paid, modelled = data.outcomes[OWN[PAID]][rows], np.nan_to_num(chances[place, logged])
    asked = Logged(people, paid, agrees, propensity, chances[place, best], modelled, best)
    waits = (logged == 0).astype(np.float64)
    waiting = Logged(people, paid, waits, data.propensity[rows], np.nan_to_num(chances[:, 0]), modelled)
    return asked if offpolicy.effective(asked.weights) >= offpolicy.LEAST_ESS else None, waiting


def by_choice(chances: Floats, data: Experience, rows: Ints) -> tuple[Floats, Floats, Ints]:
    """Whether each person was contacted as the model would, the probability of it, and the model's channel.

    The chance of a channel is that of its logged option; several moments of it make it too small, so weights
    are made to average 1. What was not certain does not become so by that.
    """
    known = np.asarray(~np.isnan(chances).all(axis=0), dtype=bool).reshape(-1)
    best: Ints = np.nanargmax(np.where(known, chances, -1.0), axis=1).astype(np.int64)
    agrees = (best == data.channel[rows]).astype(np.float64)
    scale = float((agrees / data.propensity[rows]).mean()) or 1.0
    logged = data.propensity[rows]
    return agrees, np.where(logged < 1, np.minimum(logged * scale, LIKELIEST), logged), best


def by_channel(served: Served, data: Experience, rows: Ints, of: Any) -> Floats | None:
    """The chance of a payment of each person by each channel's usual option among the rows `of`: people ×
    channels, NaN of channels that were hardly used. None where there is none but one."""
    found = np.full((len(rows), len(experience.CHANNELS)), np.nan)
    options = [name for name in NAMES if name.startswith(("assistant_", "action_"))]
    for channel in range(len(experience.CHANNELS)):
        mine = of & (data.channel == channel)
        if mine.sum() < LEAST_USED:
            continue
        values = {name: data.values[name][rows] for name in NAMES}
        for name in options:
            column = data.values[name][mine]
            usual = float(np.median(column[~np.isnan(column)])) if (~np.isnan(column)).any() else np.nan
            if name != "action_days_since_contact":  # a state of the debtor, whatever is done
                values[name] = np.full(len(rows), usual)
        found[:, channel] = served.outcomes(values, len(rows))[PAID]
    return found if (~np.isnan(found)).any(axis=0).sum() > 1 else None


def _better(judged: list[Judged], data: Experience, seed: int) -> tuple[Judged, str]:
    """The kind to register, and why, in words."""
    best, why = judged[0], f"{judged[0].kind.key} is the only kind installed"
    for other in judged[1:]:
        best, why = _of_two(best, other, data, seed)
    return best, why


def _of_two(one: Judged, other: Judged, data: Experience, seed: int) -> tuple[Judged, str]:
    """The first stays where neither is proven to be better: few payments make either look so by chance."""
    names = f"{one.kind.key} and {other.kind.key}"
    apart = None
    if one.policy is not None and other.policy is not None:
        apart = offpolicy.difference(other.policy, one.policy)
    if apart is not None:
        words = (
            f"paid share {apart.value:+.4f} (95% interval {apart.low:.4f} to {apart.high:.4f}) of"
            f" {other.kind.key} over {one.kind.key} on held-out people"
        )
        if apart.low > 0 or apart.high < 0:
            return (other if apart.low > 0 else one), words
    losses = [each.metrics["holdout_log_loss"] for each in (one, other)]
    held = data.holdout
    saved = metrics.gain(other.paid, one.paid, data.outcomes[OWN[PAID]][held], data.person_id[held], seed)
    words = (
        f"log-loss on held-out people of {names}: {losses[0]:.5f} and {losses[1]:.5f}; the second saves"
        f" {saved['gain']:.5f} (90% interval {saved['gain_low']:.5f} to {saved['gain_high']:.5f})"
    )
    return (other if saved["gain_low"] > 0 else one), words


def _others(judged: list[Judged], best: Judged) -> dict[str, float]:
    """The figures of the kinds that were not chosen, under their own names."""
    return {
        f"{each.kind.key}_{name}": value
        for each in judged
        if each is not best
        for name, value in each.metrics.items()
    }


def _over_champion(champion: Version | None, kind: ActionModel, data: Experience, seed: int) -> Won:
    """What the kind wins over the champion, in its chances and by its choice of channels, on what has come
    since that learned: see `contest`."""
    if champion is None:
        return Won("there is none yet.")
    target = data.outcomes[OWN[PAID]]
    held = contest.against(champion, data.person_id, data.moment, target, data.counts)
    if held is None:
        words = f"too little has come of decisions later than version {champion.version} learned from."
        return Won(
            words, notes={registry.CHOICES: registry.UNSUPPORTED, registry.SHADOWED: registry.TOO_SOON}
        )
    new, rows = Served(kind, _fit(kind, data, held.train, seed).fitted, NAMES, kind.key, "new"), held.rows
    try:
        both = (new, valuing.load(champion))
        answers = [each.outcomes(data.at(rows), len(rows))[PAID] for each in both]
        policies = [_policy(each, data, rows, held.train)[0] for each in both]
    except Exception:
        log.exception("champion %s cannot be scored", champion.name)
        return Won(f"version {champion.version} could not be scored.")
    by_choices, how = gains.of_policies(*policies)
    figures = contest.in_shadow(answers, target[rows], data.person_id[rows], seed)
    return Won(contest.told(figures, champion), {**figures, **by_choices}, {registry.CHOICES: how})


def _told(session: Session, best: Judged, data: Experience, training: Training, seed: int) -> dict[str, str]:
    """What the run tells beside its figures: groups, growth with data, where the rows lay, and a picture."""
    held = data.holdout
    target = data.outcomes[OWN[PAID]][held]
    at = datetime.fromtimestamp(float(data.moment.max()), clock.now().tzinfo)
    groups = examining.fairness(session, data.account_id[held], best.paid, target, at)
    curve, grown = metrics.calibration_curve(best.paid, target), _grown(best, data, seed)
    served = Served(best.kind, training.fitted, NAMES, best.kind.key, "new")
    debtors = {name: data.values[name] for name in feature_list.NAMES}
    return {
        "calibration.json": json.dumps(curve), "fairness.json": json.dumps(groups),
        "learning.json": json.dumps(grown), "figures.svg": plots.figures(curve, grown),
        drift.PROFILE: drift.profile_of(debtors, served.outcomes(data.values, len(data))[PAID]),
    }  # fmt: skip


def _grown(best: Judged, data: Experience, seed: int) -> list[dict[str, float]]:
    """AUC and log-loss on the held-out people after learning from a part of the others, and from all."""
    held, rows = data.holdout, np.flatnonzero(data.train)
    target, found = data.outcomes[OWN[PAID]][held], []
    values = {name: column[held] for name, column in data.values.items()}
    for part in examining.PARTS:
        some = np.zeros(len(data), dtype=bool)
        some[rows[: round(len(rows) * part)]] = True
        try:
            fitted = _fit(best.kind, data, some, seed).fitted
        except ValueError:
            continue
        served = Served(best.kind, fitted, NAMES, best.kind.key, "new")
        score = served.outcomes(values, int(held.sum()))[PAID]
        found.append(examining.point(int(some.sum()), score, target))
    return [*found, examining.point(len(rows), best.paid, target)]


def _window(data: Experience) -> tuple[str, str]:
    """The days of the first and of the last decision that was learned from."""
    first, last = (
        datetime.fromtimestamp(each, clock.now().tzinfo).date().isoformat()
        for each in (data.moment.min(), data.moment.max())
    )
    return first, last


def _finished(
    best: Judged,
    data: Experience,
    training: Training,
    figures: Mapping[str, float],
    why: str,
    won: Won,
    told: Mapping[str, str],
) -> Finished:
    window, words = _window(data), f"{won.words} **Chosen because:** {why}."
    found = {**figures, **{f"fit_{name}": value for name, value in training.metrics.items()}}
    return Finished(
        kind=best.kind.key, blob=best.kind.dump(training.fitted), features=NAMES, metrics=found,
        parameters={**training.parameters, "kind": best.kind.key},
        notes={"split": data.split, registry.WINDOW_FROM: window[0], registry.WINDOW_TO: window[1],
               "chosen": why, run_uplift.UPLIFT: best.uplift, **won.notes},
        texts={**told, "card.md": _card(best, data, found, training, words, told)},
    )  # fmt: skip


def _card(
    best: Judged,
    data: Experience,
    figures: Mapping[str, float],
    training: Training,
    against: str,
    told: Mapping[str, str],
) -> str:
    """What a compliance officer reads before saying yes to the model."""
    return card.write_card(
        f"{KIND} ({best.kind.key})",
        "The chance of a payment, of harm (a complaint or an opt-out) and of being reached for each lawful"
        " option of an account, waiting included. It ranks what the law permits; it never decides whether a"
        " contact is lawful, and a hold or an opt-out always stands above it.",
        features=(*feature_list.FEATURES, *vectors.ASSISTANT, *vectors.ACTION), split=data.split,
        window=_window(data), metrics=figures, curve=json.loads(told["calibration.json"]),
        parameters=training.parameters,
        against=against,
        uplift=run_uplift.told(figures, best.uplift), learning=json.loads(told["learning.json"]),
        fairness=json.loads(told["fairness.json"]),
    )  # fmt: skip
