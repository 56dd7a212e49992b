"""What a person is rather than does: age, region, language. For checks of fairness only, never a feature."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.placements.tables import Account, Debtor


@dataclass(frozen=True, slots=True)
class Traits:
    """Of an account's debtor. `birth_date` as ISO 8601 where it is kept, `region` as ISO 3166-2."""

    birth_date: str | None
    region: str | None
    language: str


def of_accounts(session: Session, account_ids: Collection[int]) -> dict[int, Traits]:
    """Traits by account of those in scope."""
    rows = session.execute(
        select(Account.id, Debtor.birth_date, Debtor.region, Debtor.language)
        .join(Debtor, (Debtor.tenant_id == Account.tenant_id) & (Debtor.id == Account.debtor_id))
        .where(Account.tenant_id.in_(scope_of(session).tenant_ids), among(Account.id, account_ids))
    )
    return {row.id: Traits(row.birth_date, row.region, row.language) for row in rows}
