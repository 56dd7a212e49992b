"""The words of names filed anew: of people who came in before words were filed, or bit by bit."""

import polars as pl
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from recupero.kernel.database import Database, Scope, scope_of
from recupero.placements.imports import naming, sealing
from recupero.placements.imports.running import lock_imports
from recupero.placements.tables import Debtor, NameList, NameWord

#: From so many rows a word, on average, a creditor's words are filed anew.
SCATTERED = 5


def file_anew(database: Database, scope: Scope) -> int:
    """File all debtors of the tenant in scope, in place of what stands; how many. No import of the agency
    runs meanwhile."""
    with database.transaction(scope) as session:
        lock_imports(session)
        tenant = scope.tenant()
        for table in (NameWord, NameList):
            session.execute(delete(table).where(table.tenant_id == tenant))
        people = session.execute(select(Debtor.id, Debtor.name).where(Debtor.tenant_id == tenant)).all()
        frame = pl.DataFrame(
            [(row.id, row.name) for row in people], schema={"id": pl.Int64, "name": pl.String}, orient="row"
        )
        naming.file(session, frame.select("id", sealing.name_keys(frame["name"]).alias("words")))
    return frame.height


def needs_filing(session: Session) -> bool:
    """Whether nobody of the tenant in scope is filed, or their words lie in too many rows."""
    tenant = scope_of(session).tenant()
    filed, words = session.execute(
        select(func.count(), func.count(NameWord.word.distinct())).where(NameWord.tenant_id == tenant)
    ).one()
    if filed:
        return bool(filed > SCATTERED * words)
    return session.execute(select(Debtor.id).where(Debtor.tenant_id == tenant).limit(1)).first() is not None
