"""What debtors dispute, as far as placements knows it: the holds of that kind and the accounts held."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.placements.service import is_open
from recupero.placements.tables import Account, Hold

KIND = "dispute"


@dataclass(frozen=True, slots=True)
class Disputed:
    """One account that is, or was, disputed. A dispute of everything of a debtor (`whole`) has a line for
    each of their accounts. `why` is what the debtor chose on their page, None where it came in otherwise."""

    hold_id: int
    debtor_id: int
    account_id: int
    client_account: str
    portfolio_id: int
    currency: str
    balance_minor: int
    status: str
    whole: bool
    source: str
    began_at: datetime
    ended_at: datetime | None

    @property
    def why(self) -> str | None:
        kind, _colon, why = self.source.partition(":")
        return why if kind == "page" else None

    @property
    def days(self) -> int:
        """How long it has been, or was, open."""
        return ((self.ended_at or clock.now()) - self.began_at).days


def waiting(session: Session) -> list[Disputed]:
    """What is disputed now at the tenants in scope, the oldest first."""
    return _read(session, _query(session).where(is_open()))


def ended(session: Session, hold_ids: Collection[int]) -> dict[int, Disputed]:
    """The first account of each of these disputes of the tenants in scope, by hold."""
    found: dict[int, Disputed] = {}
    for one in _read(session, _query(session).where(among(Hold.id, hold_ids))):
        found.setdefault(one.hold_id, one)
    return found


def of_hold(session: Session, hold_id: int) -> list[Disputed]:
    """The accounts of one dispute. Raises NotFound."""
    found = _read(session, _query(session).where(Hold.id == hold_id))
    if not found:
        raise NotFound("no such dispute")
    return found


def tenant_of(session: Session, hold_id: int) -> int:
    """Whose dispute it is, of the tenants in scope. Raises NotFound."""
    mine = (Hold.tenant_id.in_(scope_of(session).tenant_ids), Hold.id == hold_id, Hold.kind == KIND)
    found = session.execute(select(Hold.tenant_id).where(*mine)).scalar_one_or_none()
    if found is None:
        raise NotFound("no such dispute")
    return found


def _read(session: Session, query: Select[*tuple[Any, ...]]) -> list[Disputed]:
    rows: Sequence[Any] = session.execute(query.order_by(Hold.started_at, Hold.id, Account.id)).all()
    return [Disputed(*row) for row in rows]


def _query(session: Session) -> Select[*tuple[Any, ...]]:
    on_it = (Account.tenant_id == Hold.tenant_id) & (Account.debtor_id == Hold.debtor_id)
    return (
        select(
            Hold.id, Hold.debtor_id, Account.id, Account.client_account, Account.portfolio_id,
            Account.currency, Account.balance_minor, Account.status, Hold.account_id.is_(None), Hold.source,
            Hold.started_at, Hold.ended_at,
        )
        .join(Account, on_it & or_(Hold.account_id.is_(None), Hold.account_id == Account.id))
        .where(Hold.tenant_id.in_(scope_of(session).tenant_ids), Hold.kind == KIND)
    )  # fmt: skip
