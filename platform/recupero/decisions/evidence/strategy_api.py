"""A strategy, for machines: tried on this moment's accounts and on past decisions; what its arms brought."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy.orm import Session

from recupero.decisions.evidence import strategy_schemas, trying
from recupero.kernel import clock, rest
from recupero.kernel.errors import NotFound
from recupero.placements import browse, strategies
from recupero.tenancy.guard import requires, tenant_transaction, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("strategies", "Strategies tried")


@blueprint.post("/portfolios/<int:portfolio_id>/strategy/trial")
@requires(Permission.STRATEGY_MANAGE)
@blueprint.arguments(strategy_schemas.TriedStrategySchema)
@blueprint.response(200, strategy_schemas.TrialSchema)
def strategy_trial(data: dict[str, Any], portfolio_id: int) -> Any:
    """What a plan of this moment would do by a strategy, beside the one in force, and what is amiss with it

    Nothing is written."""
    with _of_portfolio(portfolio_id) as session:
        return trying.try_out(session, portfolio_id, _asked(session, portfolio_id, data), clock.now())


@blueprint.post("/portfolios/<int:portfolio_id>/strategy/what-if")
@requires(Permission.STRATEGY_MANAGE)
@blueprint.arguments(strategy_schemas.WhatIfQuerySchema)
@blueprint.response(200, strategy_schemas.WhatIfSchema)
def strategy_what_if(data: dict[str, Any], portfolio_id: int) -> Any:
    """What a strategy would have chosen in a past window, and what it would have brought

    Nothing is written. The value is refused where the decisions made do not hold what it would have done."""
    from recupero.decisions.evidence.what_if import what_if

    with _of_portfolio(portfolio_id) as session:
        asked = _asked(session, portfolio_id, data)
        found = what_if(session, portfolio_id, asked, data["since"], data["until"])
    return asdict(replace(found, why_not=None)) | {"why_not": found.to_json()["why_not"]}


@blueprint.get("/portfolios/<int:portfolio_id>/strategy/arms")
@requires(Permission.DECISIONS_READ)
@blueprint.arguments(strategy_schemas.ArmsQuerySchema, location="query")
@blueprint.response(200, strategy_schemas.ArmsSchema)
def strategy_arms(query: dict[str, Any], portfolio_id: int) -> Any:
    """What the arms of a strategy brought beside the people in none, with 95 % intervals

    Of people whose days have passed while the arm was the same; with a change of shares it begins anew."""
    from recupero.decisions.evidence.arms import arms

    with _of_portfolio(portfolio_id) as session:
        return arms(session, portfolio_id, query["days"])


def _asked(session: Session, portfolio_id: int, data: dict[str, Any]) -> Mapping[str, Any]:
    """The strategy that was sent, else the draft. Raises NotFound where there is neither."""
    if data["strategy"] is not None:
        sent: Mapping[str, Any] = data["strategy"]
        return sent
    draft = strategies.draft(session, portfolio_id)
    if draft is None:
        raise NotFound("there is no draft")
    return draft.strategy


@contextmanager
def _of_portfolio(portfolio_id: int) -> Iterator[Session]:
    """A transaction of the creditor whose portfolio it is."""
    with transaction() as session:
        tenant_id = browse.portfolio(session, portfolio_id).tenant_id
    with tenant_transaction(tenant_id) as session:
        yield session
