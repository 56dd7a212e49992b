"""What choosing by a new version would have brought over choosing by the champion, from the decisions made.

A version that says how likely a payment is changes what an option is worth: value + cost is in proportion to
that chance. Both versions choose the best of the options that each decision kept, and the share of people
who paid within 30 days by the one is set against that by the other (see `offpolicy`). Only decisions that
neither learned from are asked (see `contest`), and only such as were made by this kind of model or by the
strategy's order: where a model of actions values the options, these chances change no choice, and where one
serves now nothing is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.history import experience
from recupero.decisions.history.experience import Experience
from recupero.decisions.learning import contest, serving, valuing
from recupero.decisions.learning.registry import FEW_APART, MEASURED, NO_CHOICES, UNSUPPORTED
from recupero.decisions.measures import offpolicy
from recupero.decisions.measures.offpolicy import Estimate, Logged
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError

Told = tuple[dict[str, float], str]
Scorer = Callable[[Mapping[str, Floats], int], Floats]

_CHOICES = text("""
SELECT d.id, d.channel, d.scheduled_at, d.alternatives, d.score FROM decisions d
WHERE d.tenant_id = ANY (:tenants) AND d.id = ANY (:ids) AND d.score > 0
  AND (d.model = 'strategy' OR d.model LIKE :kind)
ORDER BY d.id
""")


def told(found: Estimate, ess: float) -> dict[str, float]:
    """A difference as a run's metrics."""
    return {
        "choices_gain": found.value, "choices_gain_low": found.low, "choices_gain_high": found.high,
        "choices_ess": ess,
    }  # fmt: skip


def of_policies(new: Logged | None, old: Logged | None) -> Told:
    """The new policy against the old one on the same decisions; unsupported where either is, and nothing
    told where they part for too few."""
    if new is None or old is None:
        return {}, UNSUPPORTED
    ess = min(offpolicy.effective(each.weights) for each in (new, old))
    if ess < offpolicy.LEAST_ESS:
        return {}, UNSUPPORTED
    apart = offpolicy.difference(new, old)
    return ({}, FEW_APART) if apart is None else (told(apart, ess), MEASURED)


def over_champion(session: Session, at: datetime, key: str, border: float, new: Scorer, old: Scorer) -> Told:
    """What choosing by `new` brings over choosing by `old`, and how it was found (the note `choices`).
    `border` of their contest, POSIX seconds."""
    if serving.champion_version(scope_of(session), valuing.KIND) is not None:
        return {}, NO_CHOICES
    try:
        made = experience.build(session, at)
    except ValueError:
        return {}, NO_CHOICES
    rows = np.flatnonzero(contest.asked_about(made.account_id, made.moment, border))
    kept = {
        row.id: row
        for row in session.execute(
            _CHOICES,
            {"tenants": list(scope_of(session).tenant_ids), "ids": made.decision_id[rows].tolist(),
             "kind": f"{key}-%"},
        )
    }  # fmt: skip
    rows = rows[np.isin(made.decision_id[rows], list(kept))]
    if not len(rows):
        return {}, NO_CHOICES
    asked = [kept[each] for each in made.decision_id[rows].tolist()]
    values = {name: column[rows] for name, column in made.values.items()}
    policies = [_policy(made, rows, asked, score(values, len(rows))) for score in (new, old)]
    try:
        for each in policies:
            offpolicy.refuse_without_support(key, each)
    except UserError:
        return {}, UNSUPPORTED
    return of_policies(*policies)


def _policy(made: Experience, rows: Ints, asked: list[Any], chance: Floats) -> Logged:
    """The decisions as a log, asked for the choice that these chances of a payment make."""
    agrees = np.array(
        [_taken(row) == _best(row, p / row.score) for row, p in zip(asked, chance.tolist(), strict=True)]
    ).astype(np.float64)
    return Logged(made.person_id[rows], made.outcomes["paid"][rows], agrees, made.propensity[rows])


def _best(row: Any, factor: float) -> tuple[str, str] | None:
    """Channel and moment of the best option where chances are `factor` times what they were; None: wait."""
    best, found = 0.0, None
    for option in row.alternatives:
        if option["channel"] is None:
            continue
        value = (option["value_minor"] + option["cost_minor"]) * factor - option["cost_minor"]
        if value > best:
            best, found = value, (option["channel"], option["at"])
    return found


def _taken(row: Any) -> tuple[str, str] | None:
    return None if row.channel is None else (row.channel, row.scheduled_at.isoformat())
