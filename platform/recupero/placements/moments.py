"""Holds on a debtor's line of time."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.moments import About, keys
from recupero.placements.tables import Hold


def moments(about: About) -> dict[str, Select[Any]]:
    """The beginnings of holds."""
    return {
        "hold": keys(
            "hold", Hold.started_at, Hold.id, about.matches(Hold.tenant_id, Hold.debtor_id, Hold.account_id)
        ),
    }


def holds(session: Session, ids: Collection[int]) -> Mapping[int, Hold]:
    """Holds of the tenants in scope by id."""
    mine = among(Hold.tenant_id, scope_of(session).tenant_ids)
    return {one.id: one for one in session.scalars(select(Hold).where(mine, among(Hold.id, ids)))}
