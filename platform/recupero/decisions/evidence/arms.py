"""What the arms of a portfolio's strategy brought, each beside the people who are in none.

Who is in an arm was drawn by lot, by person, so that what differs is the arm itself. Everybody counts as they
were drawn, whatever became of them, by what came in the same number of days: from the beginning of the arm,
or from the person's first account after it, and only where those days passed before the arm ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from recupero.decisions.columns import Ints, read
from recupero.decisions.history.control import Group, draws
from recupero.decisions.history.outcomes import EVENTS
from recupero.decisions.measures.differences import Difference, of_ratios, of_shares, plenty
from recupero.decisions.strategies.branches import arm_of
from recupero.decisions.strategies.strategy import Strategy, parse
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.payments.books.dating import moved
from recupero.placements import browse, strategies
from recupero.placements.tables import Portfolio, StrategyVersion
from recupero.tenancy import queries as tenancy

#: Days that may be asked for, the usual one first.
DAYS = (30, 60, 90)
MOST_ENDED = 12  # of arms that are over, the newest


@dataclass(frozen=True, slots=True)
class Side:
    """The people of an arm, or those in none, whose days have passed. `waiting`: whose have not yet;
    `accounts` and `placed_minor` as they were placed. Money in minor units: `cost_minor` of the `contacts`,
    `recovered_minor` net of what was taken back. `contacted`, `payers`, `complaints`, `opt_outs` and `harmed`
    (either of the two) are people."""

    people: int
    waiting: int
    accounts: int
    placed_minor: int
    contacted: int
    contacts: int
    cost_minor: int
    payers: int
    recovered_minor: int
    complaints: int
    opt_outs: int
    harmed: int


@dataclass(frozen=True, slots=True)
class ArmBrought:
    """An arm from `start` to `end` (None: it is in force), by the strategy's `versions` (first and last),
    beside the people in none. Differences are the arm's less theirs: of `recovered_minor`, `contacts` and
    `cost_minor` per person, of people who paid and who were `harmed` as shares."""

    name: str
    share: float
    then: Mapping[str, Any]
    versions: tuple[int, int]
    start: datetime
    end: datetime | None
    arm: Side
    none: Side
    recovered_minor: Difference
    share_paying: Difference
    contacts: Difference
    cost_minor: Difference
    share_harmed: Difference


@dataclass(frozen=True, slots=True)
class Arms:
    """The arms of one portfolio, those in force first, then the newest that ended."""

    portfolio_id: int
    currency: str
    days: int
    arms: tuple[ArmBrought, ...]

    def to_json(self) -> dict[str, Any]:
        rows = [
            {**asdict(each), "start": each.start.isoformat(), "end": each.end and each.end.isoformat()}
            for each in self.arms
        ]
        return {**asdict(self), "arms": rows}


@dataclass(frozen=True, slots=True)
class Spell:
    """An arm for as long as the same people are in it, the same are in none, and the same holds for it."""

    strategy: Strategy  # of its first version
    place: int
    then: Mapping[str, Any]  # as it is kept
    versions: tuple[int, int]
    start: datetime
    end: datetime | None = None

    def goes_on(self, other: Spell) -> bool:
        """Whether another of the next version is the same arm."""
        return self._drawn() == other._drawn() and self.then == other.then

    def _drawn(self) -> tuple[str, float, float, float]:
        shares = [arm.share for arm in self.strategy.arms]
        name = self.strategy.arms[self.place].name
        return name, sum(shares[: self.place]), shares[self.place], sum(shares)


def spells(versions: Sequence[StrategyVersion]) -> list[Spell]:
    """The arms of a strategy over its versions (any order): those in force first, then the others, newest
    first. What cannot be read planned nobody: its arms are none."""
    running: list[Spell] = []
    ended: list[Spell] = []
    for one in sorted(versions, key=lambda one: one.version):
        before, running = running, []
        for found in _arms(one):
            same = next((each for each in before if each.goes_on(found)), None)
            first = same.versions[0] if same else one.version
            running.append(replace(same or found, versions=(first, one.version)))
        over = [each for each in before if not any(each.goes_on(now) for now in running)]
        ended += [replace(each, end=one.made_at) for each in over]
    return running + sorted(ended, key=lambda each: each.start, reverse=True)


def _arms(version: StrategyVersion) -> list[Spell]:
    try:
        strategy = parse(version.strategy)
    except UserError:
        return []
    return [
        Spell(strategy, place, row["then"], (version.version,) * 2, version.made_at)
        for place, row in enumerate(version.strategy.get("arms", ()))
    ]


def arms(session: Session, portfolio_id: int, days: int = DAYS[0]) -> Arms:
    """What the arms of a portfolio of the one tenant in scope brought within so many days of each person's
    entry. The control group is in none of them: nobody works it.

    Raises UserError for other days than `DAYS`, NotFound.
    """
    if days not in DAYS:
        raise UserError(
            "the days must be one of %(known)s", field="days", known=", ".join(str(one) for one in DAYS)
        )
    portfolio = browse.portfolio(session, portfolio_id)
    found = spells(strategies.versions(session, portfolio_id))
    running = [each for each in found if each.end is None]
    lasted = [each for each in found if each.end and each.end - each.start >= timedelta(days=days)]
    people: dict[tuple[datetime, datetime | None], dict[str, Ints]] = {}
    rows = []
    for spell in (*running, *lasted[:MOST_ENDED]):
        period = (spell.start, spell.end)
        if period not in people:
            people[period] = _worked(session, portfolio, days, *period)
        rows.append(_brought(spell, portfolio_id, people[period]))
    return Arms(portfolio_id, portfolio.currency, days, tuple(rows))


#: No debtor's days end later.
_LAST = "%(known)s::timestamptz + %(days)s * interval '1 day'"
_PEOPLE = f"""
WITH p AS MATERIALIZED (
    SELECT a.id, a.debtor_id, a.placed_minor,
        greatest(coalesce(b.started_at, a.placed_on::timestamptz), %(start)s::timestamptz) AS at
    FROM accounts a LEFT JOIN import_batches b ON b.tenant_id = a.tenant_id AND b.id = a.batch_id
    WHERE a.tenant_id = %(tenant)s AND a.portfolio_id = %(portfolio)s AND a.currency = %(currency)s
      AND (a.closed_at IS NULL OR a.closed_at > %(start)s::timestamptz)
), m AS MATERIALIZED (
    SELECT debtor_id, min(at) AS at, min(at) + %(days)s * interval '1 day' AS until
    FROM p WHERE at <= %(known)s::timestamptz GROUP BY debtor_id
), placed AS (
    SELECT p.debtor_id, count(*) AS accounts, sum(p.placed_minor) AS placed_minor
    FROM p JOIN m ON m.debtor_id = p.debtor_id WHERE p.at <= m.until GROUP BY p.debtor_id
), money AS (
    SELECT p.debtor_id, sum(x.amount_minor) AS recovered_minor
    FROM ({moved("%(tenant)s", "%(start)s::timestamptz", _LAST)}) x
    JOIN p ON p.id = x.account_id JOIN m ON m.debtor_id = p.debtor_id
    WHERE x.at > m.at AND x.at <= m.until GROUP BY p.debtor_id
), made AS (
    SELECT p.debtor_id, count(*) AS contacts, sum(
        CASE WHEN c.cost_minor > 0 AND coalesce(c.cost_currency, %(currency)s) = %(currency)s
            THEN c.cost_minor ELSE coalesce(d.cost_minor, 0) END
    ) AS cost_minor
    FROM contacts c JOIN p ON p.id = c.account_id JOIN m ON m.debtor_id = p.debtor_id
    LEFT JOIN actions w ON w.tenant_id = c.tenant_id AND w.id = c.action_id
    LEFT JOIN decisions d ON d.tenant_id = w.tenant_id AND d.id = w.decision_id
    WHERE c.tenant_id = %(tenant)s AND c.direction = 'outbound' AND c.state <> 'failed'
      AND c.at > m.at AND c.at <= m.until
    GROUP BY p.debtor_id
), harm AS (
    SELECT m.debtor_id, max((e.kind = 'complaint')::int) AS complaints,
        max((e.kind = 'opt_out')::int) AS opt_outs
    FROM ({EVENTS}) e JOIN m ON m.debtor_id = e.debtor_id
    WHERE e.tenant_id = %(tenant)s AND e.kind IN ('complaint', 'opt_out') AND e.at > m.at AND e.at <= m.until
    GROUP BY m.debtor_id
)
SELECT d.person_id, (m.until <= %(known)s::timestamptz)::int::bigint, placed.accounts::bigint,
    placed.placed_minor::bigint, coalesce(money.recovered_minor, 0)::bigint,
    coalesce(made.contacts, 0)::bigint, coalesce(made.cost_minor, 0)::bigint,
    coalesce(harm.complaints, 0)::bigint, coalesce(harm.opt_outs, 0)::bigint
FROM m JOIN debtors d ON d.tenant_id = %(tenant)s AND d.id = m.debtor_id
JOIN placed ON placed.debtor_id = m.debtor_id
LEFT JOIN money ON money.debtor_id = m.debtor_id
LEFT JOIN made ON made.debtor_id = m.debtor_id
LEFT JOIN harm ON harm.debtor_id = m.debtor_id
"""  # noqa: S608 - constants of ours
_COLUMNS = (
    "person", "whole", "accounts", "placed_minor", "recovered_minor", "contacts", "cost_minor", "complaints",
    "opt_outs",
)  # fmt: skip


def _worked(
    session: Session, portfolio: Portfolio, days: int, start: datetime, end: datetime | None
) -> dict[str, Ints]:
    """What came of each person of the portfolio from their entry on, by `_COLUMNS`; without those whom the
    control group held meanwhile."""
    tenant = tenancy.tenant(session)
    found, _floats = read(
        session, _PEOPLE, _COLUMNS, (),
        {
            "tenant": scope_of(session).tenant(), "portfolio": portfolio.id, "currency": portfolio.currency,
            "start": start, "known": end or clock.now(), "days": days,
        },
    )  # fmt: skip
    group = Group.of(tenant.settings)
    shares = [share for at, *both in group.changes if at > start for share in both]
    worked = draws(tenant.id, found["person"]) >= max([group.share, *shares])
    return {name: column[worked] for name, column in found.items()}


def _brought(spell: Spell, portfolio_id: int, people: dict[str, Ints]) -> ArmBrought:
    drawn = arm_of(spell.strategy, portfolio_id, people["person"])
    inside, outside = drawn == spell.place, drawn == len(spell.strategy.arms)
    one, none = _side(people, inside), _side(people, outside)
    taken = (inside | outside) & (people["whole"] > 0)
    other, counts = outside[taken], (one.people, none.people)

    def each(name: str, *seen: int) -> Difference:
        column = people[name][taken].astype(np.float64)
        return of_ratios(column, np.ones(len(column)), other, enough=plenty(counts, *seen))

    def shares(name: str) -> Difference:
        seen = (getattr(one, name), getattr(none, name))
        return of_shares((seen[0], one.people), (seen[1], none.people), enough=plenty(counts, max(seen)))

    arm, contacted = spell.strategy.arms[spell.place], max(one.contacted, none.contacted)
    return ArmBrought(
        arm.name, arm.share, spell.then, spell.versions, spell.start, spell.end, one, none,
        each("recovered_minor", one.payers, none.payers), shares("payers"), each("contacts", contacted),
        each("cost_minor", contacted), shares("harmed"),
    )  # fmt: skip


def _side(people: dict[str, Ints], mine: NDArray[np.bool_]) -> Side:
    whole = mine & (people["whole"] > 0)
    of = {name: column[whole] for name, column in people.items()}
    sums = {name: int(of[name].sum()) for name in _COLUMNS[2:]}
    return Side(
        people=int(whole.sum()), waiting=int(mine.sum() - whole.sum()),
        contacted=int((of["contacts"] > 0).sum()), payers=int((of["recovered_minor"] > 0).sum()),
        harmed=int((of["complaints"] + of["opt_outs"] > 0).sum()), **sums,
    )  # fmt: skip
