"""Many portfolios at once get the strategy of one: seen before, done, and taken back within the hour.

Each portfolio gets a version of its own, as if somebody had typed it there. One that somebody changed after
it was looked at, or after the order, is left as it is.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.tables import BulkOrder
from recupero.placements import browse, strategies
from recupero.placements.tables import Portfolio

DO = "strategy"
LONGEST = 500  # characters of a reason


@dataclass(frozen=True, slots=True)
class Change:
    """A portfolio that would get the strategy, and what changes: by key what holds now and what would."""

    portfolio: Portfolio
    changed: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the order would do; how many of the chosen it leaves as they are and why (`same`, `currency`)."""

    source: Portfolio
    touched: list[Change]
    spared: Mapping[str, int]


def preview(session: Session, source_id: int, portfolio_ids: Collection[int]) -> Preview:
    """What it means to give the portfolios of the tenants in scope the strategy of another. Amounts of a
    strategy are in its portfolio's currency, so that those in another are left out. Raises UserError where
    none is chosen, NotFound."""
    known = {one.id: one for one in browse.portfolios(session)}
    if not {source_id, *portfolio_ids} <= set(known):
        raise NotFound("no such portfolio")
    source = known[source_id]
    chosen = [one for one in sorted(set(portfolio_ids)) if one != source_id]
    if not chosen:
        raise UserError("choose at least one portfolio", field="portfolios")
    touched, spared = list[Change](), Counter[str]()
    for number in chosen:
        portfolio = known[number]
        why = _spared(source, portfolio)
        if why:
            spared[why] += 1
        else:
            touched.append(Change(portfolio, _changed(portfolio.strategy, source.strategy)))
    return Preview(source, touched, spared)


def _spared(source: Portfolio, portfolio: Portfolio) -> str | None:
    if portfolio.currency != source.currency:
        return "currency"
    return "same" if portfolio.strategy == source.strategy else None


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = sorted({*before, *after})
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def order(
    database: Database, scope: Scope, source_id: int, seen: Mapping[int, int], *, why: str, actor: str
) -> BulkOrder:
    """Give the portfolios the strategy; `seen` is the version of each that somebody looked at. Raises
    UserError as `preview` does, without a reason, where the strategy is unfit or nothing was changed."""
    if not why.strip():
        raise UserError("say why", field="why")
    if len(why) > LONGEST:
        raise UserError("At most %(most)s characters fit here.", field="why", most=LONGEST)
    with database.transaction(scope) as session:
        found = preview(session, source_id, seen)
        strategy = dict(found.source.strategy)
        chosen = [(one.portfolio.tenant_id, one.portfolio.id) for one in found.touched]
    made: dict[str, list[int]] = {}
    for tenant_id, portfolio_id in chosen:
        with database.transaction(Scope(scope.agency_id, (tenant_id,))) as session:
            version = _give(session, portfolio_id, strategy, seen[portfolio_id], actor)
            made |= {str(portfolio_id): [seen[portfolio_id], version]} if version else {}
    if not made:
        raise UserError("it would change nothing", field="portfolios")
    done = [pair for pair in chosen if str(pair[1]) in made]
    with database.transaction(scope) as session:
        kept = BulkOrder(
            agency_id=scope_of(session).agency(), do=DO, tenant_ids=sorted({tenant for tenant, _ in done}),
            account_ids=[], versions=made, changed=len(made), state="done", asked_by=actor,
            asked_at=clock.now(), done_at=clock.now(),
        )  # fmt: skip
        session.add(kept)
        session.flush()
        audit.record(
            session, "outreach.bulk_strategy", f"bulk:{kept.id}", actor=actor, source=source_id,
            portfolios=sorted(portfolio for _, portfolio in done), why=why.strip(),
        )  # fmt: skip
    return kept


def _give(session: Session, portfolio_id: int, strategy: dict[str, Any], seen: int, actor: str) -> int | None:
    """The version that the portfolio has from now on; None where somebody changed it meanwhile."""
    try:
        return strategies.set_strategy(session, portfolio_id, strategy, actor=actor, instead_of=seen)
    except Conflict:
        return None


def take_back(session: Session, versions: Mapping[str, Sequence[int]], *, actor: str) -> int:
    """Give the portfolios of the one tenant in scope the strategies that they had before an order; how many.
    One that somebody changed since keeps theirs."""
    changed = 0
    for portfolio in browse.portfolios(session):
        before, after = versions.get(str(portfolio.id), (0, 0))
        if not after or portfolio.strategy_version != after:
            continue
        earlier = {one.version: one.strategy for one in strategies.versions(session, portfolio.id)}
        changed += bool(_give(session, portfolio.id, dict(earlier[before]), after, actor))
    return changed
