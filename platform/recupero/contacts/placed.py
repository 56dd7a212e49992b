"""Files the consents and opt-outs that come with placed accounts."""

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, column, func, insert, literal, select, table
from sqlalchemy.orm import Session

from recupero.contacts.tables import Permission
from recupero.kernel import clock
from recupero.placements.events import AccountsPlaced, PermissionsStated


def file_permissions(session: Session, event: AccountsPlaced | PermissionsStated) -> None:
    """Turn the staged rows of a placement into permissions. Where one row says both, the opt-out is the later
    word."""
    staged = table(
        event.staging,
        column("tenant_id", BigInteger),
        column("debtor_id", BigInteger),
        column("permission_at", DateTime(timezone=True)),
        column("permission_source", Text),
        column("consents", ARRAY(Text)),
        column("opt_outs", ARRAY(Text)),
    )
    for named, kind in ((staged.c.consents, "consent"), (staged.c.opt_outs, "opt_out")):
        channel = func.unnest(named).label("channel")
        rows = select(
            staged.c.tenant_id, staged.c.debtor_id, channel, literal(kind), staged.c.permission_at,
            literal(clock.now()), staged.c.permission_source,
        ).distinct()  # fmt: skip
        into = ["tenant_id", "debtor_id", "channel", "kind", "at", "filed_at", "source"]
        session.execute(insert(Permission).from_select(into, rows))
