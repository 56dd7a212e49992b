"""Which learner, or blend of learners, is to rank: the one whose ranking is worth most on people it never
saw.

Every candidate is asked whom to act on first, and how, if only 10, 30 or 50 % may be acted on, and how if all
may. The log then says what that would have brought beyond waiting, by the doubly robust value with the logged
propensities (weights made to average 1 within each kind of action). A plain response score can win against a
model of effects: where effects are small, who pays at all is known far better than whom acting moves, and the
two err apart. So the mean of both ranks, or, where it is known who was reached, the way through it: few
payments say little about effects, many more people are reached than pay. Another blend takes over where it is
better by `PROVEN` standard errors, for the luckiest of several always looks good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recupero_next_action.learners import sigmoid
from recupero_next_action.lines import is_option
from recupero_sdk.models import ACTION

CAPS = (0.1, 0.3, 0.5)
LEAST_SHARE, LEAST_ROWS, MOST_ARMS = 0.02, 50, 12
PROVEN = 2.5
#: Blends: the learners whose mean log-odds are taken. The first that is there ranks unless another is proven
#: better; of equals the first is taken.
BLENDS: dict[str, tuple[str, ...]] = {
    "through": ("through",),
    "response+products": ("response", "products"),
    "response": ("response",),
    "products": ("products",),
    "trees": ("trees",),
    "response+trees": ("response", "trees"),
    "all": ("response", "products", "trees"),
    "contacts": ("contacts",),
}


def blends(kinds: Iterable[str]) -> list[str]:
    """Those of which every learner is there."""
    there = {*kinds}
    return [name for name, wanted in BLENDS.items() if {*wanted} <= there]


@dataclass(frozen=True)
class Arms:
    """The kinds of action in a log. `of` is each row's (-1: too rare to value), 0 is waiting; `options` has
    the option columns of a typical one of each, NaN where a row keeps its own."""

    of: Any
    options: Any
    places: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.options)

    def asked(self, matrix: Any, arm: int) -> Any:
        """The rows as if the action of this kind were taken."""
        changed = matrix.copy()
        for column, place in enumerate(self.places):
            usual = self.options[arm, column]
            if not np.isinf(usual):
                changed[:, place] = usual
        return changed


def arms(matrix: Any, names: Sequence[str]) -> Arms | None:
    """The kinds of action, told apart by the flags among the action's columns; None where nobody waited, or
    there is one kind only."""
    flags = [
        place
        for place, name in enumerate(names)
        if name.startswith(ACTION) and np.isin(np.nan_to_num(matrix[:, place]), (0.0, 1.0)).all()
    ]
    if not flags:
        return None
    kinds, which = np.unique(np.nan_to_num(matrix[:, flags]), axis=0, return_inverse=True)
    which = which.reshape(-1)
    count = np.bincount(which, minlength=len(kinds))
    enough = np.flatnonzero(count >= max(LEAST_ROWS, LEAST_SHARE * len(which)))
    waits = [int(kind) for kind in enough if not kinds[kind].any()]
    acts = sorted((int(kind) for kind in enough if kinds[kind].any()), key=lambda kind: -count[kind])
    if not waits or not acts:
        return None
    kept = [waits[0], *acts[: MOST_ARMS - 1]]
    of = np.full(len(which), -1)
    for arm, kind in enumerate(kept):
        of[which == kind] = arm
    return Arms(of, *_typical(matrix, names, of, len(kept)))


def _typical(matrix: Any, names: Sequence[str], of: Any, count: int) -> tuple[Any, tuple[int, ...]]:
    places = tuple(place for place, name in enumerate(names) if is_option(name))
    typical = np.full((count, len(places)), np.inf)
    for column, place in enumerate(places):
        parts = [matrix[of == arm, place] for arm in range(count)]
        known = [part[~np.isnan(part)] for part in parts]
        everywhere = all(len(some) * 2 > len(part) for some, part in zip(known, parts, strict=True))
        if everywhere and not np.isin(np.concatenate(known), (0.0, 1.0)).all():
            continue  # a state of the debtor rather than a choice: each row keeps its own
        for arm, some in enumerate(known):
            typical[arm, column] = np.median(some) if len(some) else np.nan
    return typical, places


def blended(odds: Mapping[str, Any], blend: str) -> Any:
    """Mean log-odds of the learners of a blend."""
    return np.mean([odds[name] for name in BLENDS[blend]], axis=0)


def values(found: Arms, odds: Sequence[Mapping[str, Any]], y: Any, propensity: Any) -> dict[str, Any]:
    """What each blend's ranking brings beyond waiting: a number per valued row, mean over the caps and none.

    `odds` has, by arm, each learner's log-odds for all rows, from models that never saw them.
    """
    chances = {
        blend: np.stack([sigmoid(blended(arm, blend)) for arm in odds], axis=1) for blend in blends(odds[0])
    }
    usual = np.mean(list(chances.values()), axis=0)
    rows = np.flatnonzero(found.of >= 0)
    worth = _worth(found.of[rows], usual[rows], y[rows], propensity[rows])
    return {blend: _capped(chance[rows], worth) for blend, chance in chances.items()}


def chosen(worth: Mapping[str, Any]) -> str:
    """The first blend, unless others are better by more than chance explains: of those the best."""
    plain = next(iter(worth))
    better = {
        blend: float(rows.mean())
        for blend, rows in worth.items()
        if (apart := rows - worth[plain]).mean() > PROVEN * apart.std() / np.sqrt(len(apart)) > 0
    }
    return max(better, key=lambda blend: better[blend]) if better else plain


def _worth(of: Any, usual: Any, y: Any, propensity: Any) -> Any:
    """The doubly robust outcome of each row under each arm."""
    worth = usual.copy()
    for arm in range(usual.shape[1]):
        mine = of == arm
        weight = 1 / np.maximum(propensity[mine], 1e-3)
        weight *= len(of) / weight.sum()
        worth[mine, arm] += weight * (y[mine] - usual[mine, arm])
    return worth


def _capped(chance: Any, worth: Any) -> Any:
    gain = chance[:, 1:] - chance[:, :1]
    best, size = gain.argmax(axis=1) + 1, gain.max(axis=1)
    place = np.empty(len(size), dtype=int)
    place[np.argsort(-size, kind="stable")] = np.arange(len(size))
    often = np.mean([*(place < int(cap * len(size)) for cap in CAPS), size > 0], axis=0)
    return often * (worth[np.arange(len(worth)), best] - worth[:, 0])
