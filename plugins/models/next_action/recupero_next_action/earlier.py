"""The way through who is reached as versions of format 1 kept it: read, so that they serve on; not fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recupero_next_action.learners import Plain, acting, load_trees, logit, sigmoid


@dataclass(frozen=True)
class Given:
    """A chance by a booster, or the same for all."""

    share: float
    trees: Any

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Given:
        """From the dump."""
        return cls(kept["share"], load_trees(kept["trees"]) if kept["trees"] else None)

    def chance(self, matrix: Any) -> Any:
        """One probability per row."""
        if self.trees is None:
            return np.full(len(matrix), self.share)
        return self.trees.predict(matrix, num_threads=1)


@dataclass(frozen=True)
class EarlierThrough:
    """P(paid) = P(reached) P(paid | reached) + P(not) P(paid | not), each part by trees."""

    flags: tuple[int, ...]
    reach: Plain
    idle: Given
    reached: Given
    others: Given
    kept: Mapping[str, Any]

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> EarlierThrough:
        """From the dump, which it stays when it is dumped again."""
        parts = (Given.of_json(kept[part]) for part in ("idle", "reached", "others"))
        return cls(tuple(kept["flags"]), Plain.of_json(kept["reach"]), *parts, kept)

    def to_json(self) -> dict[str, Any]:
        """JSON types."""
        return dict(self.kept)

    def odds(self, matrix: Any) -> Any:
        """Log-odds of each row."""
        by_contact = sigmoid(self.reach.odds(matrix))
        chance = np.where(acting(matrix, self.flags), by_contact, self.idle.chance(matrix))
        return logit(chance * self.reached.chance(matrix) + (1 - chance) * self.others.chance(matrix))
