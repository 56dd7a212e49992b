"""From a figure of the recovery report to the rows that it counted."""

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import NotFound
from recupero.kernel.money import Money
from recupero.portals.creditor import figures
from recupero.portals.pages import blueprint
from recupero.portals.tables import Column, Table, answer
from recupero.reports import drill
from recupero.reports.drill import Counted
from recupero.reports.metrics import METRICS, Unit
from recupero.reports.periods import parse_period
from recupero.reports.words import Words
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission


@blueprint.get("/reports/<int:tenant_id>/rows/<key>")
@requires(Permission.REPORTS_READ)
def report_rows(tenant_id: int, key: str) -> ResponseReturnValue:
    """What a figure counted; `period`, `currency`, `portfolio` and `channel` say where it stands."""
    if key not in drill.METRICS:
        raise NotFound("no such figure")
    metric = METRICS[key]
    period, portfolio = parse_period(request.args.get("period", "")), request.args.get("portfolio", "")
    table = _table()
    with tenant_transaction(tenant_id) as session:
        tenant = tenancy.tenant(session)
        of = drill.Of(
            key, request.args.get("currency", tenant.currency), period,
            int(portfolio) if portfolio.isdecimal() and len(portfolio) < 19 else None,
            request.args.get("channel"),
        )  # fmt: skip
        count, amount = drill.total(session, of)
        table.fill(drill.rows(session, of, table.part))
    words = Words.of(figures.locale(), tenant.country)
    together = words.money(abs(amount), of.currency) if metric.unit is Unit.MONEY else words.count(count)
    return answer(
        "reports/rows.html", table, tenant=tenant, metric=metric, words=words, period=period, count=count,
        together=together,
    )  # fmt: skip


def _table() -> Table[Counted]:
    def account_url(row: Counted) -> str:
        name = "creditor_account" if the_caller().is_creditor else "account"
        return url_for(f"portals.{name}", account_id=row.account_id)

    return Table(
        "counted", _("What the figure counts"),
        [
            Column("at", _("Moment"), lambda row: row.at),
            Column("number", _("Account"), lambda row: row.client_account, link=account_url),
            Column("channel", _("Channel"), lambda row: row.channel.strip("-") or None),
            Column("what", _("Result"), lambda row: row.what, sorts=False),
            Column("amount", _("Amount"), lambda row: None if row.amount_minor is None
                   else Money(row.amount_minor, row.currency), numeric=True),
        ],
        sort="-at",
    )  # fmt: skip
