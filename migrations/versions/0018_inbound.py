"""What comes back over channels: events, files, conversations, answers; the prices of messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.add_column("contacts", sa.Column("cost_micro", sa.BigInteger(), nullable=True))
    op.add_column("contacts", sa.Column("cost_units", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_contacts_reference",
        "contacts",
        ["tenant_id", "reference"],
        unique=False,
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_table(
        "channel_events",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=7), nullable=False),
        sa.Column("named", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=11), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_channel_events")),
        sa.UniqueConstraint(
            "tenant_id", "connector", "event_id", name=op.f("uq_channel_events_tenant_id_connector_event_id")
        ),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_channel_events_due",
        "channel_events",
        ["tenant_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_index(
        "ix_channel_events_open",
        "channel_events",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('quarantined', 'failed')"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON channel_events TO recupero_app")
    op.execute("ALTER TABLE channel_events ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE channel_events FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON channel_events USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "message_files",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("refused", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_message_files")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_message_files_contact", "message_files", ["tenant_id", "contact_id"], unique=False)
    op.create_index("ix_message_files_event", "message_files", ["tenant_id", "event"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON message_files TO recupero_app")
    op.execute("ALTER TABLE message_files ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE message_files FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON message_files USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "collect_marks",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=True),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_collect_marks")),
        sa.UniqueConstraint("tenant_id", "connector", name=op.f("uq_collect_marks_tenant_id_connector")),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON collect_marks TO recupero_app")
    op.execute("ALTER TABLE collect_marks ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE collect_marks FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON collect_marks USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "conversations",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heard", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("assigned_to", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("tenant_id", "debtor_id", name=op.f("uq_conversations_tenant_id_debtor_id")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_conversations_last", "conversations", ["tenant_id", "last_at"], unique=False)
    op.create_index(
        "ix_conversations_waiting",
        "conversations",
        ["tenant_id", "waiting_since"],
        unique=False,
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON conversations TO recupero_app")
    op.execute("ALTER TABLE conversations ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE conversations FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON conversations USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "replies",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("answers", sa.String(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_replies")),
        sa.UniqueConstraint("tenant_id", "action_id", name=op.f("uq_replies_tenant_id_action_id")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_replies_debtor", "replies", ["tenant_id", "debtor_id", "id"], unique=False)
    op.create_index(
        "ix_replies_open",
        "replies",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("NOT settled"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON replies TO recupero_app")
    op.execute("ALTER TABLE replies ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE replies FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON replies USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "link_visits",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_link_visits")),
        info={"scope": "tenant", "append_only": True},
    )
    op.create_index("ix_link_visits_debtor", "link_visits", ["tenant_id", "debtor_id", "at"], unique=False)
    op.execute("GRANT SELECT, INSERT ON link_visits TO recupero_app")
    op.execute("ALTER TABLE link_visits ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE link_visits FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON link_visits USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON link_visits FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_table("link_visits")
    op.drop_table("replies")
    op.drop_table("conversations")
    op.drop_table("collect_marks")
    op.drop_table("message_files")
    op.drop_table("channel_events")
    op.drop_index("ix_contacts_reference", table_name="contacts")
    op.drop_column("contacts", "cost_units")
    op.drop_column("contacts", "cost_micro")
