"""When each periodic job was last asked for is kept apart from the requests, which were read for it every two
seconds."""

from alembic import op

revision = "0115"
down_revision = "0097"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE periodic_asks (name varchar NOT NULL, asked_at timestamptz NOT NULL,"
        " CONSTRAINT pk_periodic_asks PRIMARY KEY (name))"
    )
    op.execute(
        "INSERT INTO periodic_asks SELECT substr(unique_key, 10), max(created_at) FROM job_requests"
        " WHERE unique_key LIKE 'periodic:%' GROUP BY unique_key"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON periodic_asks TO recupero_app")


def downgrade() -> None:
    op.execute("DROP TABLE periodic_asks")
