"""Who works today and with how much to do: people with their training and load, and what waits in each queue
against the minutes that there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.decisions.planning.capacity import CALL_MINUTES, ON_CALLS
from recupero.kernel import clock
from recupero.outreach import figures
from recupero.outreach.understanding import desk
from recupero.outreach.understanding.hours import hours
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Table, answer
from recupero.portals.today import today
from recupero.portals.words.language import language_name
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, transaction
from recupero.tenancy.permissions import Permission, Role
from recupero.tenancy.tables import Tenant, User


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for people of one creditor today. `needed` and `there_are` are minutes of calls; somebody
    who works for three creditors is a third here. `late`: matters past the hour by which they are due."""

    tenant_id: int
    creditor: str
    people: int
    calls: int
    needed: float
    there_are: float
    matters: int
    late: int


@blueprint.get("/staffing")
@requires(Permission.TENANCY_READ)
def staffing() -> ResponseReturnValue:
    ends = today()[1]
    with transaction() as session:
        tenants = tenancy.tenants(session)
        load, waiting = desk.load(session), desk.waiting(session)
        calls = figures.by_channel(session, ends)
        agents = [one for one in tenancy.users(session) if one.active and one.role == Role.AGENT.value]
    rows = []
    for one in tenants:
        with tenant_transaction(one.id) as session:
            rows.append(
                _queue(session, one, calls.get((one.id, "call"), 0), waiting.get(one.id, (0, 0)), ends)
            )
    names = {one.id: one.name for one in tenants}
    people = _people(names, load).fill_whole(agents)
    return answer("admin/staffing.html", _queues().fill_whole(rows), people)


def _queue(session: Session, tenant: Tenant, calls: int, matters: tuple[int, int], ends: datetime) -> Queue:
    people, now = desk.workers(session, tenant.id), clock.now()
    rest = hours(session).within(now, ends - now).total_seconds() / 60 * ON_CALLS
    there_are = sum(rest / max(1, len(one.tenant_ids or ())) for one in people)
    return Queue(
        tenant.id, tenant.name, len(people), calls, calls * CALL_MINUTES, there_are, matters[0], matters[1]
    )


def _queues() -> Table[Queue]:
    return Table(
        "queues", _("Waiting by queue"),
        [
            Column("creditor", _("Creditor"), lambda row: row.creditor),
            Column("people", _("People"), lambda row: row.people),
            Column("calls", _("Calls due"), lambda row: row.calls,
                   link=lambda row: url_for("portals.today_due", channel="call", tenant=row.tenant_id)),
            Column("needed", _("Minutes needed"), lambda row: round(row.needed)),
            Column("there", _("Minutes left today"), lambda row: round(row.there_are)),
            Column("matters", _("Waiting for a person"), lambda row: row.matters,
                   link=lambda row: url_for("portals.inbox", tenant=row.tenant_id, waiting="person")),
            Column("late", _("Late"), lambda row: row.late),
        ],
        key="q", per_page=100,
    )  # fmt: skip


def _people(names: dict[int, str], given: Mapping[int, int]) -> Table[User]:
    return Table(
        "people", _("People"),
        [
            Column("name", _("Name"), lambda row: row.name),
            Column("desk", _("Desk"), lambda row: row.desk),
            Column("skills", _("Trained for"),
                   lambda row: ", ".join(label("skill", one) for one in row.skills) or None, sorts=False),
            Column("languages", _("Speaks"),
                   lambda row: ", ".join(map(language_name, row.languages or [row.locale[:2]])), sorts=False),
            Column("creditors", _("Creditors"), lambda row: _creditors(row, names), sorts=False),
            Column("given", _("Given and open"), lambda row: given.get(row.id, 0)),
        ],
        key="p", sort="-given",
    )  # fmt: skip


def _creditors(user: User, names: dict[int, str]) -> str:
    """Whose accounts a user may work."""
    return ", ".join(names[one] for one in user.tenant_ids or () if one in names) or _("all")
