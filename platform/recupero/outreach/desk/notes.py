"""Notes about an account: written by people, never changed, kept encrypted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.desk_tables import Note
from recupero.placements import reach
from recupero.tenancy import queries as tenancy

LONGEST = 2000  # characters


@dataclass(frozen=True, slots=True)
class Line:
    """A note, readable, with the name of whoever wrote it."""

    at: datetime
    by: str
    text: str
    account_id: int


def write(session: Session, account_id: int, text: str, *, actor: str, contact_id: int | None = None) -> int:
    """Note something about an account of the tenant in scope; its id. Raises NotFound, and UserError at
    `note` on an empty or endless text."""
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise UserError("Please fill this in.", field="note")
    if len(text) > LONGEST:
        raise UserError("At most %(most)s characters fit here.", field="note", most=LONGEST)
    debtor_id = reach.debtors_of(session, [account_id]).get(account_id)
    if debtor_id is None:
        raise NotFound("no such account")
    note = Note(
        tenant_id=scope_of(session).tenant(), account_id=account_id, debtor_id=debtor_id,
        contact_id=contact_id, at=clock.now(), made_by=actor, text=text,
    )  # fmt: skip
    session.add(note)
    session.flush()
    audit.record(session, "outreach.note", f"account:{account_id}", actor=actor, tenant_id=note.tenant_id)
    return note.id


def of_accounts(session: Session, account_ids: Collection[int], limit: int = 100) -> list[Line]:
    """Notes about these accounts of the tenants in scope, newest first. Needs the agency in scope."""
    mine = select(Note).where(Note.tenant_id.in_(scope_of(session).tenant_ids))
    of_those = mine.where(Note.account_id.in_(account_ids)).order_by(Note.id.desc()).limit(limit)
    return list(_readable(session, session.execute(of_those).scalars().all()).values())


def lines(session: Session, note_ids: Collection[int]) -> dict[int, Line]:
    """Notes of the tenants in scope by id. Needs the agency in scope."""
    mine = select(Note).where(Note.tenant_id.in_(scope_of(session).tenant_ids), Note.id.in_(note_ids))
    return _readable(session, session.execute(mine).scalars().all())


def _readable(session: Session, found: Sequence[Note]) -> dict[int, Line]:
    names = {f"user:{user.id}": user.name for user in tenancy.users(session)} if found else {}
    return {
        one.id: Line(one.at, names.get(one.made_by, one.made_by), one.text, one.account_id) for one in found
    }
