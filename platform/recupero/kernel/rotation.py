"""Key rotation: re-encrypt every personal field under a fresh key, while the platform runs.

The new key is written to the key file first; a running process reads the file again when it meets a value
under a key it does not know. Old keys stay readable. Rows are re-encrypted in batches; a rotation that is cut
short is simply run again. It connects as the owner of the tables, who alone sees all tenants.
"""

from collections.abc import Iterator

from sqlalchemy import Column, Table, create_engine, func, select, update
from sqlalchemy.engine import Connection

from recupero.kernel import crypto, migrate
from recupero.kernel.config import Config

BATCH = 2000


def rotate(config: Config) -> dict[str, int]:
    """Add a key, make it active, and re-encrypt. Returns the number of fields rewritten per table.

    Tables that never change by rule (append-only) hold no encrypted field; a test keeps it so.
    """
    ring = crypto.keyring().rotated()
    ring.save(config.key_file)
    crypto.use_keyring(ring)
    engine = create_engine(config.owner_database_url)
    done: dict[str, int] = {}
    with engine.connect() as connection:
        for table, columns in encrypted_columns():
            done[table.name] = sum(_rotate_column(connection, table, column, ring) for column in columns)
    engine.dispose()
    return done


def encrypted_columns() -> Iterator[tuple[Table, list[Column[str]]]]:
    """Each table with personal data and its encrypted columns."""
    for table in migrate.metadata().sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, crypto.EncryptedText)]
        if columns:
            yield table, columns


def _rotate_column(connection: Connection, table: Table, column: Column[str], ring: crypto.Keyring) -> int:
    """Rewrite the values whose first byte is not the active key's number."""
    stale = func.get_byte(func.substring(column, 1, 1), 0) != ring.active
    keys = list(table.primary_key.columns)
    total = 0
    while True:
        rows = connection.execute(
            select(*keys, column)
            .where(column.is_not(None), stale)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        if not rows:
            connection.rollback()
            return total
        for row in rows:
            matches = [key == value for key, value in zip(keys, row[:-1], strict=True)]
            connection.execute(update(table).where(*matches).values({column: row[-1]}))
        connection.commit()
        total += len(rows)
