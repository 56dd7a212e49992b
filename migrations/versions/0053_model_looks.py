"""What was seen of models day by day"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

_AGENCY = "agency_id = nullif(current_setting('app.agency_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "model_looks",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("against", sa.String(length=12), nullable=True),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("alarm", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_model_looks")),
        info={"scope": "agency", "append_only": True},
    )
    op.create_index("ix_model_looks_name", "model_looks", ["agency_id", "name", "what", "at"], unique=False)
    op.execute("GRANT SELECT, INSERT ON model_looks TO recupero_app")
    op.execute("ALTER TABLE model_looks ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE model_looks FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON model_looks USING ({_AGENCY}) WITH CHECK ({_AGENCY})")
    op.execute("ALTER TABLE model_looks ALTER COLUMN agency_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_looks FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_table("model_looks")
