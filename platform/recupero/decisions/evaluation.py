"""What another policy would have brought, from decisions as they were logged with their propensities.

Inverse propensity scoring: a decision counts for a policy where it chose what the policy would have,
weighted by
one over the probability with which it was chosen (Horvitz and Thompson, 1952); SNIPS divides by the weights
instead of the count and swings less. The interval is a bootstrap over debtors, because decisions on one
person
belong together. Where the log holds too little of what the policy would do, it refuses to speak.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.recording import WAIT
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero_sdk.law import CHANNELS

WINDOW = timedelta(days=30)
LEAST_ESS = 30.0
MOST_UNSUPPORTED = 0.02  # of the decisions
DRAWS = 1000

Option = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Logged:
    """Columns of logged decisions: what came of each, whether the policy agrees, and how sure the choice
    was."""

    debtor: Ints
    reward: Floats
    agrees: np.ndarray[Any, np.dtype[np.bool_]]
    propensity: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """Money per decision within 30 days, net of cost, in minor units of `currency`, with a 95% interval.

    `value` is SNIPS, `ips` the unnormalised estimate, `ess` the effective number of decisions behind it.
    """

    policy: str
    currency: str
    value: float
    low: float
    high: float
    ips: float
    ess: float
    n: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _greedy(options: list[Option]) -> Option:
    return max(options, key=lambda option: option["value_minor"])


def _wait(options: list[Option]) -> Option:
    return next(option for option in options if option["channel"] is None)


def _by_channel(channel: str) -> Callable[[list[Option]], Option]:
    def choose(options: list[Option]) -> Option:
        return next((option for option in options if option["channel"] == channel), _wait(options))

    return choose


POLICIES: dict[str, Callable[[list[Option]], Option]] = {
    "champion": _greedy,
    "wait": _wait,
    **{channel: _by_channel(channel) for channel in CHANNELS},
}


def evaluate(session: Session, policy: str = "champion") -> Estimate:
    """The value of a policy on the decisions of the tenants in scope whose 30 days have passed.

    Policies: `champion` (the option of the highest value), `wait` (never contact), or a channel of law (by it
    where it was open, else wait). Raises UserError where the policy is unknown, the currencies are several,
    or the
    log does not support an answer.
    """
    if policy not in POLICIES:
        raise UserError(
            "unknown policy '%(policy)s': use %(known)s",
            field="policy",
            policy=policy,
            known=", ".join(POLICIES),
        )
    currency, logged = _read(session, POLICIES[policy])
    _refuse_without_support(policy, logged)
    return Estimate(policy, currency, *_estimate(logged), n=len(logged.reward))


_DECISIONS = """
SELECT a.debtor_id, a.currency, d.choice, d.channel, d.scheduled_at, d.propensity, d.cost_minor,
d.alternatives,
    coalesce((SELECT sum(x.amount_minor) FROM allocations x WHERE x.tenant_id = d.tenant_id
        AND x.account_id = d.account_id AND x.at > d.at AND x.at <= d.at + CAST(:window AS interval)), 0) AS
        paid
FROM decisions d JOIN accounts a ON a.tenant_id = d.tenant_id AND a.id = d.account_id
WHERE d.tenant_id = ANY(:tenants) AND d.at <= :until AND jsonb_array_length(d.alternatives) > 1
  AND NOT d.reasons @> '[{"code": "better_elsewhere"}]'
ORDER BY d.tenant_id, d.id
"""


def _read(session: Session, choose: Callable[[list[Option]], Option]) -> tuple[str, Logged]:
    rows = session.execute(
        text(_DECISIONS),
        {"tenants": list(scope_of(session).tenant_ids), "until": clock.now() - WINDOW, "window": WINDOW},
    ).all()
    currencies = {row.currency for row in rows}
    if len(currencies) > 1:
        raise UserError(
            "the decisions are in several currencies (%(currencies)s): name one tenant",
            field="tenant",
            currencies=", ".join(sorted(currencies)),
        )
    agrees = [_same(row, choose(row.alternatives)) for row in rows]
    logged = Logged(
        np.array([row.debtor_id for row in rows], dtype=np.int64),
        np.array([float(row.paid - row.cost_minor) for row in rows]),
        np.array(agrees, dtype=bool),
        np.array([row.propensity for row in rows], dtype=np.float64),
    )
    return next(iter(currencies), ""), logged


def _same(row: Any, option: Option) -> bool:
    if row.choice == WAIT:
        return option["channel"] is None
    at: str = row.scheduled_at.isoformat()
    return bool(row.channel == option["channel"] and at == option["at"])


def _refuse_without_support(policy: str, logged: Logged) -> None:
    """A choice that was certain says nothing of any other: there the policy must have agreed."""
    if not len(logged.reward):
        raise UserError("no decision is 30 days old yet: there is nothing to judge by", field="policy")
    unsupported = float(np.mean(~logged.agrees & (logged.propensity >= 1)))
    weights = logged.agrees / logged.propensity
    ess = _ess(weights)
    if unsupported > MOST_UNSUPPORTED or ess < LEAST_ESS:
        raise UserError(
            "the log cannot say what %(policy)s would have brought: in %(share)s of the decisions"
            " nothing else could have been chosen, and the effective number of decisions is"
            " %(found)s (least %(least)s)",
            field="policy",
            policy=policy,
            share=f"{unsupported:.0%}",
            found=f"{ess:.0f}",
            least=f"{LEAST_ESS:.0f}",
        )


def _ess(weights: Floats) -> float:
    total = float(weights.sum())
    return total**2 / float((weights**2).sum()) if total else 0.0


def _estimate(logged: Logged) -> tuple[float, float, float, float, float]:
    """SNIPS, its 95% interval, IPS and the effective sample size."""
    weights = logged.agrees / logged.propensity
    _people, place = np.unique(logged.debtor, return_inverse=True)
    gained = np.bincount(place, weights * logged.reward)
    weighed = np.bincount(place, weights)
    draws = np.random.default_rng(0).poisson(1.0, (DRAWS, len(gained)))
    below = draws @ weighed
    sampled = (draws @ gained)[below > 0] / below[below > 0]
    low, high = np.quantile(sampled, (0.025, 0.975))
    value = float(gained.sum() / weighed.sum())
    return value, float(low), float(high), float(gained.sum() / len(logged.reward)), _ess(weights)
