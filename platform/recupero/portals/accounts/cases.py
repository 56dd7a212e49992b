"""Complaints, disputes and hardship that are open, those due first at the top."""

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import clock
from recupero.placements import cases as open_cases
from recupero.placements.cases import Case
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer, creditor_pick
from recupero.portals.words.words import label, options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/cases")
@requires(Permission.ACCOUNTS_READ)
def cases() -> ResponseReturnValue:
    with transaction() as session:
        creditors = {one.id: one.name for one in tenancy.tenants(session)}
        users = {f"user:{one.id}": one.name for one in tenancy.users(session)}
        table = _table(creditors, users)
        chosen, tenant = table.chosen, int(table.chosen.get("tenant") or 0)
        table.fill(
            open_cases.cases(
                session, table.part, kind=chosen["kind"] or None, tenant_id=tenant or None,
                state=chosen["state"],
            )
        )  # fmt: skip
    return answer("people/cases.html", table, now=clock.now())


def _table(creditors: dict[int, str], users: dict[str, str]) -> Table[Case]:
    return Table(
        "cases", _("Complaints and disputes"),
        [
            Column("due", _("Due"), lambda row: row.due),
            Column("kind", _("What"), lambda row: row.kind, words="case"),
            Column("debtor", _("Debtor"), lambda row: row.debtor, sorts=False,
                   link=lambda row: url_for("portals.account_person", debtor_id=row.debtor_id)),
            Column("account", _("Account"),
                   lambda row: row.client_account or _("everything of this debtor"), link=_account),
            Column("creditor", _("Creditor"), lambda row: creditors.get(row.tenant_id), sorts=False),
            Column("since", _("Since"), lambda row: row.since),
            Column("from", _("Came from"), lambda row: users.get(row.source) or _source(row.source),
                   sorts=False),
        ],
        filters=[
            Pick("kind", _("What"), options("case")), Pick("state", _("State"), options("case_state")),
            *creditor_pick(creditors),
        ],
    )  # fmt: skip


def _account(row: Case) -> str | None:
    return None if row.account_id is None else url_for("portals.account", account_id=row.account_id)


def _source(source: str) -> str:
    """Where a hold came from, in words where there are some."""
    return label("hold_source", source.partition(":")[0])
