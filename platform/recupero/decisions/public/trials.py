"""Choosing actions on rows nobody has seen, by a model of actions: whom first under a cap, and which action.

What production does, on any table: a kind of model learns from logged actions; whom to act on first is the
gain of the best action over waiting; the plan under a cap is the allocation's. Whether everybody gets the
action that suits them best, or all the same one, is decided by proof: on folds that no model saw the personal
choice has to bring more than the best single action over the whole 95 % interval. Else the single one is
taken and the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.measures import offpolicy
from recupero.decisions.measures.offpolicy import Estimate, Logged
from recupero.decisions.planning.allocation import Options, allocate
from recupero_sdk.models import ActionModel, Columns

FOLDS = 3
SEED = 0


@dataclass(frozen=True)
class Trial:
    """Logged actions: the people's columns, the arm each had (0: none), its probability and what came of it.
    `arms` has the action columns of each arm, the first being nothing."""

    people: Mapping[str, Floats]
    arms: Sequence[Mapping[str, float]]
    arm: Ints
    propensity: Floats
    outcome: Floats

    def __len__(self) -> int:
        return len(self.arm)

    def take(self, rows: Ints) -> Trial:
        """Some of the people."""
        people = {name: column[rows] for name, column in self.people.items()}
        return Trial(people, self.arms, self.arm[rows], self.propensity[rows], self.outcome[rows])


def columns(people: Mapping[str, Floats], actions: Sequence[Mapping[str, float]], arm: Ints) -> Columns:
    """The people with the action columns of the arm of each."""
    told = {name: np.array([each[name] for each in actions])[arm] for name in actions[0]}
    return Columns({**people, **told}, len(arm))


@dataclass(frozen=True)
class Learned:
    """A fitted model with what was decided about it."""

    kind: ActionModel
    fitted: Any
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    personal: bool
    single: int
    proof: Estimate | None  # personal over single, per person, on unseen folds; too few to tell

    def chances(self, people: Mapping[str, Floats], arms: Sequence[Mapping[str, float]]) -> Floats:
        """The chance of the outcome under each arm: people × arms."""
        return _chances(self.kind, self.fitted, people, arms)

    def choice(self, chances: Floats) -> Ints:
        """The arm of each person, without a cap."""
        return _best(chances) if self.personal else np.full(len(chances), self.single, dtype=np.int64)

    def said(self) -> str:
        """What was found, in words."""
        if self.proof is None:
            return (
                "no proof that a choice by person brings more than the best single action (they differ for"
                " too few people with an outcome): all who are acted on get that one"
            )
        proof = f"{1000 * self.proof.value:.2f} per 1,000 (95% interval {1000 * self.proof.low:.2f} to"
        proof += f" {1000 * self.proof.high:.2f}) on folds that no model saw"
        if self.personal:
            return f"each gets the action that suits best: over the best single action it brings {proof}"
        return (
            f"no proof that a choice by person brings more than the best single action ({proof}):"
            " all who are acted on get that one"
        )


def learn(kind: ActionModel, trial: Trial) -> Learned:
    """Fit on the whole trial, after deciding on its folds how actions are chosen."""
    fold = offpolicy.folds(np.arange(len(trial)), FOLDS)
    unseen = np.empty((len(trial), len(trial.arms)))
    for each in range(FOLDS):
        asked = np.flatnonzero(fold == each)
        rest = trial.take(np.flatnonzero(fold != each))
        fitted = _fit(kind, rest).fitted
        unseen[asked] = _chances(kind, fitted, trial.take(asked).people, trial.arms)
    usual = [float(robust(trial, np.full(len(trial), arm), unseen).value) for arm in range(len(trial.arms))]
    single = int(np.argmax(usual))
    proof = offpolicy.difference(
        logged(trial, _best(unseen), unseen), logged(trial, np.full(len(trial), single), unseen)
    )
    training = _fit(kind, trial)
    personal = proof is not None and proof.low > 0
    return Learned(kind, training.fitted, training.parameters, training.metrics, personal, single, proof)


def _fit(kind: ActionModel, trial: Trial) -> Any:
    given = columns(trial.people, trial.arms, trial.arm)
    return kind.train(given, {kind.outcomes[0]: trial.outcome}, propensity=trial.propensity, seed=SEED)


def _chances(
    kind: ActionModel, fitted: Any, people: Mapping[str, Floats], arms: Sequence[Mapping[str, float]]
) -> Floats:
    rows = len(next(iter(people.values())))
    found = [
        kind.predict(fitted, columns(people, arms, np.full(rows, arm, dtype=np.int64)))[kind.outcomes[0]]
        for arm in range(len(arms))
    ]
    return np.stack([np.asarray(column, dtype=np.float64) for column in found], axis=1)


def _best(chances: Floats) -> Ints:
    return np.asarray(chances.argmax(axis=1), dtype=np.int64)


def under_cap(gain: Floats, most: int) -> Ints:
    """Places of those acted on: at most so many, by the allocation that plans use."""
    people = np.arange(len(gain))
    options = Options(people, gain, np.zeros((len(gain), 1), dtype=np.int64), np.ones((len(gain), 1)))
    chosen = allocate(options, np.array([float(most)])).chosen
    return np.flatnonzero(chosen >= 0)


def logged(trial: Trial, choice: Ints, chances: Floats) -> Logged:
    """The trial as a log that is asked about a choice of arms."""
    rows = np.arange(len(trial))
    return Logged(
        rows, trial.outcome, (trial.arm == choice).astype(np.float64), trial.propensity,
        chances[rows, choice], chances[rows, trial.arm],
    )  # fmt: skip


def robust(trial: Trial, choice: Ints, chances: Floats) -> Estimate:
    """The doubly robust value of a choice of arms, per person."""
    return offpolicy.estimate(logged(trial, choice, chances)).best
