"""Asking connectors for what came in, and reading the files that people upload."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import NotFound, Quoted, UserError
from recupero.outreach.conversations import store
from recupero.outreach.conversations.opened import open_connector
from recupero.outreach.conversations.tables import CollectMark
from recupero_sdk.inbound import Collects, ReadsFiles

log = logging.getLogger(__name__)
#: Visits of one job: what is left comes with the next one.
MOST_VISITS = 20


def collect(database: Database, scope: Scope, connector: str) -> int:
    """Ask a connector of the tenant in scope for what came since the last visit; how many events are new.

    The mark moves on in the transaction that stores the events. A provider that cannot be reached is noted
    where people see it, and asked again next time.
    """
    new = 0
    for _visit in range(MOST_VISITS):
        with database.transaction(scope) as session:
            channel, config = open_connector(session, connector)
            mark = _mark(session, connector)
        if not isinstance(channel, Collects):
            return new
        try:
            found = channel.collect(config, mark)
        except OSError as error:
            log.warning("connector %s could not be asked: %s", connector, type(error).__name__)
            with database.transaction(scope) as session:
                _keep(session, connector, mark, problem=f"{type(error).__name__}: {error}"[:300])
            return new
        with database.transaction(scope) as session:
            new += store.receive(session, connector, found.events)
            _keep(session, connector, found.mark, problem=None)
        if not found.events or found.mark == mark:
            return new
    return new


def _mark(session: Session, connector: str) -> str | None:
    return session.execute(
        select(CollectMark.mark).where(
            CollectMark.tenant_id == scope_of(session).tenant(), CollectMark.connector == connector
        )
    ).scalar_one_or_none()


def _keep(session: Session, connector: str, mark: str | None, *, problem: str | None) -> None:
    now = clock.now()
    values = {"mark": mark, "problem": problem, "tried_at": now}
    if problem is None:
        values["collected_at"] = now
    session.execute(
        insert(CollectMark)
        .values(tenant_id=scope_of(session).tenant(), connector=connector, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "connector"], set_=values)
    )


@dataclass(frozen=True, slots=True)
class FileTaken:
    """What came of an uploaded file: events in it, how many of them are new, and the lines that could not be
    read (line from 1, what is wrong)."""

    events: int
    new: int
    problems: Sequence[tuple[int, str]]


def take_file(session: Session, connector: str, content: bytes, *, actor: str) -> FileTaken:
    """Store the events of a file for the tenant in scope. Raises NotFound where the connector is not switched
    on or reads no files, UserError for a file of another kind."""
    channel, config = open_connector(session, connector)
    if not isinstance(channel, ReadsFiles):
        raise NotFound("this connector reads no files", field="connector")
    try:
        read = channel.read_file(content, config)
    except ValueError as error:
        raise UserError("this file cannot be read: %(why)s", field="file", why=Quoted(str(error))) from error
    new = store.receive(session, connector, read.events)
    audit.record(
        session, "outreach.channel_file", f"connector:{connector}", actor=actor,
        tenant_id=scope_of(session).tenant(), events=len(read.events), new=new, problems=len(read.problems),
    )  # fmt: skip
    return FileTaken(len(read.events), new, list(read.problems))
