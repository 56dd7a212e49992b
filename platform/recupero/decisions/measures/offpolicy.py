"""What another policy would have brought, from a log that keeps how probable each choice was.

A logged choice counts for a policy with the weight w = π(choice) / propensity: the policy's probability of it
over that of whoever chose. Three estimates of the reward per decision, r the reward and n the decisions:

- IPS, sum of w·r over n (Horvitz and Thompson, 1952): unbiased, and swings most;
- SNIPS, sum of w·r over the sum of w (Swaminathan and Joachims, 2015): steadier, hardly biased;
- doubly robust, mean of q(π) + w·(r − q(choice)) (Dudík, Langford and Li, 2011): q is a model of the reward
  that was fitted on other people; right where either q or the propensities are, and mostly the steadiest.

`switch` is the doubly robust one that trusts q alone where w is extreme (Wang, Agarwal and Dudík, 2017): it
is a check on the others, biased where q is. Intervals come from each person's influence on the estimate,
people being independent and their decisions not: Student's t with the degrees of freedom that the
influences' fourth moment leaves, and Hall's (1992) transformation against their skewness, the wider of both
on each side; of IPS, which adds up gains weighted by rarity, Hall's alone on the side without a tail. Without
enough support nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recupero.decisions.columns import Floats, Ints
from recupero.kernel.errors import UserError, Words

LEAST_ESS = 30.0
MOST_UNSUPPORTED = 0.02  # of the policy's choices
#: Weights above this many times the square root of the decisions' number are extreme.
EXTREME = 1.0
#: People with a reward, effectively, on either side of a difference: below it intervals held the truth in as
#: few as a third of trials.
LEAST_REWARDED = 10.0
#: People with a reward, effectively, behind the spread of an estimate: below it intervals that say 95 % held
#: the truth in 76 to 93 % of trials.
LEAST_BEHIND = 4.0
FEW, UNSEEN = 10, 2  # people with a reward that are few; such as might have been there unseen
CONFIDENCE = 0.95
_CERTAIN = 1 + 1e-9  # sums of probabilities are not exact
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Logged:
    """Columns, a row per decision. `chance` is the policy's probability of what was chosen, `propensity` the
    chooser's. `expected` and `modelled` are the model's reward of the policy and of what was chosen, each
    fitted on other people; None where there is no model. `choice` is the number of what the policy takes,
    where it takes one thing: where two take the same, they bring the same, whatever their models say.
    """

    person: Ints
    reward: Floats
    chance: Floats
    propensity: Floats
    expected: Floats | None = None
    modelled: Floats | None = None
    choice: Ints | None = None

    def __post_init__(self) -> None:
        numbers = [self.reward, *(each for each in (self.expected, self.modelled) if each is not None)]
        if not all(np.isfinite(each).all() for each in numbers):
            raise ValueError("a log needs finite rewards")
        if not ((self.propensity > 0) & (self.propensity <= _CERTAIN)).all():
            raise ValueError("a log needs propensities above 0, at most 1")
        if not ((self.chance >= 0) & (self.chance <= _CERTAIN)).all():
            raise ValueError("a policy needs probabilities from 0 to 1")

    @property
    def weights(self) -> Floats:
        return self.chance / self.propensity


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value per decision with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimates:
    """All estimates of one policy. `ess` is the effective number of decisions behind them (Kish), `weight`
    the mean weight: 1 where the log holds all that the policy would do. `best` is the one to go by."""

    ips: Estimate
    snips: Estimate
    robust: Estimate | None
    switch: Estimate | None
    ess: float
    weight: float
    n: int

    @property
    def best(self) -> Estimate:
        """Doubly robust where there is a model of the reward, else SNIPS."""
        return self.robust or self.snips


def estimate(logged: Logged) -> Estimates:
    """Every estimate of the policy's value on the log. Raises ValueError on an empty log."""
    n = len(logged.reward)
    if not n:
        raise ValueError("the log is empty")
    weights, people = logged.weights, _places(logged.person)
    mean = float(weights.mean())
    gained = weights * logged.reward
    snips = float(gained.sum() / weights.sum()) if mean else 0.0
    scale = mean or 1.0
    found = [
        _interval(float(gained.mean()), gained - gained.mean(), people, logged, weights, skewed=True),
        _interval(snips, weights * (logged.reward - snips) / scale, people, logged, weights / scale),
    ]
    robust = switch = None
    if logged.expected is not None and logged.modelled is not None:
        robust = _robust(logged, weights, people)
        switch = _robust(logged, np.where(weights > EXTREME * np.sqrt(n), 0.0, weights), people)
    return Estimates(found[0], found[1], robust, switch, effective(weights), mean, n)


def difference(first: Logged, second: Logged) -> Estimate | None:
    """How much more the first policy brings than the second on the same rows: doubly robust where both have a
    model, else SNIPS. What both have in common cancels out. None where there is no proof either way: too few
    people with a reward are to be expected on either side of where the two part (see `rewarded_apart`)."""
    people = _places(first.person)
    value, apart = _apart(first, second)
    if not apart.any():
        return Estimate(0.0, 0.0, 0.0)
    if rewarded_apart(first, second) < LEAST_REWARDED:
        return None
    return _interval(value, apart, people, first, np.abs(first.weights - second.weights))


def _apart(first: Logged, second: Logged) -> tuple[float, Floats]:
    """How much more the first brings, and each decision's influence on it: none where both take the same."""
    robust = [_robust_rows(each) for each in (first, second)]
    if robust[0] is None or robust[1] is None:
        values, influences = zip(*(_influence(each) for each in (first, second)), strict=True)
        return values[0] - values[1], influences[0] - influences[1]
    more = np.where(_alike(first, second), 0.0, robust[0] - robust[1])
    return float(more.mean()), more - more.mean()


def _alike(first: Logged, second: Logged) -> NDArray[np.bool_]:
    """Where both are known to take the same."""
    if first.choice is None or second.choice is None:
        return np.zeros(len(first.reward), dtype=bool)
    return np.asarray(first.choice == second.choice)


def rewarded_apart(first: Logged, second: Logged) -> float:
    """How many people with a reward are to be expected, effectively, where two policies part, on the side of
    the two that has fewer: those who count more for the one, and those who count more for the other, by
    weight, each times the share with a reward of both together.

    Both numbers are Kish's, so that one great weight or one great payment counts as one person. The share is
    of both sides, that no side is taken for certain because nobody on it happened to pay.
    """
    people, parted = _places(first.person), first.weights - second.weights
    rewarded = effective(_by_person(people, np.abs(first.reward) * (parted != 0)))
    among = int(np.count_nonzero(_by_person(people, np.abs(parted))))
    sides = [effective(_by_person(people, np.maximum(sign * parted, 0.0))) for sign in (1, -1)]
    return min(sides) * rewarded / max(among, 1)


def _by_person(people: Ints, column: Floats) -> Floats:
    return np.bincount(people, column).astype(np.float64)


def _robust_rows(logged: Logged) -> Floats | None:
    """What the policy brings by each decision, doubly robust; None where there is no model."""
    if logged.expected is None or logged.modelled is None:
        return None
    return logged.expected + logged.weights * (logged.reward - logged.modelled)


def _influence(logged: Logged) -> tuple[float, Floats]:
    """SNIPS, and each decision's influence on it."""
    weights = logged.weights
    value = float((weights * logged.reward).sum() / weights.sum()) if weights.any() else 0.0
    return value, weights * (logged.reward - value) / (weights.mean() or 1.0)


def _robust(logged: Logged, weights: Floats, people: Ints) -> Estimate:
    assert logged.expected is not None
    assert logged.modelled is not None
    rows = logged.expected + weights * (logged.reward - logged.modelled)
    return _interval(float(rows.mean()), rows - rows.mean(), people, logged, weights)


def effective(weights: Floats) -> float:
    """Kish's effective sample size of weighted rows."""
    squares = float((weights**2).sum())
    return float(weights.sum() ** 2 / squares) if squares else 0.0


def refuse_without_support(policy: str | Words, logged: Logged) -> None:
    """Raises UserError where the log cannot say what the policy would have brought, and with what it could:
    nothing else could have been chosen in too many decisions, its choices are not among the logged ones, or
    too few decisions count for it."""
    if not len(logged.reward):
        raise UserError("no decision is 30 days old yet: there is nothing to judge by", field="policy")
    weights = logged.weights
    unsupported = float(np.mean((1 - logged.chance) * (logged.propensity >= 1)))
    if unsupported > MOST_UNSUPPORTED:
        raise UserError(
            "the log cannot say what %(policy)s would have brought: in %(share)s of the decisions nothing"
            " else could have been chosen (at most %(most)s may be so); leave some choices to chance",
            field="policy", policy=policy, share=f"{unsupported:.0%}", most=f"{MOST_UNSUPPORTED:.0%}",
        )  # fmt: skip
    missing = 1 - _most(weights, _places(logged.person))
    if missing > MOST_UNSUPPORTED:
        raise UserError(
            "the log cannot say what %(policy)s would have brought: %(share)s of its choices were never made"
            " (at most %(most)s may be missing)",
            field="policy", policy=policy, share=f"{missing:.0%}", most=f"{MOST_UNSUPPORTED:.0%}",
        )  # fmt: skip
    if _least(weights, _places(logged.person)) > 1 + MOST_UNSUPPORTED:
        raise UserError(
            "the log cannot say what %(policy)s would have brought: its choices were made more often than the"
            " probabilities kept with them say, by a factor of %(times)s; they cannot be right",
            field="policy", policy=policy, times=round(float(weights.mean()), 2),
        )  # fmt: skip
    ess = min(effective(weights), effective(_by_person(_places(logged.person), weights)))
    if ess < LEAST_ESS:
        raise UserError(
            "the log cannot say what %(policy)s would have brought: its choices were made so seldom that the"
            " effective number of decisions is %(found)s (least %(least)s); a longer window helps, or more"
            " choices left to chance",
            field="policy", policy=policy, found=round(ess), least=round(LEAST_ESS),
        )  # fmt: skip
    if logged.reward.any() and _rewarded(logged) < LEAST_BEHIND:
        raise UserError(
            "the log cannot say what %(policy)s would have brought: too few of those who paid count for it"
            " (effectively %(found)s, least %(least)s); a longer window helps, or more left to chance",
            field="policy", policy=policy, found=round(_rewarded(logged), 1), least=round(LEAST_BEHIND),
        )  # fmt: skip


def _rewarded(logged: Logged) -> float:
    """How many people with a reward are to be expected, effectively, among those who make up the spread of
    the estimate: they count by the square of their weight."""
    people = _places(logged.person)
    weights = _by_person(people, logged.weights)
    rewards = _by_person(people, np.abs(logged.reward) * (logged.weights > 0))
    return effective(weights**2) * effective(rewards) / max(int(np.count_nonzero(weights)), 1)


def _most(weights: Floats, people: Ints) -> float:
    """The mean weight as high as it may well be: where even this is below 1, choices are missing."""
    return float(weights.mean()) + 4 * _spread(weights, people)


def _least(weights: Floats, people: Ints) -> float:
    """The mean weight as low as it may well be: where even this is above 1, the propensities are wrong."""
    return float(weights.mean()) - 4 * _spread(weights, people)


def _spread(weights: Floats, people: Ints) -> float:
    """The standard error of the mean weight, by person."""
    sums = np.bincount(people, weights)
    return float(sums.std() * np.sqrt(len(sums)) / len(weights))


def _places(person: Ints) -> Ints:
    return np.unique(person, return_inverse=True)[1].astype(np.int64)


def _interval(
    value: float, influence: Floats, people: Ints, logged: Logged, weights: Floats, *, skewed: bool = False
) -> Estimate:
    """Value and interval from each decision's influence (mean 0), summed by person. Where the influence is
    `skewed` by its make, as counts are, the side without a tail needs no more than the skewness says."""
    sums = np.bincount(people, influence)
    if not weights.any():
        return Estimate(value, value, value)
    if int(np.sum(np.bincount(people, (weights > 0) & (logged.reward != 0)) > 0)) < FEW:
        sums = np.append(sums, _unseen(logged, weights))
    count, n = len(sums), len(influence)
    off = sums - sums.mean()
    second = float((off**2).mean())
    if second <= 0:
        return Estimate(value, value, value)
    error = float(np.sqrt(second * count**2 / max(count - 1, 1))) / n
    kurtosis, skew = float((off**4).mean()) / second**2, float((off**3).mean()) / second**1.5
    student = _student(min(count - 1.0, max(2.0, 2 * count / max(kurtosis - 1, 1e-9))))
    normal, lean = _student(1e9), skew / np.sqrt(count)
    below, above = _hall(normal, lean), -_hall(-normal, lean)
    if not skewed or lean <= 0:
        below = max(student, below)
    if not skewed or lean >= 0:
        above = max(student, above)
    return Estimate(value, value - below * error, value + above * error)


def _unseen(logged: Logged, weights: Floats) -> Floats:
    """The influence of a few people with the highest and the lowest reward: where hardly anybody had one, the
    next may (as Agresti and Coull, 1998, add two of each)."""
    usual = float(weights[weights > 0].mean()) if (weights > 0).any() else 1.0
    span = float(logged.reward.max() - logged.reward.min())
    return np.tile([usual * span, -usual * span / len(logged.reward)], UNSEEN)


def _student(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _hall(quantile: float, skew: float) -> float:
    """Hall's monotone cubic transformation, inverted: the quantile of a skewed mean's t statistic."""
    if abs(skew) < 1e-9:
        return quantile
    return (float(np.cbrt(1 + skew * (quantile - skew / 6))) - 1) * 3 / skew


def folds(person: Ints, count: int = FOLDS) -> Ints:
    """A fold per row; one person's rows share it. It hangs on the person's number only."""
    mixed = person.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(33)) % np.uint64(count)).astype(np.int64)


def crossed(person: Ints, fit_and_predict: Callable[[Ints, Ints], Floats], count: int = FOLDS) -> Floats:
    """Predictions for each row by a model that never saw its person: `fit_and_predict(learned, asked)` gets
    places and answers one row (of numbers) per place asked."""
    fold, answer = folds(person, count), None
    for each in range(count):
        asked = np.flatnonzero(fold == each)
        if not len(asked):
            continue
        found = np.asarray(fit_and_predict(np.flatnonzero(fold != each), asked), dtype=np.float64)
        if answer is None:
            answer = np.empty((len(person), *found.shape[1:]))
        answer[asked] = found
    assert answer is not None
    return answer
