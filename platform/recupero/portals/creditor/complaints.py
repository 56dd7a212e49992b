"""Complaints about how the creditor's accounts are worked: the agency answers, the creditor sees when."""

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import clock
from recupero.placements import browse
from recupero.placements import cases as matters
from recupero.placements.cases import Complained
from recupero.portals.creditor.own import reading
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer
from recupero.portals.words.words import options
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission


@blueprint.get("/portal/complaints")
@requires(Permission.PLACEMENTS_READ)
def creditor_complaints() -> ResponseReturnValue:
    with reading() as session:
        table = _table(browse.portfolio_names(session))
        table.fill(matters.complaints(session, table.part, state=table.chosen["state"]))
    return answer("creditor/complaints.html", table)


def _table(portfolios: dict[int, str]) -> Table[Complained]:
    now = clock.now()
    return Table(
        "complaints", _("Complaints"),
        [
            Column("number", _("Account"), lambda row: row.client_account or _("everything of this debtor"),
                   link=_account),
            Column("portfolio", _("Portfolio"), lambda row: portfolios.get(row.portfolio_id or 0),
                   sorts=False),
            Column("since", _("Since"), lambda row: row.since),
            Column("due", _("Due"), lambda row: row.due),
            Column("ended", _("Answered"), lambda row: row.ended),
            Column("state", _("State"), lambda row: row.state(now), words="complaint", badge=True,
                   sorts=False),
        ],
        filters=[Pick("state", _("State"), options("complaint"))],
    )  # fmt: skip


def _account(row: Complained) -> str | None:
    return None if row.account_id is None else url_for("portals.creditor_account", account_id=row.account_id)
