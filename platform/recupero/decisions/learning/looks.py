"""What was seen of the models day by day: drift of those that serve, and challengers in shadow."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from recupero.decisions.learning import registry
from recupero.decisions.learning.registry import Version
from recupero.decisions.tables import ModelLook
from recupero.kernel import clock
from recupero.kernel.database import scope_of

DRIFT, SHADOW = "drift", "shadow"
#: Looks of one kind that a page shows.
KEPT = 60


def keep(
    session: Session,
    version: Version,
    what: str,
    figures: Mapping[str, Any],
    *,
    alarm: bool = False,
    against: str | None = None,
) -> None:
    """Write down what was seen of a version now."""
    session.add(
        ModelLook(
            agency_id=scope_of(session).agency(), at=clock.now(), name=version.name, version=version.version,
            what=what, against=against, figures=dict(figures), alarm=alarm,
        )
    )  # fmt: skip
    session.flush()


def newest(session: Session, names: Collection[str]) -> dict[tuple[str, str], ModelLook]:
    """The newest look of each kind at each of these models, by name and kind."""
    rows = session.execute(
        select(ModelLook)
        .where(ModelLook.agency_id == scope_of(session).agency(), ModelLook.name.in_(names))
        .ext(distinct_on(ModelLook.name, ModelLook.what))
        .order_by(ModelLook.name, ModelLook.what, ModelLook.at.desc(), ModelLook.id.desc())
    ).scalars()
    return {(row.name, row.what): row for row in rows}


def history(session: Session, name: str, what: str) -> list[ModelLook]:
    """The newest looks of one kind at a model, oldest first."""
    rows = session.execute(
        select(ModelLook)
        .where(
            ModelLook.agency_id == scope_of(session).agency(), ModelLook.name == name, ModelLook.what == what
        )
        .order_by(ModelLook.at.desc(), ModelLook.id.desc())
        .limit(KEPT)
    ).scalars()
    return list(rows)[::-1]


def drifted(session: Session) -> list[ModelLook]:
    """The models of the agency and of the creditors in scope whose accounts had moved at the newest look."""
    scope = scope_of(session)
    rows = session.execute(
        select(ModelLook)
        .where(ModelLook.agency_id == scope.agency(), ModelLook.what == DRIFT)
        .ext(distinct_on(ModelLook.name))
        .order_by(ModelLook.name, ModelLook.at.desc(), ModelLook.id.desc())
    ).scalars()
    mine = {None, *scope.tenant_ids}
    return [row for row in rows if row.alarm and registry.parts_of(row.name)[1] in mine]
