"""Which kinds of offers a strategy makes to a debtor today, and in which order.

How far each may go is the creditor's policy (`payments.offers.policy`); which of those that are left suits a
debtor best is the business of the model of offers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.contacts.gate import postal
from recupero.contacts.told import standing_on, told
from recupero.decisions.strategies.branches import branched
from recupero.decisions.strategies.strategy import OFFERS, Strategy, parse
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.placements import reach

_STRATEGIES = text("SELECT id, strategy FROM portfolios WHERE tenant_id = :tenant AND id = ANY (:ids)")


def kinds(session: Session, account_ids: Collection[int]) -> tuple[str, ...]:
    """The kinds that may be offered over these accounts of the tenant in scope: those that the strategies of
    all make, in the order of the largest debt's. A strategy that cannot be read, as plans tell, says nothing
    here."""
    return kinds_of(session, [account_ids])[0]


def kinds_of(session: Session, groups: Sequence[Collection[int]]) -> list[tuple[str, ...]]:
    """`kinds` for each group of accounts, read together."""
    accounts = reach.reachable(session, {one for ids in groups for one in ids})
    found = _strategies(session, {one.portfolio_id for one in accounts.values()})
    if all(each.offers == OFFERS and not each.segments and not each.arms for each in found.values()):
        return [OFFERS] * len(groups)
    held = _holding(session, list(accounts.values()), found)
    return [_common([accounts[one] for one in ids if one in accounts], held) for ids in groups]


def _common(accounts: Collection[reach.Reachable], held: Mapping[int, Strategy]) -> tuple[str, ...]:
    largest = max(accounts, key=lambda one: one.balance_minor)
    of_all = [held[one.account_id].offers for one in accounts]
    return tuple(kind for kind in held[largest.account_id].offers if all(kind in offers for offers in of_all))


def _strategies(session: Session, portfolios: Collection[int]) -> Mapping[int, Strategy]:
    asked = {"tenant": scope_of(session).tenant(), "ids": list(portfolios)}
    return {row.id: _read(row.strategy) for row in session.execute(_STRATEGIES, asked)}


def _read(data: Mapping[str, Any]) -> Strategy:
    try:
        return parse(data)
    except UserError:
        return Strategy()


def _holding(
    session: Session, accounts: Collection[reach.Reachable], strategies: Mapping[int, Strategy]
) -> dict[int, Strategy]:
    """What holds for each account now, by its id."""
    import polars as pl

    now, stated = clock.now(), told(session, {one.debtor_id for one in accounts})
    rows = [
        (
            one.account_id, one.person_id, one.portfolio_id, one.due_date, one.balance_minor,
            one.region or postal(one.country, one.postal_code).region, one.language,
            sorted(standing_on(
                [fact for fact in stated.get(one.debtor_id, ()) if fact.account_id in (None, one.account_id)],
                "situation", now.date(),
            )),
        )
        for one in accounts
    ]  # fmt: skip
    schema: dict[str, Any] = {
        "account": pl.Int64, "person": pl.Int64, "portfolio": pl.Int64, "due_date": pl.Date,
        "balance_minor": pl.Int64, "region": pl.String, "language": pl.String,
        "situations": pl.List(pl.String),
    }  # fmt: skip
    found = branched(pl.DataFrame(rows, schema=schema, orient="row"), strategies, now)
    places = found.accounts.select("account", "branch").iter_rows()
    return {account: found.branches[branch].strategy for account, branch in places}
