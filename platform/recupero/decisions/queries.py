"""What reads decisions and plans: those of one account, and the newest plan of each creditor."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from recupero.decisions.planning import because
from recupero.decisions.strategies.strategy import parse
from recupero.decisions.tables import Decision, PlanRun
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.placements import browse
from recupero.placements.lifecycle import ENDED
from recupero.placements.tables import Portfolio
from recupero.tenancy import queries as tenancy
from recupero.tenancy.tables import Tenant

A_DAY = timedelta(hours=23)  # a little less, so that the hour of the plan does not wander


def decisions_of(session: Session, account_id: int, limit: int = 20) -> Sequence[Decision]:
    """Decisions on an account of the tenants in scope, newest first, with all their reasons."""
    found = (
        session.execute(
            select(Decision)
            .where(Decision.tenant_id.in_(scope_of(session).tenant_ids), Decision.account_id == account_id)
            .order_by(Decision.at.desc(), Decision.id.desc())
            .limit(limit)
        )
        .scalars()
        .all()
    )
    because.tell(session, found)
    return found


def decisions_by_id(session: Session, ids: Collection[int]) -> dict[int, Decision]:
    """Decisions of the tenants in scope, with the rules that led to them."""
    rows = session.execute(
        select(Decision).where(Decision.tenant_id.in_(scope_of(session).tenant_ids), Decision.id.in_(ids))
    ).scalars()
    return {row.id: row for row in rows}


def told_by_id(session: Session, ids: Collection[int]) -> dict[int, Decision]:
    """Decisions of the tenants in scope, with all their reasons."""
    found = decisions_by_id(session, ids)
    because.tell(session, list(found.values()))
    return found


# As planning has it: what a debtor owes in the currency, over all open accounts of the creditor.
_TOLERATED = f"""
SELECT (p.strategy ->> 'tolerance_minor')::bigint FROM accounts a
JOIN portfolios p ON p.tenant_id = a.tenant_id AND p.id = a.portfolio_id
WHERE a.tenant_id = ANY (:tenants) AND a.id = :account AND a.balance_minor > 0
  AND jsonb_typeof(p.strategy -> 'tolerance_minor') = 'number'
  AND (SELECT sum(o.balance_minor) FROM accounts o WHERE o.tenant_id = a.tenant_id
       AND o.debtor_id = a.debtor_id AND o.currency = a.currency AND o.balance_minor > 0
       AND o.status NOT IN ({", ".join(f"'{status}'" for status in sorted(ENDED))}))
      < (p.strategy ->> 'tolerance_minor')::bigint
"""  # noqa: S608 - our own states


def tolerated(session: Session, account_id: int) -> int | None:
    """The sum below which the account's creditor chases nobody (minor units), where its debtor owes less."""
    values = {"tenants": list(scope_of(session).tenant_ids), "account": account_id}
    return session.execute(text(_TOLERATED), values).scalar_one_or_none()


def unread_strategies(session: Session) -> list[Portfolio]:
    """The portfolios of the tenants in scope whose strategy cannot be read: nothing is planned for them."""
    return [one for one in browse.portfolios(session) if not _reads(one.strategy)]


def _reads(data: Mapping[str, Any]) -> bool:
    try:
        parse(data)
    except UserError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class RunLine:
    """The newest plan of one creditor; `expected_value` in minor units by currency."""

    tenant_id: int
    at: datetime
    model: str
    model_version: str
    accounts: int
    planned: int
    blocked: dict[str, int]
    held: dict[str, int]
    expected_value: dict[str, int]
    #: By resource: what one more unit is worth, and how much is left.
    prices: dict[str, list[float]]
    #: Kinds of models that failed in it.
    failed: list[str]


def latest_runs(session: Session) -> list[RunLine]:
    """The newest plan of all accounts of each tenant in scope."""
    tenants = scope_of(session).tenant_ids
    whole = (PlanRun.tenant_id == Tenant.id) & PlanRun.part_of.is_(None)
    newest = select(func.max(PlanRun.id)).where(whole).scalar_subquery()  # of each, by an index of its own
    rows = session.execute(
        select(
            PlanRun.tenant_id, PlanRun.at, PlanRun.model, PlanRun.model_version, PlanRun.accounts,
            PlanRun.planned, PlanRun.blocked, PlanRun.held, PlanRun.expected_value, PlanRun.prices,
            PlanRun.failed,
        )
        .where(
            PlanRun.tenant_id.in_(tenants),
            PlanRun.id.in_(select(newest).select_from(Tenant).where(Tenant.id.in_(tenants))),
        )
        .order_by(PlanRun.tenant_id)
    )  # fmt: skip
    return [RunLine(*tuple(row)) for row in rows]


def next_plans(session: Session) -> dict[int, datetime]:
    """From when on each tenant in scope is planned again, by its setting `plan_every_days` (1 by default);
    now where it never was. Who is due is looked for every hour."""
    every = {tenant.id: tenant.settings.get("plan_every_days", 1) for tenant in tenancy.tenants(session)}
    found = dict.fromkeys(every, clock.now())
    for run in latest_runs(session):
        found[run.tenant_id] = run.at + A_DAY + timedelta(days=int(every[run.tenant_id]) - 1)
    return found


def latest_run(session: Session) -> PlanRun | None:
    """The newest plan of all accounts of the one tenant in scope; None where none was made."""
    return session.execute(
        select(PlanRun)
        .where(PlanRun.tenant_id == scope_of(session).tenant(), PlanRun.part_of.is_(None))
        .order_by(PlanRun.id.desc())
        .limit(1)
    ).scalar_one_or_none()
