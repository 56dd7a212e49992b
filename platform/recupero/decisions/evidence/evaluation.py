"""What another policy would have brought, from decisions as they were logged with their propensities.

The estimates and their intervals are `offpolicy`'s; decisions on one person belong together. The doubly
robust one rests on a plain model of what each option of a decision brings, by its channel, its value in the
plan and the score, fitted on other people. Where the log holds too little of what the policy would do, it
refuses to speak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history import experience
from recupero.decisions.learning import action_models, registry, serving, valuing
from recupero.decisions.learning.valuing import KIND
from recupero.decisions.measures import offpolicy
from recupero.decisions.measures.offpolicy import Logged
from recupero.decisions.planning.recording import WAIT
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero_sdk.law import CHANNELS

WINDOW = timedelta(days=30)
#: Decisions from which a model of the reward is fitted, and how strongly it is held back (in decisions).
LEAST_ROWS, RIDGE = 100, 30.0
Option = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Money per decision within 30 days, net of cost, in minor units of `currency`, with a 95% interval.

    `value`, `low` and `high` are those of `estimator`: doubly robust where its model could be fitted, else
    SNIPS. The others stand beside them; `ess` is the effective number of decisions behind them, `weight`
    the mean weight (near 1 where the log holds what the policy does).
    """

    policy: str
    currency: str
    value: float
    low: float
    high: float
    estimator: str
    ips: float
    snips: float
    switch: float | None
    ess: float
    weight: float
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

    Policies: `champion` (the option of the highest value), `wait` (never contact), a channel of law (by it
    where it was open, else wait), or `next_action` (the channel, or waiting, that the served model of actions
    thinks best, on decisions that were made after those it learned from). Raises UserError where the policy
    is unknown, the currencies are several, or the log does not support an answer.
    """
    if policy != KIND and policy not in POLICIES:
        raise UserError(
            "unknown policy '%(policy)s': use %(known)s",
            field="policy",
            policy=policy,
            known=", ".join([*POLICIES, KIND]),
        )
    try:
        currency, logged = _served(session) if policy == KIND else _read(session, POLICIES[policy])
    except ValueError as error:
        raise UserError(
            "the decisions kept cannot be judged by: %(why)s", field="policy", why=error
        ) from error
    offpolicy.refuse_without_support(policy, logged)
    found = offpolicy.estimate(logged)
    best = found.best
    return Estimate(
        policy, currency, best.value, best.low, best.high, "doubly robust" if found.robust else "snips",
        found.ips.value, found.snips.value, found.switch.value if found.switch else None, found.ess,
        found.weight, found.n,
    )  # fmt: skip


_DECISIONS = """
SELECT d.tenant_id, d.run_id, d.account_id, a.debtor_id, a.currency, d.choice, d.channel, d.scheduled_at,
    d.propensity, d.cost_minor, d.alternatives, d.score,
    d.reasons @> '[{"code": "better_elsewhere"}]' AS elsewhere,
    coalesce((SELECT sum(x.amount_minor) FROM allocations x WHERE x.tenant_id = d.tenant_id
        AND x.account_id = d.account_id AND x.at > d.at AND x.at <= d.at + CAST(:window AS interval)), 0) AS
        paid
FROM decisions d JOIN accounts a ON a.tenant_id = d.tenant_id AND a.id = d.account_id
WHERE d.tenant_id = ANY(:tenants) AND d.at <= :until AND jsonb_array_length(d.alternatives) > 1
ORDER BY d.tenant_id, d.id
"""


@dataclass(frozen=True, slots=True)
class _Case:
    """What one plan decided for one debtor: one choice among the options of all their accounts, each of which
    names its account, the most valuable first and waiting last."""

    account_id: int
    debtor_id: int
    currency: str
    choice: str
    channel: str | None
    scheduled_at: datetime | None
    propensity: float
    score: float | None
    alternatives: list[Option]
    reward: float


def _cases(rows: Iterable[Any]) -> list[_Case]:
    """One per plan and debtor; not those of whom another account than these was chosen."""
    together: dict[tuple[int, int, int], list[Any]] = {}
    for row in rows:
        together.setdefault((row.tenant_id, row.run_id, row.debtor_id), []).append(row)
    found = []
    for some in together.values():
        acted = [row for row in some if row.choice != WAIT]
        if not acted and any(row.elsewhere for row in some):
            continue
        taken = (acted or some)[0]
        options = [
            {**each, "account": row.account_id}
            for row in some
            for each in row.alternatives
            if each["channel"] is not None
        ]
        options.sort(key=lambda each: (-each["value_minor"], each["account"], each["at"]))
        found.append(_Case(
            taken.account_id, taken.debtor_id, taken.currency, taken.choice, taken.channel,
            taken.scheduled_at, taken.propensity, taken.score, [*options, _wait(taken.alternatives)],
            float(sum(row.paid for row in some) - taken.cost_minor),
        ))  # fmt: skip
    return found


def _read(session: Session, choose: Callable[[list[Option]], Option]) -> tuple[str, Logged]:
    rows = _cases(
        session.execute(
            text(_DECISIONS),
            {"tenants": list(scope_of(session).tenant_ids), "until": clock.now() - WINDOW, "window": WINDOW},
        ).all()
    )
    currencies = {row.currency for row in rows}
    if len(currencies) > 1:
        raise _several(currencies)
    chosen = [choose(row.alternatives) for row in rows]
    person = np.array([row.debtor_id for row in rows], dtype=np.int64)
    reward = np.array([row.reward for row in rows])
    expected, modelled = reward_model(rows, chosen, person, reward)
    logged = Logged(
        person,
        reward,
        np.array([_same(row, option) for row, option in zip(rows, chosen, strict=True)], dtype=np.float64),
        np.array([row.propensity for row in rows], dtype=np.float64),
        expected,
        modelled,
    )
    return next(iter(currencies), ""), logged


def reward_model(
    rows: Sequence[Any], chosen: Sequence[Option], person: Ints, reward: Floats
) -> tuple[Floats | None, Floats | None]:
    """The reward of what the policy would choose and of what was chosen, by a ridge regression that never saw
    the person; None where there are too few decisions to fit one."""
    if len(rows) < LEAST_ROWS:
        return None, None
    of_policy = _described(rows, chosen)
    of_log = _described(rows, [_taken(row) for row in rows])

    def fit(learned: Ints, asked: Ints) -> Floats:
        design = of_log[learned]
        middle, spread = design.mean(axis=0), np.maximum(design.std(axis=0), 1e-9)
        scaled = (design - middle) / spread
        usual = float(reward[learned].mean())
        penalty = np.eye(design.shape[1]) * RIDGE
        weights = np.linalg.solve(scaled.T @ scaled + penalty, scaled.T @ (reward[learned] - usual))
        both = [(columns[asked] - middle) / spread @ weights + usual for columns in (of_policy, of_log)]
        return np.stack(both, axis=1)

    both = offpolicy.crossed(person, fit)
    return both[:, 0], both[:, 1]


def _described(rows: Sequence[Any], options: Sequence[Option]) -> Floats:
    """Columns of one option per decision: the score, its value in the plan, and its channel."""
    told = [
        [
            float(row.score or 0.0),
            float(option["value_minor"]),
            float(option["channel"] is not None),
            *(float(option["channel"] == channel) for channel in CHANNELS),
        ]
        for row, option in zip(rows, options, strict=True)
    ]
    return np.array(told)


def _taken(row: Any) -> Option:
    """The alternative that was chosen; one that is not among those kept counts by its channel alone."""
    kept = next((option for option in row.alternatives if _same(row, option)), None)
    return kept or {"channel": row.channel, "value_minor": 0, "at": None}


def _served(session: Session) -> tuple[str, Logged]:
    """The decisions since the served model of actions was trained, asked about its choice of channels."""
    scope = scope_of(session)
    found = serving.champion_version(scope, KIND)
    version = found and registry.with_run(found.name, found.version)
    if version is None:
        raise UserError("no next_action model is registered yet: train one first", field="policy")
    try:
        data = experience.build(session, clock.now())
    except ValueError as error:
        raise UserError("there is nothing to judge by: %(why)s", field="policy", why=error) from error
    rows = np.flatnonzero(data.moment >= version.learned_until).astype(np.int64)
    every = np.ones(len(data), dtype=bool)
    chances = action_models.by_channel(valuing.load(version), data, rows, every) if len(rows) else None
    if chances is None:
        raise UserError(
            "no decision since the model was trained is old enough to judge by: the model learned from those"
            " until %(until)s",
            field="policy", until=version.notes.get(registry.WINDOW_TO, "-"),
        )  # fmt: skip
    agrees, propensity, _best = action_models.by_choice(chances, data, rows)
    reward = (data.outcomes["paid_minor"] - data.outcomes["cost_minor"])[rows]
    return _currency(session), Logged(data.person_id[rows], reward, agrees, propensity)


def _currency(session: Session) -> str:
    """The one currency of the accounts in scope. Raises UserError where there are several."""
    query = text("SELECT DISTINCT currency FROM accounts WHERE tenant_id = ANY(:tenants) ORDER BY 1")
    found = session.execute(query, {"tenants": list(scope_of(session).tenant_ids)}).scalars().all()
    if len(found) > 1:
        raise _several(found)
    return str(found[0]) if found else ""


def _several(currencies: Iterable[str]) -> UserError:
    return UserError(
        "the decisions are in several currencies (%(currencies)s): name one tenant",
        field="tenant",
        currencies=", ".join(sorted(currencies)),
    )


def _same(row: Any, option: Option) -> bool:
    if row.choice == WAIT:
        return option["channel"] is None
    at: str = row.scheduled_at.isoformat()
    mine = option.get("account", row.account_id) == row.account_id
    return bool(mine and row.channel == option["channel"] and at == option["at"])
