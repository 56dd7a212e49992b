"""What happened to a debtor, as one line of time over several rooms: each names its moments as a query of
kind, instant and id; the newest of all are found by one statement, and the rooms read those by their ids."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from recupero.kernel.bulk import among


@dataclass(frozen=True, slots=True)
class About:
    """Whose moments: of these accounts of a debtor, and what is about the debtor as a whole."""

    tenant_id: int
    debtor_id: int
    account_ids: tuple[int, ...]

    def matches(
        self, tenant: InstrumentedAttribute[Any], debtor: InstrumentedAttribute[Any],
        account: InstrumentedAttribute[Any],
    ) -> ColumnElement[bool]:  # fmt: skip
        """Condition on a row that names its debtor and, unless it is about all of theirs, its account."""
        return (
            (tenant == self.tenant_id)
            & (debtor == self.debtor_id)
            & (account.is_(None) | among(account, self.account_ids))
        )


@dataclass(frozen=True, slots=True)
class Key:
    """One moment by what it is of. Sorts as time goes."""

    at: datetime
    kind: str
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.kind}~{self.id}"

    @classmethod
    def read(cls, text: str) -> "Key | None":
        """What `str` wrote; None where it is something else."""
        at, _, rest = text.partition("~")
        kind, _, number = rest.partition("~")
        try:
            return cls(datetime.fromisoformat(at), kind, int(number))
        except ValueError:
            return None


def keys(kind: str, at: Any, number: Any, *where: ColumnElement[bool]) -> Select[Any]:
    """The moments of one kind, for `newest`."""
    return select(literal(kind).label("kind"), at.label("at"), number.label("id")).where(*where)


def newest(
    session: Session, sources: Iterable[Select[Any]], before: Key | None = None, limit: int = 50
) -> list[Key]:
    """The newest moments of all sources, newest first, from the one after `before` on. One statement."""
    every = union_all(*sources).subquery()
    order = tuple_(every.c.at, every.c.kind, every.c.id)
    query = select(every.c.at, every.c.kind, every.c.id)
    if before is not None:
        query = query.where(order < tuple_(literal(before.at), literal(before.kind), literal(before.id)))
    rows = session.execute(
        query.order_by(every.c.at.desc(), every.c.kind.desc(), every.c.id.desc()).limit(limit)
    )
    return [Key(*row) for row in rows]


def ids_of(found: Collection[Key], kind: str) -> list[int]:
    """The ids of one kind among moments."""
    return [key.id for key in found if key.kind == kind]
