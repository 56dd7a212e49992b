"""Chances of each outcome of an option by a small neural network over the three vectors.

Where rows say who was reached, a payment is learned by way of that: apart of those reached and of the others,
and P(paid) = P(reached) P(paid | reached) + P(not) P(paid | not). A contact moves only whom it reaches, and
many more are reached than pay.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recupero_next_action_neural.network import Sizes, Weights, backward, fit, forward, loss, sigmoid
from recupero_sdk.models import ACTION, ASSISTANT, Columns, Reason, Training, at_most, check_enough, strongest

MIN_ROWS, MIN_OF_EACH = 300, 30
NETWORKS, HELD_SHARE = 3, 0.2
HARM = "harm"
REACHED, PARTS = "reached", ("of_reached", "of_others")
MOST = 4.0  # spreads from the mean beyond which a value counts no further


@dataclass(frozen=True)
class Scale:
    """How columns become inputs: debtor's, then option's; each value by mean and spread, unknown as the mean,
    with a flag beside those that are sometimes unknown."""

    names: tuple[str, ...]
    middle: Any
    spread: Any
    flagged: tuple[int, ...]

    def parts(self) -> tuple[list[int], list[int]]:
        """Places of the debtor's columns and of the option's among the inputs."""
        names = [*self.names, *(self.names[place] for place in self.flagged)]
        option = [place for place, name in enumerate(names) if name.startswith((ASSISTANT, ACTION))]
        return [place for place in range(len(names)) if place not in option], option

    def inputs(self, matrix: Any) -> tuple[Any, Any]:
        """Inputs of the debtor and of the option."""
        unknown = np.isnan(matrix)
        scaled = np.clip(np.where(unknown, 0.0, (matrix - self.middle) / self.spread), -MOST, MOST)
        both = np.column_stack([scaled, unknown[:, list(self.flagged)].astype(float)])
        debtor, option = self.parts()
        return both[:, debtor], both[:, option]


@dataclass(frozen=True)
class Fitted:
    """Networks whose mean log-odds answer; `curves` has slope and intercept of the outcomes learned (Platt,
    1999), in order of the networks' outputs, `rare` the shares of those too rare to learn: where something is
    done (one of `flags`, places of columns) and where nothing is."""

    scale: Scale
    networks: tuple[Weights, ...]
    curves: Mapping[str, tuple[float, float]]
    rare: Mapping[str, tuple[float, float]]
    flags: tuple[int, ...] = ()


@dataclass(frozen=True)
class NextActionNeural:
    """A neural network over debtor, assistant and action. Takes every column it is given."""

    key: str = "next_action_neural"
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
        """Fit all outcomes at once; each network stops by people that it never saw.

        Raises ValueError below 300 rows, or below 30 of either value of the first outcome.
        """
        matrix, told = columns.matrix(tuple(columns.values)), _told(self.outcomes, outcomes, columns.rows)
        known = told[self.outcomes[0]][~np.isnan(told[self.outcomes[0]])]
        check_enough(len(known), known, MIN_ROWS, MIN_OF_EACH)
        told = _parted(told, self.outcomes[0])
        learned = {name: y for name, y in told.items() if _both(y) >= MIN_OF_EACH}
        flags = _flags(matrix, tuple(columns.values))
        acts = _acting(matrix, flags)
        rare = {
            name: (_share(y), _share(y))
            if name in PARTS
            else (_share(y[acts], most=name == HARM), _share(y[~acts]))
            for name, y in told.items()
            if name not in learned
        }
        scale = _scale(matrix, tuple(columns.values))
        debtor, option = scale.inputs(matrix)
        target = np.column_stack(list(learned.values()))
        people = _people(columns.rows, groups)
        unseen, count = np.zeros(target.shape), np.zeros(len(target))
        networks, epochs = [], []
        for number in range(NETWORKS):
            held = _held(people, number, seed)
            sizes = Sizes(debtor.shape[1], option.shape[1], target.shape[1])
            sides = [(debtor[rows], option[rows], target[rows]) for rows in (~held, held)]
            weights, used = fit(sizes, sides[0], sides[1], seed * 1000 + number)
            unseen[held] += forward(weights, debtor[held], option[held])[0]
            count[held] += 1
            networks.append(weights)
            epochs.append(used)
        seen = count > 0
        odds = unseen[seen] / count[seen, None]
        curves = {name: _platt(odds[:, place], target[seen, place]) for place, name in enumerate(learned)}
        if HARM in curves:
            curves[HARM] = _cautious(curves[HARM], told[HARM])
        metrics = {"rows": float(columns.rows), "epochs": float(np.mean(epochs))}
        for place, (name, (slope, intercept)) in enumerate(curves.items()):
            right = slope * odds[:, [place]] + intercept
            metrics[f"{name}_log_loss"] = loss(right, target[seen][:, [place]])
        return Training(
            Fitted(scale, tuple(networks), curves, rare, flags), metrics, {"networks": str(NETWORKS)}
        )

    def predict(
        self, fitted: Fitted, columns: Columns, outcomes: Sequence[str] | None = None
    ) -> Mapping[str, Any]:
        """Per outcome asked for one probability per row, in row order."""
        matrix = columns.matrix(fitted.scale.names)
        odds = _odds(fitted, matrix) if columns.rows else np.empty((0, len(fitted.curves)))
        found = {
            name: sigmoid(slope * odds[:, place] + intercept)
            for place, (name, (slope, intercept)) in enumerate(fitted.curves.items())
        }
        acts = _acting(matrix, fitted.flags)
        found |= {name: np.where(acts, done, idle) for name, (done, idle) in fitted.rare.items()}
        found = _joined(found, self.outcomes[0])
        return {name: each for name, each in found.items() if outcomes is None or name in outcomes}

    def explain(self, fitted: Fitted, columns: Columns, top: int = 3) -> list[list[Reason]]:
        """What moved the log-odds of the first outcome most: slope times distance from the usual value."""
        names, matrix = fitted.scale.names, columns.matrix(fitted.scale.names)
        debtor, option = fitted.scale.inputs(matrix)
        places = fitted.scale.parts()
        moved = np.zeros((columns.rows, len(names) + len(fitted.scale.flagged)))
        slope = np.zeros((columns.rows, len(fitted.curves)))
        ways = (self.outcomes[0], REACHED, PARTS[0]) if PARTS[0] in fitted.curves else (self.outcomes[0],)
        slope[:, [place for place, name in enumerate(fitted.curves) if name in ways]] = 1.0
        for weights in fitted.networks:
            _odds_of, kept = forward(weights, debtor, option)
            _gradient, by_debtor, by_option = backward(weights, debtor, option, kept, slope)
            moved[:, places[0]] += by_debtor * debtor / len(fitted.networks)
            moved[:, places[1]] += by_option * option / len(fitted.networks)
        parts = moved[:, : len(names)]
        parts[:, list(fitted.scale.flagged)] += moved[:, len(names) :]
        return strongest(names, matrix, parts, top)

    def dump(self, fitted: Fitted) -> bytes:
        """A ZIP of NumPy arrays (no objects, so no pickle), with the words as JSON in bytes."""
        words = {
            "format": 1, "names": fitted.scale.names, "flagged": fitted.scale.flagged,
            "curves": fitted.curves, "rare": fitted.rare, "networks": len(fitted.networks),
            "flags": fitted.flags,
        }  # fmt: skip
        arrays = {"middle": fitted.scale.middle, "spread": fitted.scale.spread}
        for number, weights in enumerate(fitted.networks):
            arrays |= {f"{number}.{name}": weight for name, weight in weights.items()}
        arrays["words"] = np.frombuffer(json.dumps(words).encode(), dtype=np.uint8)
        out = io.BytesIO()
        np.savez(out, **arrays)
        return out.getvalue()

    def load(self, blob: bytes) -> Fitted:
        """The inverse of `dump`. Raises ValueError on anything else."""
        kept = np.load(io.BytesIO(blob), allow_pickle=False)
        words = json.loads(kept["words"].tobytes())
        if words.get("format") != 1:
            raise ValueError("this is not a dumped next_action_neural model of format 1")
        networks = [
            {name.partition(".")[2]: kept[name] for name in kept.files if name.startswith(f"{number}.")}
            for number in range(words["networks"])
        ]
        scale = Scale(tuple(words["names"]), kept["middle"], kept["spread"], tuple(words["flagged"]))
        curves = {name: (slope, intercept) for name, (slope, intercept) in words["curves"].items()}
        rare = {  # one share for all in dumps of an earlier day
            name: tuple(share) if isinstance(share, list) else (share, share)
            for name, share in words["rare"].items()
        }
        return Fitted(scale, tuple(networks), curves, rare, tuple(words.get("flags", ())))


def _parted(told: Mapping[str, Any], first: str) -> dict[str, Any]:
    """The outcomes with the `first` apart for those reached and the others, where enough were reached."""
    reached = told.get(REACHED)
    if reached is None or _both(reached) < MIN_OF_EACH or _both(told[first][reached > 0]) < MIN_OF_EACH:
        return dict(told)
    parts = [np.where(mine, told[first], np.nan) for mine in (reached > 0, reached == 0)]
    rest = {name: y for name, y in told.items() if name not in (first, REACHED)}
    return {REACHED: reached, **dict(zip(PARTS, parts, strict=True)), **rest}


def _joined(found: dict[str, Any], first: str) -> dict[str, Any]:
    """The chances with that of the `first` outcome, by way of who is reached where it was learned so."""
    if PARTS[0] not in found:
        return found
    of_reached, of_others = (found.pop(part) for part in PARTS)
    reached = found[REACHED]
    return {first: reached * of_reached + (1 - reached) * of_others, **found}


def _odds(fitted: Fitted, matrix: Any) -> Any:
    debtor, option = fitted.scale.inputs(matrix)
    return np.mean([forward(weights, debtor, option)[0] for weights in fitted.networks], axis=0)


def _told(wanted: Sequence[str], outcomes: Mapping[str, Any], rows: int) -> dict[str, Any]:
    told = {name: np.asarray(outcomes[name], dtype=float) for name in wanted if name in outcomes}
    for name, y in told.items():
        if len(y) != rows:
            raise ValueError(f"{name} has {len(y)} values for {rows} rows")
    if wanted[0] not in told:
        raise ValueError(f"the outcome {wanted[0]} is missing: 0 values of it were given")
    return told


def _both(y: Any) -> float:
    known = y[~np.isnan(y)]
    return float(min(known.sum(), len(known) - known.sum()))


def _flags(matrix: Any, names: tuple[str, ...]) -> tuple[int, ...]:
    """Places of the 0/1 columns that tell what is done."""
    return tuple(
        place
        for place, name in enumerate(names)
        if name.startswith(ACTION) and np.isin(np.nan_to_num(matrix[:, place]), (0.0, 1.0)).all()
    )


def _acting(matrix: Any, flags: tuple[int, ...]) -> Any:
    """The rows in which something is done."""
    return np.nan_to_num(matrix[:, list(flags)]).any(axis=1)


def _share(y: Any, *, most: bool = False) -> float:
    """The share of ones, never quite 0 or 1; or the `most` that it may be."""
    known = y[~np.isnan(y)]
    cases = float(known.sum())
    return min((at_most(cases) if most else cases + 0.5) / (len(known) + 1), 1 - 1e-6)


def _cautious(curve: tuple[float, float], y: Any) -> tuple[float, float]:
    """Harm at the upper end of what its cases allow: little known is no licence to press."""
    cases = float(np.nansum(y))
    return curve[0], curve[1] + float(np.log(at_most(cases) / cases))


def _scale(matrix: Any, names: tuple[str, ...]) -> Scale:
    known = ~np.isnan(matrix)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, matrix, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (matrix - middle) ** 2, 0.0).sum(axis=0) / count)
    sometimes = np.flatnonzero((~known).any(axis=0) & known.any(axis=0))
    return Scale(names, middle, np.where(spread > 1e-9, spread, 1.0), tuple(sometimes.tolist()))


def _people(rows: int, groups: Any) -> Any:
    if groups is None:
        return np.arange(rows)
    return np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)


def _held(people: Any, number: int, seed: int) -> Any:
    """Another fifth of the people for each network."""
    order = np.random.default_rng(seed).permutation(int(people.max()) + 1)
    share = int(1 / HELD_SHARE)
    return (order % share == number % share)[people]


def _platt(odds: Any, y: Any) -> tuple[float, float]:
    """Slope and intercept of a logistic curve through log-odds of unseen rows; never a falling one."""
    known = ~np.isnan(y)
    y, design = y[known], np.column_stack([odds[known], np.ones(int(known.sum()))])
    weights = np.array([1.0, 0.0])
    for _ in range(20):
        chance = sigmoid(design @ weights)
        bend = np.maximum(chance * (1 - chance), 1e-6)
        slope = design.T @ (y - chance)
        weights += np.clip(
            np.linalg.solve((design * bend[:, None]).T @ design + 1e-3 * np.eye(2), slope), -2, 2
        )
    share = min(max(float(y.mean()), 1e-6), 1 - 1e-6)
    flat = (0.05, float(np.log(share / (1 - share))))
    return (float(weights[0]), float(weights[1])) if weights[0] > 0.05 else flat
