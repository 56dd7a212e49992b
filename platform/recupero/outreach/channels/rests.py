"""A provider that is down is left alone for a while: its messages wait, and planning takes another channel.

After `PATIENCE` batches in a row of which nothing is known to have gone out, a connector rests, at first for
`FIRST`, twice as long each time that the next try fails as well, at most for `LONGEST`. Where the provider
refuses the account as such, or the connector's settings do not hold, the first batch is enough: no other
would fare better before a person has mended it. One message that goes out ends it, and so does whoever saves
the connector's settings (`sending.mending`). What waits is due again when the rest ends; where it has lasted
for `GIVE_UP` the action is given back, so that the next plan can choose another channel.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.outreach.tables import ConnectorRest

PATIENCE = 3
FIRST = timedelta(minutes=5)
LONGEST = timedelta(hours=1)
GIVE_UP = timedelta(hours=4)
#: Outcomes that speak of the provider or its set-up, not of one message.
_DOWN = frozenset({"retry", "refused", "unknown"})


@dataclass(frozen=True, slots=True)
class Rest:
    """A connector of a tenant that is left alone `until`; nothing went out since `since`, for `reason`.
    `refused`: not an outage; the account or its settings have to be mended by a person."""

    tenant_id: int
    connector: str
    since: datetime
    until: datetime
    reason: str
    refused: bool

    @property
    def given_up(self) -> bool:
        """Whether it has been down for so long that its messages should go another way."""
        return clock.now() - self.since >= GIVE_UP


def resting(session: Session) -> list[Rest]:
    """The connectors of the tenants in scope that rest now."""
    rows = session.execute(
        select(ConnectorRest)
        .where(ConnectorRest.tenant_id.in_(scope_of(session).tenant_ids), ConnectorRest.until > clock.now())
        .order_by(ConnectorRest.tenant_id, ConnectorRest.connector)
    ).scalars()
    return [rest for row in rows if (rest := _rest(row)) is not None]


def failing(session: Session) -> list[ConnectorRest]:
    """The connectors of the tenants in scope whose last batch came to nothing, whether they rest by now or
    not: `since` when, and for what `reason`."""
    mine = ConnectorRest.tenant_id.in_(scope_of(session).tenant_ids)
    rows = session.execute(
        select(ConnectorRest).where(mine).order_by(ConnectorRest.tenant_id, ConnectorRest.connector)
    )
    return list(rows.scalars())


def note(
    session: Session, connector: str, states: Collection[str], reason: str | None, *, refused: bool = False
) -> Rest | None:
    """What came of one batch: the outcomes' states, and why nothing went out where nothing did; `refused`: as
    such, the account was. The rest that the connector has after it; None where it has none. A batch that was
    under way when the rest began does not prolong it."""
    if not states:
        return None
    tenant, now = scope_of(session).tenant(), clock.now()
    mine = (ConnectorRest.tenant_id == tenant, ConnectorRest.connector == connector)
    if not _DOWN.issuperset(states):
        session.execute(delete(ConnectorRest).where(*mine))
        return None
    session.execute(
        insert(ConnectorRest)
        .values(
            tenant_id=tenant, connector=connector, failures=0, since=now, until=None, reason=reason or "–",
            refused=refused,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    row = session.execute(select(ConnectorRest).where(*mine).with_for_update()).scalar_one()
    if row.until is None or row.until <= now:
        row.failures = max(row.failures + 1, PATIENCE if refused else 0)
        row.reason, row.refused = reason or "–", refused
        if row.failures >= PATIENCE:
            row.until = now + min(FIRST * 2 ** (row.failures - PATIENCE), LONGEST)
        session.flush()
    return _rest(row)


def lift(session: Session, connector: str) -> datetime | None:
    """End whatever rest a connector of the tenant in scope has; since when nothing had gone out, None where
    nothing stood against it."""
    return session.execute(
        delete(ConnectorRest)
        .where(ConnectorRest.tenant_id == scope_of(session).tenant(), ConnectorRest.connector == connector)
        .returning(ConnectorRest.since)
    ).scalar_one_or_none()


def _rest(row: ConnectorRest) -> Rest | None:
    if row.until is None:
        return None
    return Rest(row.tenant_id, row.connector, row.since, row.until, row.reason, row.refused)
