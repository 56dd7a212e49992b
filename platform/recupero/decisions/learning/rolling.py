"""A model that is retrained as time goes on, beside one that is not: who serves is decided by what was seen.

The rows stand in order of time; of some the outcome is known (they may be learned from once they lie in the
past), of the others it is asked. In every block of rows the model is retrained on what came before and scores
the block. Beside it, where the kind has one, stands its straight half alone from a shorter memory, which
follows a trend beyond what has been seen: both are mixed in log-odds, the better one of late weighing more,
and lifted or lowered together to the level of the outcomes of late. A champion stands still. At every review
the two are compared on the outcomes seen since the champion took office: where the retrained one saved
log-loss over the whole 90% interval it takes over, and from then on the retrained one serves. How far the
columns have moved is measured at each review (PSI).
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.measures import metrics
from recupero_sdk.models import Columns, ScoringModel

_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what happens: `block` rows between two retrainings; `review` known rows between two
    comparisons with the champion, `shape` between two trainings with folds (in between trees and line are
    grown anew in the same shape, where the kind can). `memory`: known rows to learn from; `straight`: those
    that the straight half alone learns from. `fade`: known rows in which a past loss halves in weight;
    `level`: those in which an outcome does so for the level."""

    block: int = 200
    review: int = 1000
    shape: int = 5000
    memory: int = 20_000
    straight: int = 8_000
    fade: int = 500
    eagerness: float = 0.05
    level: int = 3000


@dataclass(frozen=True, slots=True)
class Review:
    """One comparison: at which row, log-loss saved by retraining with its interval, drift of the columns."""

    row: int
    gain: float
    gain_low: float
    gain_high: float
    psi_score: float
    psi_most: float
    psi_feature: str
    took_over: bool

    def to_json(self) -> dict[str, Any]:
        return {
            key: round(value, 5) if isinstance(value, float) else value for key, value in asdict(self).items()
        }


@dataclass(slots=True)
class Rolled:
    """`score` of every row as it was served, `frozen` by the first model, and the comparisons made."""

    score: Floats
    frozen: Floats
    reviews: list[Review] = field(default_factory=list)

    def taken_over_at(self) -> int | None:
        return next((review.row for review in self.reviews if review.took_over), None)


def roll(
    kind: ScoringModel, columns: dict[str, Floats], target: Floats, pace: Pace | None = None, seed: int = 0
) -> Rolled:
    """Score every row from the known rows before it. `target` is NaN where the outcome is not known."""
    run = _Run(kind, columns, target, pace or Pace(), seed)
    for start in range(0, len(target), run.pace.block):
        run.step(np.arange(start, min(start + run.pace.block, len(target))))
    return Rolled(run.score, run.frozen, run.reviews)


class _Run:
    """One way through the rows. Folds of a training are drawn over all its time, so that the shape suits
    rows like those learned from; what the shape does to later rows is what the reviews measure."""

    def __init__(
        self, kind: ScoringModel, columns: dict[str, Floats], target: Floats, pace: Pace, seed: int
    ) -> None:
        self.kind, self.columns, self.target, self.pace, self.seed = kind, columns, target, pace, seed
        self.known = np.flatnonzero(np.isfinite(target))
        rows = len(target)
        self.score, self.frozen, self.fresh = np.empty(rows), np.empty(rows), np.empty(rows)
        self.odds = np.zeros((2, rows))  # of the whole model and of its straight half
        self.mixed = np.zeros(rows)  # in log-odds, before the level
        self.fitted: Any = None
        self.straight: Any = None
        self.shaped, self.reviewed = -1, 0
        self.champion: Any = None
        self.learned: Ints = np.empty(0, dtype=np.int64)
        self.reviews: list[Review] = []

    def step(self, block: Ints) -> None:
        past = self.known[: np.searchsorted(self.known, block[0])]
        self._retrain(past)
        if self.fitted is None:  # too little is known yet: the share so far
            share = (self.target[past].sum() + 1) / (len(past) + 10)
            for scores in (self.score, self.frozen, self.fresh):
                scores[block] = share
            return
        asked = self._some(block)
        self.odds[:, block] = [
            _log_odds(np.asarray(self.kind.predict(fitted, asked)), _EDGE)
            for fitted in (self.fitted, self.straight or self.fitted)
        ]
        if self.champion is None:
            self.champion, self.learned = self.fitted, past
            self.reviewed = self.first = len(past)
        self.mixed[block] = self._mixed(past, block)
        self.fresh[block] = _chance(self.mixed[block] + self._level(past))
        self.frozen[block] = self.kind.predict(self.champion, asked)
        if len(past) - self.reviewed >= self.pace.review:
            self._review(past, int(block[0]))
        leads = any(review.took_over for review in self.reviews)
        self.score[block] = self.fresh[block] if leads else self.frozen[block]

    def _some(self, places: Ints) -> Columns:
        return Columns({name: column[places] for name, column in self.columns.items()}, len(places))

    def _retrain(self, past: Ints) -> None:
        refit, straight = getattr(self.kind, "refit", None), getattr(self.kind, "straight", None)
        again = self.shaped < 0 or len(past) - self.shaped >= self.pace.shape or refit is None
        rows = past[-self.pace.memory :]
        try:
            if again:
                mixed = np.random.default_rng(self.seed).permutation(rows)
                self.fitted = self.kind.train(self._some(mixed), self.target[mixed], seed=self.seed).fitted
                self.shaped = len(past)
            elif refit is not None:
                self.fitted = refit(self.fitted, self._some(rows), self.target[rows], seed=self.seed)
            rows = past[-self.pace.straight :]
            if straight is not None:
                self.straight = straight(self.fitted, self._some(rows), self.target[rows])
        except ValueError:  # too few rows of one outcome within this memory: the last one stays
            return

    def _mixed(self, past: Ints, block: Ints) -> Floats:
        """Log-odds of both, weighted by the loss of each on the outcomes seen since the first one."""
        seen = past[self.first :]
        fading = 0.5 ** (np.arange(len(seen))[::-1] / self.pace.fade)
        lost = np.array(
            [metrics.row_log_loss(_chance(odds[seen]), self.target[seen]) @ fading for odds in self.odds]
        )
        weight = np.exp(-self.pace.eagerness * (lost - lost.min()))
        return np.asarray((weight / weight.sum()) @ self.odds[:, block], dtype=np.float64)

    def _level(self, past: Ints) -> float:
        """What is added to all log-odds so that as much was to be expected of late as happened, by Newton's
        steps; nothing while less is known than lies between two reviews."""
        seen = past[self.first :][-4 * self.pace.level :]
        if len(seen) < self.pace.review:
            return 0.0
        fading = 0.5 ** (np.arange(len(seen))[::-1] / self.pace.level)
        shift = 0.0
        for _ in range(6):
            chance = _chance(self.mixed[seen] + shift)
            bend = float(fading @ (chance * (1 - chance)))
            shift += float(np.clip(fading @ (self.target[seen] - chance) / max(bend, _EDGE), -1, 1))
        return shift

    def _review(self, past: Ints, row: int) -> None:
        since = past[self.first :]
        found = metrics.gain(
            self.fresh[since], self.frozen[since], self.target[since], np.arange(len(since)), self.seed
        )
        late = past[-self.pace.review :]
        moved = {
            name: metrics.stability_index(column[self.learned], column[late])
            for name, column in self.columns.items()
        }
        most = max(moved, key=lambda name: moved[name])
        score_then = np.asarray(self.kind.predict(self.champion, self._some(self.learned)), dtype=np.float64)
        self.reviews.append(
            Review(
                row, found["gain"], found["gain_low"], found["gain_high"],
                metrics.stability_index(score_then, self.frozen[late]), moved[most], most,
                took_over=found["gain_low"] > 0,
            )
        )  # fmt: skip
        self.reviewed = len(past)


def recent_rates(target: Floats, half_lives: tuple[int, ...], strength: float = 5.0) -> dict[str, Floats]:
    """Log-odds of the share of successes among the known rows before each row, fading with age.

    As of: a row sees only known rows that stand before it. `half_lives` in known rows; `strength` rows at one
    in ten stand in for a history that has only begun.
    """
    found = {}
    for half in half_lives:
        fade = 0.5 ** (1 / half)
        hits, rows = 0.1 * strength, strength
        rate = np.empty(len(target))
        for place, outcome in enumerate(target.tolist()):
            rate[place] = hits / rows
            if outcome == outcome:
                hits, rows = hits * fade + outcome, rows * fade + 1
        found[f"recent_{half}"] = _log_odds(rate)
    return found


def recent_rates_by(target: Floats, group: list[Any], half_life: int = 500, strength: float = 10.0) -> Floats:
    """How far the recent share of the row's group lies from that of all, in log-odds, as of the row.

    A group is drawn towards all by `strength` rows; `half_life` counts rows, known or not.
    """
    fade = 0.5 ** (1 / half_life)
    of_group: dict[Any, tuple[float, float, int]] = {}
    hits, rows = 0.5, 5.0
    mine, all_of_us = np.empty(len(target)), np.empty(len(target))
    for place, (key, outcome) in enumerate(zip(group, target.tolist(), strict=True)):
        own_hits, own_rows, last = of_group.get(key, (0.0, 0.0, place))
        faded = fade ** (place - last)
        own_hits, own_rows = own_hits * faded, own_rows * faded
        all_of_us[place] = hits / rows
        mine[place] = (own_hits + strength * hits / rows) / (own_rows + strength)
        hits, rows = hits * fade, rows * fade
        if outcome == outcome:
            own_hits, own_rows, hits, rows = own_hits + outcome, own_rows + 1, hits + outcome, rows + 1
        of_group[key] = (own_hits, own_rows, place)
    return _log_odds(mine) - _log_odds(all_of_us)


def recent_mix(columns: dict[str, Floats], half_life: int = 10) -> dict[str, Floats]:
    """What the rows before each row were like: the mean of each column, fading with age; NaN for the first.

    Whom a list is working through says much about the next of it, before any outcome is known: a change of
    list shows here at once, in the shares of successes only after many rows. As of: a row sees only rows that
    stand before it, known or not. `half_life` in rows.
    """
    from scipy.signal import lfilter

    fade = 0.5 ** (1 / half_life)
    found = {}
    for name, column in columns.items():
        told = np.isfinite(column)
        sums = lfilter([1.0], [1.0, -fade], np.where(told, column, 0.0))
        rows = lfilter([1.0], [1.0, -fade], told.astype(np.float64))
        with np.errstate(invalid="ignore"):
            found[f"mix_{name}"] = np.concatenate([[np.nan], (sums / rows)[:-1]])
    return found


def pace(day: list[Any]) -> dict[str, Floats]:
    """How much was done of late, in logs of rows: on the row's day before it, on the day before, and the mean
    of the last five and twenty days. Broad lists are worked off in great numbers and succeed seldom.

    `day` tells the rows of one day from those of the next, in order of time; whatever it holds is compared
    with the row before alone. As of: a row sees only rows that stand before it, known or not.
    """
    done: list[int] = []
    counts = np.zeros((len(day), 4))
    today = 0
    for place, key in enumerate(day):
        if place and key != day[place - 1]:
            done.append(today)
            today = 0
        counts[place] = (today, *(float(np.mean(done[-days:] or [0])) for days in (1, 5, 20)))
        today += 1
    names = ("pace_today", "pace_1", "pace_5", "pace_20")
    return dict(zip(names, np.log1p(counts).T, strict=True))


def _chance(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), dtype=np.float64)


def _log_odds(rate: Floats, edge: float = 1e-3) -> Floats:
    rate = np.clip(rate, edge, 1 - edge)
    found: Floats = np.log(rate) - np.log1p(-rate)
    return found
