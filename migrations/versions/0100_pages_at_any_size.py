"""Pages read what they show, however long the history: indexes for lists and periods that read whole tables."""

from alembic import op

revision = "0100"
down_revision = "0110"
branch_labels = None
depends_on = None

INDEXES = {
    # what is due, with what a worker has claimed of it: pages count and list both together
    "ix_actions_due": "actions (tenant_id, due_at) WHERE state IN ('scheduled', 'claimed')",
    # the order of the inbox
    "ix_conversations_order": (
        "conversations (tenant_id, (waiting_since IS NULL), due_at, waiting_since, last_at DESC, id)"
    ),
    "ix_plan_runs_whole": "plan_runs (tenant_id, id) WHERE part_of IS NULL",
    # reasons told within a period, by who or what told them
    "ix_call_runs_reasons": (
        "call_runs (tenant_id, (coalesce(ended_at, started_at))) WHERE reason IS NOT NULL"
    ),
    "ix_hand_overs_causes": "hand_overs (tenant_id, closed_at) WHERE cause IS NOT NULL",
    "ix_invoice_requests_asked": "invoice_requests (tenant_id, asked_at)",
    "ix_contacts_inbound": "contacts (tenant_id, at) WHERE direction = 'inbound'",
    # complaints and disputes that came in within a period, and those decided in it
    "ix_holds_started": "holds (tenant_id, kind, started_at)",
    "ix_holds_ended": "holds (tenant_id, kind, ended_at) WHERE ended_at IS NOT NULL",
    "ix_promises_due": "promises (tenant_id, due_date, id)",
    # contacts that were stopped or put off within a period
    "ix_action_events_stopped": (
        "action_events (tenant_id, at) WHERE state = 'blocked' OR state = 'scheduled' AND reason IS NOT NULL"
    ),
}


def upgrade() -> None:
    op.execute("DROP INDEX ix_actions_due")
    for name, what in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {what}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute("CREATE INDEX ix_actions_due ON actions (tenant_id, due_at) WHERE state = 'scheduled'")
