"""Chances of each outcome of an option: three learners over the three vectors, blended as data prefer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recupero_next_action import ranking
from recupero_next_action.earlier import EarlierThrough
from recupero_next_action.learners import (
    KINDS,
    LEAST_OF_RARE,
    Heard,
    Learned,
    Through,
    as_text,
    held_contacts,
    learn,
    logit,
    sigmoid,
)
from recupero_sdk.logistic import ridge
from recupero_sdk.models import Columns, Reason, Training, at_most, check_enough, strongest

MIN_ROWS, MIN_OF_EACH = 300, 30
REACHED, READ, HARM = "reached", "read", "harm"
FORMAT = 3
FOLDS = 3
STRAIGHT = ("through", "contacts")


@dataclass(frozen=True)
class Outcome:
    """One outcome: what was learned (None: too rare, `share` for all), the blend, and the curve through its
    log-odds (slope and intercept, Platt 1999)."""

    share: float
    learned: Learned | None = None
    blend: str = "trees"
    slope: float = 1.0
    intercept: float = 0.0

    def chance(self, matrix: Any) -> Any:
        """One probability per row."""
        if self.learned is None:
            return np.full(len(matrix), self.share)
        odds = self.learned.odds(matrix, ranking.BLENDS[self.blend])
        return sigmoid(self.slope * ranking.blended(odds, self.blend) + self.intercept)


@dataclass(frozen=True)
class Fitted:
    """Outcomes by name; `names` is the order of the columns."""

    names: tuple[str, ...]
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True)
class NextAction:
    """Gradient boosting and regressions over debtor, assistant and action. Takes every column it is given."""

    key: str = "next_action"
    outcomes: Sequence[str] = ("paid", "harm", "reached")

    def train(
        self,
        columns: Columns,
        outcomes: Mapping[str, Any],
        *,
        propensity: Any = None,
        groups: Any = None,
        seed: int = 0,
    ) -> Training:
        """Fit each outcome; of the first, the blend whose ranking is worth most on people it never saw.

        Raises ValueError below 300 rows, or below 30 of either value of the first outcome.
        """
        names, matrix = tuple(columns.values), columns.matrix(tuple(columns.values))
        chances = np.ones(columns.rows) if propensity is None else np.asarray(propensity, dtype=float)
        fold = _folds(columns.rows, groups, seed)
        fitted, metrics, said = dict[str, Outcome](), dict[str, float](), dict[str, str]()
        for name in self.outcomes:
            if name not in outcomes:
                continue
            y = np.asarray(outcomes[name], dtype=float)
            if len(y) != columns.rows:
                raise ValueError(f"{name} has {len(y)} values for {columns.rows} rows")
            known = ~np.isnan(y)
            first = name == self.outcomes[0]
            if first:
                check_enough(int(known.sum()), y[known], MIN_ROWS, MIN_OF_EACH)
            heard = _heard(outcomes, known) if first else None
            told = _one(
                matrix[known], y[known], chances[known], fold[known], names, seed, ranks=first, heard=heard
            )
            fitted[name] = told[0] if name != HARM else _cautious(told[0], matrix[known], y[known], names)
            metrics |= {f"{name}_{key}": value for key, value in told[1].items()}
            said[f"{name}_blend"] = told[0].blend if told[0].learned else "its share"
        if self.outcomes[0] not in fitted:
            raise ValueError(f"the outcome {self.outcomes[0]} is missing: 0 values of it were given")
        return Training(Fitted(names, fitted), {"rows": float(columns.rows), **metrics}, said)

    def predict(
        self, fitted: Fitted, columns: Columns, outcomes: Sequence[str] | None = None
    ) -> Mapping[str, Any]:
        """Per outcome asked for one probability per row, in row order."""
        matrix = columns.matrix(fitted.names)
        asked = {name: each for name, each in fitted.outcomes.items() if outcomes is None or name in outcomes}
        if not columns.rows:
            return {name: np.empty(0) for name in asked}
        return {name: outcome.chance(matrix) for name, outcome in asked.items()}

    def explain(self, fitted: Fitted, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """What moved the log-odds of the first outcome most, along the paths through its trees."""
        from recupero_sdk.trees import contributions

        matrix = columns.matrix(fitted.names)
        learned = fitted.outcomes[self.outcomes[0]].learned
        if learned is None or not columns.rows:
            return [[] for _ in range(columns.rows)]
        parts = contributions(learned.trees, matrix)
        return strongest(fitted.names, matrix, parts, top)

    def dump(self, fitted: Fitted) -> bytes:
        """JSON: names, numbers, and the trees as LightGBM's own text."""
        kept = {
            name: {
                "share": each.share, "blend": each.blend, "slope": each.slope, "intercept": each.intercept,
                "learned": each.learned.to_json() if each.learned else None,
            }
            for name, each in fitted.outcomes.items()
        }  # fmt: skip
        earlier = any(
            each.learned is not None and isinstance(each.learned.through, EarlierThrough)
            for each in fitted.outcomes.values()
        )
        return as_text({"format": 1 if earlier else FORMAT, "names": fitted.names, "outcomes": kept})

    def load(self, blob: bytes) -> Fitted:
        """The inverse of `dump`. Raises ValueError on anything else."""
        content = json.loads(blob)
        if content.get("format") not in (1, 2, FORMAT):
            raise ValueError("this is not a dumped next_action model of format 1 to 3")
        way = EarlierThrough if content["format"] == 1 else Through
        kept = {
            name: Outcome(
                each["share"],
                Learned.of_json(each["learned"], way) if each["learned"] else None,
                each["blend"],
                each["slope"], each["intercept"],
            )
            for name, each in content["outcomes"].items()
        }  # fmt: skip
        return Fitted(tuple(content["names"]), kept)


def _cautious(found: Outcome, matrix: Any, y: Any, names: Sequence[str]) -> Outcome:
    """Harm at the upper end of what its cases allow, so that little known is no licence to press: where there
    are too few for anything, its share grows with the contacts lately as is held."""
    if found.learned is None:
        contacts = held_contacts(matrix, y, names)
        found = Outcome(found.share, Learned(contacts=contacts), "contacts") if contacts else found
    more = float(np.log(at_most(float(y.sum())) / max(float(y.sum()), 0.5)))
    return replace(found, intercept=found.intercept + more)


def _heard(outcomes: Mapping[str, Any], known: Any) -> Heard | None:
    """Who was reached and who read, of the rows whose payment is known; None where that is not told."""
    if REACHED not in outcomes:
        return None
    reached = np.asarray(outcomes[REACHED], dtype=float)
    read = np.asarray(outcomes.get(READ, np.full(len(reached), np.nan)), dtype=float)
    return Heard(reached, read).of(known)


def _one(
    matrix: Any,
    y: Any,
    propensity: Any,
    fold: Any,
    names: Sequence[str],
    seed: int,
    *,
    ranks: bool,
    heard: Heard | None = None,
) -> tuple[Outcome, dict[str, float]]:
    """One outcome fitted, with its figures on people that each model never saw."""
    share = (float(y.sum()) + 0.5) / (len(y) + 1)
    least = MIN_OF_EACH if ranks else LEAST_OF_RARE
    if min(y.sum(), len(y) - y.sum()) < least:
        return Outcome(share), {"share": share}
    found = ranking.arms(matrix, names) if ranks else None
    own, by_arm = _unseen(matrix, y, fold, names, seed, found, ranks=ranks, heard=heard)
    worth = ranking.values(found, by_arm, y, propensity) if found else {}
    losses = {name: _loss(y, ranking.blended(own, name)) for name in ranking.blends(own)}
    if not losses:
        return Outcome(share), {"share": share}
    best = ranking.chosen(worth) if worth else min(losses, key=lambda name: losses[name])
    # Ways whose every part is a share or a line of its own need no curve, which would pull at what they add.
    slope, intercept = (1.0, 0.0) if best in STRAIGHT else _platt(ranking.blended(own, best), y)
    figures = {"log_loss": _loss(y, slope * ranking.blended(own, best) + intercept), "share": share}
    figures |= {f"value_{name.replace('+', '_')}": 1000 * float(rows.mean()) for name, rows in worth.items()}
    learned = learn(matrix, y, names, seed, ranks=ranks, heard=heard)
    return Outcome(share, learned, best, slope, intercept), figures


def _unseen(
    matrix: Any,
    y: Any,
    fold: Any,
    names: Sequence[str],
    seed: int,
    found: ranking.Arms | None,
    *,
    ranks: bool,
    heard: Heard | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Log-odds of each row as it was, and as under each arm, by learners that never saw its person; those
    that each fold could fit."""
    own = {kind: np.full(len(y), np.nan) for kind in KINDS}
    by_arm = [{kind: np.zeros(len(y)) for kind in KINDS} for _ in range(len(found) if found else 0)]
    for each in np.unique(fold):
        asked = fold == each
        others = heard.of(~asked) if heard else None
        learned = learn(matrix[~asked], y[~asked], names, seed, ranks=ranks, heard=others)
        for kind, odds in learned.odds(matrix[asked]).items():
            own[kind][asked] = odds
        for arm, kept in enumerate(by_arm):
            assert found is not None
            for kind, odds in learned.odds(found.asked(matrix[asked], arm)).items():
                kept[kind][asked] = odds
    there = [kind for kind, odds in own.items() if not np.isnan(odds).any()]
    return {kind: own[kind] for kind in there}, [{kind: arm[kind] for kind in there} for arm in by_arm]


def _platt(odds: Any, y: Any) -> tuple[float, float]:
    """Slope and intercept of a logistic curve through log-odds of unseen rows; never a falling one."""
    slope, intercept = ridge(odds[:, None], y, np.array([1e-6]))
    return (float(slope[0]), intercept) if slope[0] > 0.05 else (0.05, float(logit(y.mean())))


def _loss(y: Any, odds: Any) -> float:
    return float(np.mean(np.logaddexp(0, odds) - y * odds))


def _folds(rows: int, groups: Any, seed: int) -> Any:
    """A fold per row, one for all rows of a group."""
    rng = np.random.default_rng(seed)
    if groups is None:
        return rng.permutation(rows) % FOLDS
    _people, place = np.unique(np.asarray(groups), return_inverse=True)
    return (rng.permutation(int(place.max()) + 1 if rows else 0) % FOLDS)[place]
