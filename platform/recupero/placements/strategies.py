"""A portfolio's strategy over time: each change is a version, and a decision names the one it was made under.

What a strategy may say is the business of the room that reads it: it hears of each and refuses what is unfit.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound
from recupero.placements.events import StrategyStated
from recupero.placements.tables import Portfolio, StrategyDraft, StrategyVersion


def set_strategy(
    session: Session,
    portfolio_id: int,
    strategy: dict[str, Any],
    *,
    actor: str,
    instead_of: int | None = None,
) -> int:
    """Give a portfolio of the tenant in scope a new strategy, whole; the number of its version. One that says
    the same makes none. Plans use it from now on; what they scheduled before is looked at by the next one.

    `instead_of` is the version that the caller had before them. Raises UserError at the key that is unfit,
    Conflict where somebody else changed it meanwhile, NotFound.
    """
    tenant = scope_of(session).tenant()
    portfolio = session.execute(
        select(Portfolio).where(Portfolio.tenant_id == tenant, Portfolio.id == portfolio_id).with_for_update()
    ).scalar_one_or_none()
    if portfolio is None:
        raise NotFound("no such portfolio")
    if instead_of is not None and instead_of != portfolio.strategy_version:
        raise Conflict("somebody else changed this strategy meanwhile: look at theirs first")
    before = portfolio.strategy
    if strategy == before:
        return portfolio.strategy_version
    check(session, strategy)
    portfolio.strategy, portfolio.strategy_version = strategy, portfolio.strategy_version + 1
    keep(session, portfolio, actor=actor)
    audit.record(
        session, "placements.set_strategy", f"portfolio:{portfolio_id}", actor=actor, tenant_id=tenant,
        version=portfolio.strategy_version, before=before, after=strategy,
    )  # fmt: skip
    return portfolio.strategy_version


def check(session: Session, strategy: dict[str, Any]) -> None:
    """Raises UserError at the key that is unfit."""
    events.publish(session, StrategyStated(strategy))


def keep(session: Session, portfolio: Portfolio, *, actor: str) -> None:
    """Keep the strategy that the portfolio has now as its newest version."""
    session.add(
        StrategyVersion(
            tenant_id=portfolio.tenant_id, portfolio_id=portfolio.id, version=portfolio.strategy_version,
            strategy=portfolio.strategy, made_by=actor, made_at=clock.now(),
        )
    )  # fmt: skip
    session.flush()


def draft(session: Session, portfolio_id: int) -> StrategyDraft | None:
    """The draft of a portfolio in scope."""
    return session.execute(
        select(StrategyDraft).where(
            StrategyDraft.tenant_id.in_(scope_of(session).tenant_ids),
            StrategyDraft.portfolio_id == portfolio_id,
        )
    ).scalar_one_or_none()


def keep_draft(session: Session, portfolio_id: int, strategy: dict[str, Any], *, actor: str) -> None:
    """Keep a strategy to think about, in place of an earlier draft; no plan uses it. Raises UserError at the
    key that is unfit."""
    check(session, strategy)
    _forget(session, portfolio_id)
    tenant = scope_of(session).tenant()
    session.add(
        StrategyDraft(
            tenant_id=tenant, portfolio_id=portfolio_id, strategy=strategy, made_by=actor, made_at=clock.now()
        )
    )
    session.flush()
    audit.record(
        session, "placements.draft_strategy", f"portfolio:{portfolio_id}", actor=actor, tenant_id=tenant,
        draft=strategy,
    )  # fmt: skip


def drop_draft(session: Session, portfolio_id: int, *, actor: str) -> None:
    """Throw the draft away. Raises NotFound where there is none."""
    if not _forget(session, portfolio_id):
        raise NotFound("there is no draft")
    audit.record(
        session, "placements.drop_strategy_draft", f"portfolio:{portfolio_id}", actor=actor,
        tenant_id=scope_of(session).tenant(),
    )  # fmt: skip


def activate_draft(session: Session, portfolio_id: int, *, actor: str, instead_of: int | None = None) -> int:
    """Make the draft the portfolio's strategy; the number of its version. Raises as `set_strategy`."""
    found = draft(session, portfolio_id)
    if found is None:
        raise NotFound("there is no draft")
    version = set_strategy(session, portfolio_id, found.strategy, actor=actor, instead_of=instead_of)
    _forget(session, portfolio_id)
    return version


def _forget(session: Session, portfolio_id: int) -> bool:
    gone = session.execute(
        delete(StrategyDraft)
        .where(
            StrategyDraft.tenant_id == scope_of(session).tenant(), StrategyDraft.portfolio_id == portfolio_id
        )
        .returning(StrategyDraft.id)
    ).all()
    return bool(gone)


def versions(session: Session, portfolio_id: int) -> Sequence[StrategyVersion]:
    """All versions of a portfolio in scope, newest first."""
    return (
        session.execute(
            select(StrategyVersion)
            .where(
                StrategyVersion.tenant_id.in_(scope_of(session).tenant_ids),
                StrategyVersion.portfolio_id == portfolio_id,
            )
            .order_by(StrategyVersion.version.desc())
        )
        .scalars()
        .all()
    )
