"""Key rotation: re-encrypt every personal field under a fresh key, while the platform runs.

The new key is written to the key file first; a running process reads the file again when it meets a value
under a key it does not know. Old keys stay readable. Rows are re-encrypted in batches, agency by agency, each
in its own scope: row-level security holds here, too. A rotation that is cut short is simply run again.
"""

from collections.abc import Iterator

from sqlalchemy import Column, Table, func, select, update
from sqlalchemy.orm import Session

from recupero.kernel import crypto, migrate
from recupero.kernel.config import Config
from recupero.kernel.database import PLATFORM, Database, Scope
from recupero.tenancy.tables import Agency, Tenant

BATCH = 2000


def rotate(database: Database, config: Config) -> dict[str, int]:
    """Add a key, make it active, and re-encrypt. Returns the number of fields rewritten per table.

    Tables that never change by rule (append-only) hold no encrypted field; a test keeps it so.
    """
    ring = crypto.keyring().rotated()
    ring.save(config.key_file)
    crypto.use_keyring(ring)
    scopes = every_scope(database)
    done: dict[str, int] = {}
    for table, columns in encrypted_columns():
        wanted = [PLATFORM] if table.info["scope"] == "platform" else scopes
        done[table.name] = sum(
            _rotate_column(database, scope, table, column, ring.active)
            for scope in wanted
            for column in columns
        )
    return done


def every_scope(database: Database) -> list[Scope]:
    """A scope for each agency with all of its tenants, also those that are not active."""
    with database.transaction(PLATFORM) as session:
        rows = session.execute(
            select(Agency.id, Tenant.id)
            .join(Tenant, Tenant.agency_id == Agency.id, isouter=True)
            .order_by(Agency.id, Tenant.id)
        ).all()
    tenants: dict[int, list[int]] = {}
    for agency_id, tenant_id in rows:
        tenants.setdefault(agency_id, []).extend([] if tenant_id is None else [tenant_id])
    return [Scope(agency_id, tuple(ids)) for agency_id, ids in tenants.items()]


def encrypted_columns() -> Iterator[tuple[Table, list[Column[str]]]]:
    """Each table with personal data and its encrypted columns."""
    for table in migrate.metadata().sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, crypto.EncryptedText)]
        if columns:
            yield table, columns


def _rotate_column(database: Database, scope: Scope, table: Table, column: Column[str], active: int) -> int:
    total = 0
    while True:
        with database.transaction(scope) as session:
            rewritten = _rotate_batch(session, table, column, active)
        total += rewritten
        if rewritten < BATCH:
            return total


def _rotate_batch(session: Session, table: Table, column: Column[str], active: int) -> int:
    """Rewrite up to `BATCH` values whose first byte is not the active key's number."""
    keys = list(table.primary_key.columns)
    stale = func.get_byte(func.substring(column, 1, 1), 0) != active
    rows = session.execute(
        select(*keys, column).where(column.is_not(None), stale).limit(BATCH).with_for_update()
    ).all()
    for row in rows:
        matches = [key == value for key, value in zip(keys, row[:-1], strict=True)]
        session.execute(update(table).where(*matches).values({column: row[-1]}))
    return len(rows)
