"""The learners: each answers log-odds of an outcome for options, and is kept as plain numbers and text.

`response` says who pays at all, whatever is done, and adds what the action does on top: no interaction, so
that those who pay anyway come first. `products` is a logistic regression with the products of debtor and
action columns. `trees` is gradient boosting over all columns, where every split below one on the action is an
interaction. The first is plain and hard to beat where effects are small; data choose among them (`ranking`).

`through` goes by way of who is reached: P(paid) = P(reached) P(paid | reached) + P(not) P(paid unasked). A
contact moves only whom it reaches, and many more are reached than pay, so that what a contact adds is known
far sooner than from payments alone. It needs rows that say who was reached, and is better where they say
who has read. `contacts` is for what contacts bring on themselves, harm: a line held to a prior, for which a
handful of cases suffices.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recupero_next_action.lines import (
    HOURS,
    Line,
    Pressure,
    draw_line,
    draw_pressure,
    held_pressure,
    is_option,
)
from recupero_sdk.logistic import ridge
from recupero_sdk.models import ACTION

EDGE = 1e-6
RIDGE = 30.0  # in rows: how strongly coefficients are held back
MOST_ROWS = 60_000  # for the regressions; more change little
MOST_DEBTOR, MOST_ACTION = 12, 10  # columns that enter products
ROUNDS = 120
LEAST_LEAF, MOST_LEAF = 60, 300  # rows in a leaf: a hundredth of all within these
KINDS = ("through", "response", "products", "trees", "contacts")
LEAST_OF_EACH = 30  # rows of either value from which `through` and trees are learned
LEAST_OF_RARE = 5  # from which harm of contacts is, by a few columns held to a prior


def sigmoid(odds: Any) -> Any:
    """Probability of log-odds."""
    return 1 / (1 + np.exp(-np.clip(odds, -30, 30)))


def logit(chance: Any) -> Any:
    """Log-odds of a probability."""
    chance = np.clip(chance, EDGE, 1 - EDGE)
    return np.log(chance / (1 - chance))


@dataclass(frozen=True)
class Linear:
    """A logistic regression over scaled columns and products of pairs of them. `offset`: what is added to
    its log-odds comes from elsewhere."""

    places: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    middle: Any
    spread: Any
    weights: Any
    intercept: float

    def odds(self, matrix: Any) -> Any:
        """Log-odds of each row, without the offset."""
        design = _design(matrix, self.places, self.pairs, self.middle, self.spread)
        return design @ self.weights + self.intercept

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "places": self.places, "pairs": self.pairs, "middle": self.middle.tolist(),
            "spread": self.spread.tolist(), "weights": self.weights.tolist(), "intercept": self.intercept,
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Linear:
        """The inverse of `to_json`."""
        pairs = tuple((one, other) for one, other in kept["pairs"])
        arrays = [np.array(kept[name]) for name in ("middle", "spread", "weights")]
        return cls(tuple(kept["places"]), pairs, *arrays, kept["intercept"])


def fit_linear(
    matrix: Any, y: Any, places: Sequence[int], pairs: Sequence[tuple[int, int]], offset: Any = None
) -> Linear:
    """Ridge logistic regression by Newton's steps; unknown values count as the column's mean."""
    step = max(1, len(y) // MOST_ROWS)
    matrix, y = matrix[::step], y[::step]
    base = np.zeros(len(y)) if offset is None else offset[::step]
    with np.errstate(all="ignore"):
        known = ~np.isnan(matrix)
        count = np.maximum(known.sum(axis=0), 1)
        middle = np.where(known, matrix, 0).sum(axis=0) / count
        spread = np.sqrt(np.where(known, (matrix - middle) ** 2, 0).sum(axis=0) / count)
    spread = np.where(spread > 1e-9, spread, 1.0)
    design = _design(matrix, places, pairs, middle, spread)
    weights, intercept = ridge(design, y, np.full(design.shape[1], RIDGE), beforehand=base)
    return Linear(tuple(places), tuple(pairs), middle, spread, weights, intercept)


def _design(
    matrix: Any, places: Sequence[int], pairs: Sequence[tuple[int, int]], middle: Any, spread: Any
) -> Any:
    scaled = (matrix - middle) / spread
    scaled = np.clip(np.where(np.isnan(scaled), 0.0, scaled), -5, 5)
    parts = [scaled[:, list(places)]]
    if pairs:
        first, second = (list(side) for side in zip(*pairs, strict=True))
        parts.append(scaled[:, first] * scaled[:, second])
    return np.column_stack(parts)


@dataclass(frozen=True)
class Plain:
    """A booster over the debtor's columns, and what the action does on top of its log-odds."""

    trees: Any
    debtor: tuple[int, ...]
    on_top: Linear

    def odds(self, matrix: Any) -> Any:
        """Log-odds of each row."""
        response = self.trees.predict(matrix[:, list(self.debtor)], raw_score=True, num_threads=1)
        return response + self.on_top.odds(matrix)

    def to_json(self) -> dict[str, Any]:
        """JSON types; trees are LightGBM's own text."""
        return {
            "trees": self.trees.model_to_string(), "debtor": self.debtor, "on_top": self.on_top.to_json()
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Plain:
        """The inverse of `to_json`."""
        return cls(load_trees(kept["trees"]), tuple(kept["debtor"]), Linear.of_json(kept["on_top"]))


@dataclass(frozen=True)
class Through:
    """Who is reached by a contact, who pays of those, and who pays unasked. What a contact adds is the chance
    of reaching times how much likelier those reached pay; waiting, and a contact that reaches nobody, are one
    and the same, so that the few payments of both are known together.

    Where a channel tells who `read`, several times as many are known to have read as to have been reached,
    and P(reached) = P(read) P(reached | read): habits and the hour are learned by who reads, the rest by
    `reach`. What was read is held to move whom it reaches alike at every hour."""

    flags: tuple[int, ...]
    reach: Line
    reached: Line
    unasked: float
    read: Line | None = None

    def odds(self, matrix: Any) -> Any:
        """Log-odds of each row."""
        acts = acting(matrix, self.flags)
        chance = np.full(len(matrix), self.unasked)
        if acts.any():
            asked = matrix[acts]
            pays = sigmoid(self.reached.odds(asked))
            reach = self.reach.odds(asked) + (0.0 if self.read is None else _read_log(self.read, asked))
            chance[acts] += sigmoid(reach) * (pays - self.unasked)
        return logit(chance)

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "flags": self.flags, "reach": self.reach.to_json(), "reached": self.reached.to_json(),
            "unasked": self.unasked, "read": self.read.to_json() if self.read else None,
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Through:
        """The inverse of `to_json`."""
        lines = (Line.of_json(kept[part]) for part in ("reach", "reached"))
        read = Line.of_json(kept["read"]) if kept.get("read") else None
        return cls(tuple(kept["flags"]), *lines, kept["unasked"], read)


@dataclass(frozen=True)
class Heard:
    """Of each row whether the contact `reached` its debtor and whether it was `read`; NaN where that is not
    known."""

    reached: Any
    read: Any

    def of(self, rows: Any) -> Heard:
        """Of some of the rows."""
        return Heard(self.reached[rows], self.read[rows])


@dataclass(frozen=True)
class Contacts:
    """An outcome that contacts bring on themselves, and its share where nothing is done."""

    contact: Pressure
    waiting: float

    def odds(self, matrix: Any) -> Any:
        """Log-odds of each row."""
        acts = acting(matrix, self.contact.flags)
        found = np.full(len(matrix), float(logit(self.waiting)))
        if acts.any():
            found[acts] = self.contact.odds(matrix[acts])
        return found

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {"contact": self.contact.to_json(), "waiting": self.waiting}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Contacts:
        """The inverse of `to_json`."""
        return cls(Pressure.of_json(kept["contact"]), kept["waiting"])


@dataclass(frozen=True)
class Learned:
    """The learners of one outcome; of one that ranks nothing there are the trees and `contacts`, or, where it
    is rare, the latter alone."""

    trees: Any = None
    response: Plain | None = None
    products: Linear | None = None
    through: Any = None  # Through, or that of an earlier format
    contacts: Contacts | None = None

    def odds(self, matrix: Any, kinds: Sequence[str] = KINDS) -> dict[str, Any]:
        """Log-odds of each row by each of the learners asked for that are there."""
        found = dict[str, Any]()
        for kind in kinds:
            learner = getattr(self, kind)
            if learner is not None:
                found[kind] = learner.odds(matrix) if kind != "trees" else _raw(learner, matrix)
        return found

    def to_json(self) -> dict[str, Any]:
        """JSON types; trees are LightGBM's own text."""
        linear = {name: getattr(self, name) for name in ("products", "response", "through", "contacts")}
        return {
            "trees": self.trees.model_to_string() if self.trees else None,
            **{name: each.to_json() if each else None for name, each in linear.items()},
        }

    @classmethod
    def of_json(cls, kept: dict[str, Any], through: Any = Through) -> Learned:
        """The inverse of `to_json`; `through` is the kind of way that the dump has."""

        def read(name: str, kind: Any) -> Any:
            return kind(kept[name]) if kept.get(name) else None

        return cls(
            read("trees", load_trees), read("response", Plain.of_json), read("products", Linear.of_json),
            read("through", through.of_json), read("contacts", Contacts.of_json),
        )  # fmt: skip


def _raw(trees: Any, matrix: Any) -> Any:
    return trees.predict(matrix, raw_score=True, num_threads=1)


def learn(
    matrix: Any, y: Any, names: Sequence[str], seed: int, *, ranks: bool = True, heard: Heard | None = None
) -> Learned:
    """Fit all on the same rows, or trees and `contacts` for an outcome that `ranks` nothing; `through` where
    it is told who was `heard` of and enough were reached."""
    flags = [p for p, name in enumerate(names) if name.startswith(ACTION) and _flag(matrix[:, p])]
    trees = grow(matrix, y, seed) if ranks or _enough(y) else None
    if not ranks:
        return Learned(trees, contacts=_contacts(matrix, y, names, flags))
    debtor = [place for place, name in enumerate(names) if not is_option(name)]
    options = [place for place, name in enumerate(names) if is_option(name)]
    plain = _plain(matrix, y, debtor, options, seed)
    gain = np.array(plain.trees.feature_importance("gain"))
    matter = np.argsort(-gain, kind="stable")[:MOST_DEBTOR]
    spread = np.nan_to_num(np.nanstd(np.where(np.isnan(matrix), 0.0, matrix), axis=0))
    telling = [place for place in options if spread[place] > 0 and _flag(matrix[:, place])]
    telling.sort(key=lambda place: (-spread[place], place))
    pairs = [(debtor[each], place) for each in sorted(matter) for place in sorted(telling[:MOST_ACTION])]
    way = None if heard is None else _through(matrix, y, heard, names, flags)
    return Learned(trees, plain, fit_linear(matrix, y, range(len(names)), pairs), way)


def _plain(matrix: Any, y: Any, debtor: Sequence[int], options: Sequence[int], seed: int) -> Plain:
    trees = grow(matrix[:, debtor], y, seed)
    offset = trees.predict(matrix[:, debtor], raw_score=True, num_threads=1)
    return Plain(trees, tuple(debtor), fit_linear(matrix, y, options, (), offset))


def _through(matrix: Any, y: Any, heard: Heard, names: Sequence[str], flags: Sequence[int]) -> Through | None:
    known = ~np.isnan(heard.reached)
    matrix, y, heard = matrix[known], y[known], heard.of(known)
    acts, found = acting(matrix, flags), heard.reached > 0
    came = acts & found
    if not _enough(found[acts]) or not acts.any():
        return None
    read = _read(matrix, heard.read, names, acts)
    beforehand, told = (None, ()) if read is None else (_read_log(read, matrix[acts]), HOURS)
    return Through(
        tuple(flags),
        draw_line(matrix[acts], found[acts].astype(float), names, beforehand=beforehand, left_out=told),
        draw_line(matrix[came], y[came], names, left_out=told, free=False), share_of(y[~came]), read,
    )  # fmt: skip


def _read(matrix: Any, read: Any, names: Sequence[str], acts: Any) -> Line | None:
    """Who reads what is sent; None where too few are known to."""
    told = acts & ~np.isnan(read)
    return draw_line(matrix[told], read[told], names) if _enough(read[told]) else None


def _read_log(read: Line, matrix: Any) -> Any:
    """What the chance of reading is to the log-odds of reaching: its factor, so its log."""
    return np.log(sigmoid(read.odds(matrix)))


def _contacts(matrix: Any, y: Any, names: Sequence[str], flags: Sequence[int]) -> Contacts | None:
    acts = acting(matrix, flags)
    if not (0 < np.sum(y[acts]) < np.sum(acts)):
        return None
    return Contacts(draw_pressure(matrix[acts], y[acts], names, flags), share_of(y[~acts]))


def held_contacts(matrix: Any, y: Any, names: Sequence[str]) -> Contacts | None:
    """Harm of contacts as it is held to be, at the share that was seen; None where nobody was contacted."""
    flags = [p for p, name in enumerate(names) if name.startswith(ACTION) and _flag(matrix[:, p])]
    acts = acting(matrix, flags)
    if not acts.any():
        return None
    return Contacts(held_pressure(matrix[acts], y[acts], names, flags), share_of(y[~acts]))


def share_of(y: Any) -> float:
    """The share of ones, never quite 0 or 1."""
    return (float(np.sum(y)) + 0.5) / (len(y) + 1)


def acting(matrix: Any, flags: Sequence[int]) -> Any:
    """The rows in which something is done."""
    return np.nan_to_num(matrix[:, list(flags)]).any(axis=1)


def _enough(y: Any) -> bool:
    return bool(min(np.sum(y), len(y) - np.sum(y)) >= LEAST_OF_EACH)


def _flag(column: Any) -> bool:
    return bool(np.isin(column[~np.isnan(column)], (0.0, 1.0)).all())


def grow(matrix: Any, y: Any, seed: int, rounds: int = ROUNDS) -> Any:
    """Gradient-boosted trees of the log-odds, small and held back: effects are small and noise is not."""
    import lightgbm

    if not matrix.shape[1]:
        matrix = np.zeros((len(y), 1))
    data = lightgbm.Dataset(matrix, y, params={"verbosity": -1})
    least = min(MOST_LEAF, max(LEAST_LEAF, len(y) // 100))
    return lightgbm.train({**_parameters(seed), "min_data_in_leaf": least}, data, num_boost_round=rounds)


def load_trees(text: str) -> Any:
    """A booster from LightGBM's text."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def _parameters(seed: int) -> dict[str, Any]:
    return {
        "objective": "binary", "learning_rate": 0.06, "num_leaves": 7,
        "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 20.0,
        "num_threads": 1, "deterministic": True, "force_col_wise": True, "seed": seed, "verbosity": -1,
        "feature_pre_filter": False,
    }  # fmt: skip


def as_text(content: dict[str, Any]) -> bytes:
    """JSON as bytes."""
    return json.dumps(content).encode()
