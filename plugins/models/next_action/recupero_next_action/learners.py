"""The learners: each answers log-odds of an outcome for options, and is kept as plain numbers and text.

`response` says who pays at all, whatever is done, and adds what the action does on top: no interaction, so
that those who pay anyway come first. `products` is a logistic regression with the products of debtor and
action columns. `trees` is gradient boosting over all columns, where every split below one on the action is an
interaction. The first is plain and hard to beat where effects are small; data choose among them (`ranking`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recupero_sdk.models import ACTION, ASSISTANT

EDGE = 1e-6
RIDGE = 30.0  # in rows: how strongly coefficients are held back
MOST_ROWS = 60_000  # for the regressions; more change little
MOST_DEBTOR, MOST_ACTION = 12, 10  # columns that enter products
ROUNDS = 120
LEAST_LEAF, MOST_LEAF = 60, 300  # rows in a leaf: a hundredth of all within these
KINDS = ("response", "products", "trees")


def is_option(name: str) -> bool:
    """Whether the column tells of the option and not of the debtor."""
    return name.startswith((ASSISTANT, ACTION))


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
    design = np.column_stack([design, np.ones(len(y))])
    weights = np.zeros(design.shape[1])
    penalty = np.full(design.shape[1], RIDGE)
    penalty[-1] = 1e-6
    for _ in range(12):
        chance = sigmoid(base + design @ weights)
        bend = np.maximum(chance * (1 - chance), 1e-4)
        slope = design.T @ (y - chance) - penalty * weights
        change = np.linalg.solve((design * bend[:, None]).T @ design + np.diag(penalty), slope)
        weights += np.clip(change, -4, 4)
        if np.abs(change).max() < 1e-6:
            break
    return Linear(tuple(places), tuple(pairs), middle, spread, weights[:-1], float(weights[-1]))


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


@dataclass(frozen=True)
class Learned:
    """The learners of one outcome; of one that ranks nothing there are the trees alone."""

    trees: Any
    response: Plain | None = None
    products: Linear | None = None

    def odds(self, matrix: Any, kinds: Sequence[str] = KINDS) -> dict[str, Any]:
        """Log-odds of each row by each of the learners asked for that are there."""
        found = dict[str, Any]()
        if self.response is not None and "response" in kinds:
            found["response"] = self.response.odds(matrix)
        if self.products is not None and "products" in kinds:
            found["products"] = self.products.odds(matrix)
        if "trees" in kinds:
            found["trees"] = self.trees.predict(matrix, raw_score=True, num_threads=1)
        return found

    def to_json(self) -> dict[str, Any]:
        """JSON types; trees are LightGBM's own text."""
        plain = self.response
        return {
            "trees": self.trees.model_to_string(),
            "products": self.products.to_json() if self.products else None,
            "response": None if plain is None else {
                "trees": plain.trees.model_to_string(), "debtor": plain.debtor,
                "on_top": plain.on_top.to_json(),
            },
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Learned:
        """The inverse of `to_json`."""
        plain, products = kept["response"], kept["products"]
        return cls(
            load_trees(kept["trees"]),
            Plain(load_trees(plain["trees"]), tuple(plain["debtor"]), Linear.of_json(plain["on_top"]))
            if plain
            else None,
            Linear.of_json(products) if products else None,
        )


def learn(matrix: Any, y: Any, names: Sequence[str], seed: int, *, ranks: bool = True) -> Learned:
    """Fit all three on the same rows, or the trees alone for an outcome that `ranks` nothing."""
    trees = grow(matrix, y, seed)
    if not ranks:
        return Learned(trees)
    debtor = [place for place, name in enumerate(names) if not is_option(name)]
    options = [place for place, name in enumerate(names) if is_option(name)]
    response = grow(matrix[:, debtor], y, seed)
    offset = response.predict(matrix[:, debtor], raw_score=True, num_threads=1)
    matter = np.argsort(-np.array(response.feature_importance("gain")), kind="stable")[:MOST_DEBTOR]
    spread = np.nan_to_num(np.nanstd(np.where(np.isnan(matrix), 0.0, matrix), axis=0))
    telling = [place for place in options if spread[place] > 0 and _flag(matrix[:, place])]
    telling.sort(key=lambda place: (-spread[place], place))
    pairs = [(debtor[each], place) for each in sorted(matter) for place in sorted(telling[:MOST_ACTION])]
    plain = Plain(response, tuple(debtor), fit_linear(matrix, y, options, (), offset))
    return Learned(trees, plain, fit_linear(matrix, y, range(len(names)), pairs))


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
