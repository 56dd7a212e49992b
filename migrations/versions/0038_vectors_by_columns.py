"""The vectors of decisions are kept by columns, with the names of their columns once for each list.

Those of decisions made before, arrays of eight bytes a number beside each decision, are brought over.
"""

import hashlib
import zlib

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)

#: What the arrays held, in order, from the first decision to the last.
_NAMES = [
    "balance_log", "balance_rank", "paid_share", "principal_share", "days_past_due", "days_delinquent",
    "age_at_placement", "days_placed", "placement_number", "days_to_limitation", "account_age", "is_firm",
    "phones", "emails", "has_address", "points_bad", "consents", "opt_outs", "other_accounts",
    "attempts_email_7d", "attempts_email_30d", "attempts_email_90d", "attempts_sms_7d", "attempts_sms_30d",
    "attempts_sms_90d", "attempts_whatsapp_7d", "attempts_whatsapp_30d", "attempts_whatsapp_90d",
    "attempts_call_7d", "attempts_call_30d", "attempts_call_90d", "answers_7d", "answers_30d",
    "answers_90d", "right_party_90d", "days_since_attempt", "days_since_answer", "link_opened",
    "days_since_opened", "promises", "promises_kept", "promises_broken", "promise_open",
    "days_since_promise", "payments", "days_since_payment", "weekday", "day_of_month",
]  # fmt: skip
_ROWS = 10_000


def upgrade() -> None:
    op.create_table(
        "vector_lists",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("names", sa.ARRAY(sa.String()), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vector_lists")),
        sa.UniqueConstraint("tenant_id", "digest", name=op.f("uq_vector_lists_tenant_id_digest")),
        info={"scope": "tenant", "append_only": True},
    )
    op.execute("GRANT SELECT, INSERT ON vector_lists TO recupero_app")
    op.execute("ALTER TABLE vector_lists ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE vector_lists FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON vector_lists USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE vector_lists ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON vector_lists FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )
    op.create_table(
        "vector_parts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("first_account", sa.BigInteger(), nullable=False),
        sa.Column("last_account", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vector_parts")),
        info={"scope": "tenant", "append_only": True},
    )
    op.create_index("ix_vector_parts_run", "vector_parts", ["tenant_id", "run_id"], unique=False)
    op.execute("GRANT SELECT, INSERT ON vector_parts TO recupero_app")
    op.execute("ALTER TABLE vector_parts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE vector_parts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON vector_parts USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE vector_parts ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON vector_parts FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )
    tables = ("decisions", "vector_lists", "vector_parts")
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    _bring_over(op.get_bind())
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.drop_column("decisions", "features")


def _bring_over(connection: sa.Connection) -> None:
    digest = hashlib.sha256("\n".join(_NAMES).encode()).digest()
    connection.execute(
        sa.text(
            "INSERT INTO vector_lists (tenant_id, digest, names) SELECT DISTINCT tenant_id,"
            " CAST(:digest AS bytea), CAST(:names AS text[]) FROM decisions WHERE cardinality(features) = :count"
        ),
        {"digest": digest, "names": _NAMES, "count": len(_NAMES)},
    )
    runs = sa.text(
        "SELECT DISTINCT d.tenant_id, d.run_id, l.id FROM decisions d JOIN vector_lists l USING (tenant_id)"
        " WHERE cardinality(d.features) = :count ORDER BY d.tenant_id, d.run_id"
    )
    for tenant, run, list_id in connection.execute(runs, {"count": len(_NAMES)}).all():
        last = -1
        while rows := connection.execute(_VECTORS, {"tenant": tenant, "run": run, "last": last}).all():
            last = rows[-1].account_id
            connection.execute(_PART, {
                "tenant": tenant, "run": run, "list": list_id, "rows": len(rows), "first": rows[0].account_id,
                "last": last, "data": _packed(rows),
            })  # fmt: skip


_VECTORS = sa.text(
    "SELECT DISTINCT ON (account_id) account_id, features FROM decisions WHERE tenant_id = :tenant"
    f" AND run_id = :run AND cardinality(features) = {len(_NAMES)} AND account_id > :last"
    f" ORDER BY account_id, id LIMIT {_ROWS}"
)
_PART = sa.text(
    "INSERT INTO vector_parts (tenant_id, run_id, list_id, rows, first_account, last_account, data)"
    " VALUES (:tenant, :run, :list, :rows, :first, :last, :data)"
)


def _packed(rows) -> bytes:
    """As decisions/vector_store.py packs a part."""
    accounts = np.array([row.account_id for row in rows], dtype="<i8")
    numbers = np.array([row.features for row in rows], dtype="<f4")
    columns = [np.diff(accounts, prepend=0).astype("<i8"), *np.ascontiguousarray(numbers.T)]
    shuffled = [column.view(np.uint8).reshape(len(rows), -1).T.tobytes() for column in columns]
    return zlib.compress(b"".join(shuffled), 1)


def downgrade() -> None:
    op.add_column(
        "decisions", sa.Column("features", sa.ARRAY(sa.Double()), nullable=False, server_default="{}")
    )
    op.alter_column("decisions", "features", server_default=None)
    op.drop_table("vector_parts")
    op.drop_table("vector_lists")
