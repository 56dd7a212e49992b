"""The learners: each answers log-odds of an outcome for options, and is kept as plain numbers and text.

`response` says who pays at all, whatever is done, and adds what the action does on top: no interaction, so
that those who pay anyway come first. `products` is a logistic regression with the products of debtor and
action columns. `trees` is gradient boosting over all columns, where every split below one on the action is an
interaction. The first is plain and hard to beat where effects are small; data choose among them (`ranking`).

`through` goes by way of who is reached: P(paid) = P(reached) P(paid | reached) + P(not) P(paid | not). A
contact moves only whom it reaches, and many more are reached than pay, so that what a contact adds is known
far sooner than from payments alone. It needs rows that say who was reached.
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
KINDS = ("through", "response", "products", "trees")
LEAST_OF_EACH = 30  # rows of either value from which a part of `through` is learned, else it is its share
FEW_ROUNDS = 40  # for those reached: few rows


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
class Given:
    """The chance of a payment of those reached, or of the others: a booster, or their share."""

    share: float
    trees: Any = None

    def chance(self, matrix: Any) -> Any:
        """One probability per row."""
        if self.trees is None:
            return np.full(len(matrix), self.share)
        return self.trees.predict(matrix, num_threads=1)

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return {"share": self.share, "trees": self.trees.model_to_string() if self.trees else None}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Given:
        """The inverse of `to_json`."""
        return cls(kept["share"], load_trees(kept["trees"]) if kept["trees"] else None)


@dataclass(frozen=True)
class Through:
    """Who is reached by a contact, and who comes by themselves where nothing is done (none of the `flags`);
    who pays of those reached, and of the others."""

    flags: tuple[int, ...]
    reach: Plain
    idle: Given
    reached: Given
    others: Given

    def odds(self, matrix: Any) -> Any:
        """Log-odds of each row."""
        chance = np.where(
            acting(matrix, self.flags), sigmoid(self.reach.odds(matrix)), self.idle.chance(matrix)
        )
        return logit(chance * self.reached.chance(matrix) + (1 - chance) * self.others.chance(matrix))


@dataclass(frozen=True)
class Learned:
    """The learners of one outcome; of one that ranks nothing there are the trees alone."""

    trees: Any
    response: Plain | None = None
    products: Linear | None = None
    through: Through | None = None

    def odds(self, matrix: Any, kinds: Sequence[str] = KINDS) -> dict[str, Any]:
        """Log-odds of each row by each of the learners asked for that are there."""
        found = dict[str, Any]()
        if self.through is not None and "through" in kinds:
            found["through"] = self.through.odds(matrix)
        if self.response is not None and "response" in kinds:
            found["response"] = self.response.odds(matrix)
        if self.products is not None and "products" in kinds:
            found["products"] = self.products.odds(matrix)
        if "trees" in kinds:
            found["trees"] = self.trees.predict(matrix, raw_score=True, num_threads=1)
        return found

    def to_json(self) -> dict[str, Any]:
        """JSON types; trees are LightGBM's own text."""
        way = self.through
        return {
            "trees": self.trees.model_to_string(),
            "products": self.products.to_json() if self.products else None,
            "response": self.response.to_json() if self.response else None,
            "through": None if way is None else {
                "flags": way.flags, "reach": way.reach.to_json(), "idle": way.idle.to_json(),
                "reached": way.reached.to_json(), "others": way.others.to_json(),
            },
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Learned:
        """The inverse of `to_json`."""
        plain, products, way = kept["response"], kept["products"], kept.get("through")
        return cls(
            load_trees(kept["trees"]),
            Plain.of_json(plain) if plain else None,
            Linear.of_json(products) if products else None,
            Through(
                tuple(way["flags"]),
                Plain.of_json(way["reach"]),
                *(Given.of_json(way[part]) for part in ("idle", "reached", "others")),
            )
            if way
            else None,
        )


def learn(
    matrix: Any, y: Any, names: Sequence[str], seed: int, *, ranks: bool = True, reached: Any = None
) -> Learned:
    """Fit all on the same rows, or the trees alone for an outcome that `ranks` nothing; `through` where it is
    told who was `reached` (NaN: unknown) and enough were."""
    trees = grow(matrix, y, seed)
    if not ranks:
        return Learned(trees)
    debtor = [place for place, name in enumerate(names) if not is_option(name)]
    options = [place for place, name in enumerate(names) if is_option(name)]
    plain = _plain(matrix, y, debtor, options, seed)
    gain = np.array(plain.trees.feature_importance("gain"))
    matter = np.argsort(-gain, kind="stable")[:MOST_DEBTOR]
    spread = np.nan_to_num(np.nanstd(np.where(np.isnan(matrix), 0.0, matrix), axis=0))
    telling = [place for place in options if spread[place] > 0 and _flag(matrix[:, place])]
    telling.sort(key=lambda place: (-spread[place], place))
    pairs = [(debtor[each], place) for each in sorted(matter) for place in sorted(telling[:MOST_ACTION])]
    flags = [place for place in options if names[place].startswith(ACTION) and _flag(matrix[:, place])]
    way = None if reached is None else _through(matrix, y, reached, (debtor, options, flags), seed)
    return Learned(trees, plain, fit_linear(matrix, y, range(len(names)), pairs), way)


def _plain(matrix: Any, y: Any, debtor: Sequence[int], options: Sequence[int], seed: int) -> Plain:
    trees = grow(matrix[:, debtor], y, seed)
    offset = trees.predict(matrix[:, debtor], raw_score=True, num_threads=1)
    return Plain(trees, tuple(debtor), fit_linear(matrix, y, options, (), offset))


def _through(matrix: Any, y: Any, reached: Any, places: Sequence[Sequence[int]], seed: int) -> Through | None:
    """`places` are those of the debtor's columns, of the option's, and of the action's flags."""
    debtor, options, flags = places
    known = ~np.isnan(reached)
    matrix, y, found = matrix[known], y[known], reached[known] > 0
    acts = acting(matrix, flags)
    if not _enough(found[acts]):
        return None
    return Through(
        tuple(flags),
        _plain(matrix[acts], found[acts].astype(float), debtor, options, seed),
        _given(matrix[~acts], found[~acts].astype(float), seed),
        _given(matrix[found], y[found], seed),
        _given(matrix[~found], y[~found], seed),
    )


def acting(matrix: Any, flags: Sequence[int]) -> Any:
    """The rows in which something is done."""
    return np.nan_to_num(matrix[:, list(flags)]).any(axis=1)


def _given(matrix: Any, y: Any, seed: int) -> Given:
    share = (float(y.sum()) + 0.5) / (len(y) + 1)
    return Given(share, grow(matrix, y, seed, FEW_ROUNDS) if _enough(y) else None)


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
