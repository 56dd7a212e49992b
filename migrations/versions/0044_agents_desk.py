"""The agent's desk: who has which account, goals, notes; how sure a spoken answer was understood."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)
_AGENCY = "agency_id = nullif(current_setting('app.agency_id', true), '')::bigint"


def upgrade() -> None:
    op.add_column("call_steps", sa.Column("chance", sa.Float(), nullable=True))
    op.create_table(
        "desk_sittings",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=11), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("talk_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("talk_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.String(length=10), nullable=True),
        sa.Column("result", sa.String(length=4), nullable=True),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_desk_sittings")),
        info={"scope": "agency"},
    )
    op.create_index(
        "ix_desk_sittings_agent",
        "desk_sittings",
        ["agency_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_desk_sittings_done", "desk_sittings", ["agency_id", "user_id", "taken_at"], unique=False
    )
    op.create_index(
        "ix_desk_sittings_had", "desk_sittings", ["agency_id", "person_id", "closed_at"], unique=False
    )
    op.create_index(
        "ix_desk_sittings_person",
        "desk_sittings",
        ["agency_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON desk_sittings TO recupero_app")
    op.execute("ALTER TABLE desk_sittings ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE desk_sittings FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON desk_sittings USING ({_AGENCY}) WITH CHECK ({_AGENCY})")
    op.execute("ALTER TABLE desk_sittings ALTER COLUMN agency_id SET (n_distinct=-0.0001)")
    op.create_table(
        "agent_goals",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(length=4), nullable=False),
        sa.Column("measure", sa.String(length=8), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_agent_goals")),
        sa.UniqueConstraint(
            "agency_id",
            "user_id",
            "period",
            "measure",
            name=op.f("uq_agent_goals_agency_id_user_id_period_measure"),
        ),
        info={"scope": "agency"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON agent_goals TO recupero_app")
    op.execute("ALTER TABLE agent_goals ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE agent_goals FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON agent_goals USING ({_AGENCY}) WITH CHECK ({_AGENCY})")
    op.execute("ALTER TABLE agent_goals ALTER COLUMN agency_id SET (n_distinct=-0.0001)")
    op.create_table(
        "account_notes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_account_notes")),
        info={"scope": "tenant", "append_only": True},
    )
    op.create_index(
        "ix_account_notes_account", "account_notes", ["tenant_id", "account_id", "id"], unique=False
    )
    op.execute("GRANT SELECT, INSERT ON account_notes TO recupero_app")
    op.execute("ALTER TABLE account_notes ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE account_notes FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON account_notes USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE account_notes ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_notes FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_table("account_notes")
    op.drop_table("agent_goals")
    op.drop_table("desk_sittings")
    op.drop_column("call_steps", "chance")
