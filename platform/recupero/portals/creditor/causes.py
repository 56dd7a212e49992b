"""Why accounts are not paid: what of it lies with the creditor, with the accounts behind each reason."""

from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.drawing import Chart, Series, shares
from recupero.kernel.money import Money
from recupero.placements import browse
from recupero.portals.creditor import figures
from recupero.portals.creditor.figures import Span
from recupero.portals.creditor.own import reading
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer
from recupero.portals.words.language import timezone
from recupero.portals.words.words import label, options
from recupero.reports import causes
from recupero.reports.causes import Cause, Example
from recupero.reports.figures import total
from recupero.reports.periods import Period, months_between
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission

SIDES = ("creditor", "agency", "debtor")
MONTHS, LINES = 12, 4
Bar = tuple[str, str, float, str]


@blueprint.get("/portal/causes")
@requires(Permission.REPORTS_READ)
def creditor_causes() -> ResponseReturnValue:
    """Shares of the reasons, by who can act; then the accounts of one reason, or of all."""
    with reading() as session:
        span = figures.span(session)
        table = _table(browse.portfolio_names(session))
        chosen = table.chosen
        portfolio = int(chosen["portfolio"]) if chosen["portfolio"] else None
        table.fill(causes.examples(
            session, span.period, table.part, reason=chosen["reason"] or None, portfolio_id=portfolio
        ))  # fmt: skip
        found = [] if table.form else causes.shares(session, span.period, portfolio)
        counted = {} if table.form else causes.by_month(session, _year(span.period))
    mine = [one for one in found if one.acts == "creditor"]
    return answer(
        "creditor/causes.html", table, status=span.status, **span.values, first=mine[0] if mine else None,
        own=total((one.share for one in mine[:1]), causes.CAUSE_SHARE), found=found,
        groups=[(label("acts", side), _bars(found, side, span)) for side in SIDES],
        months=_months(mine, counted, span),
    )  # fmt: skip


def _bars(found: Sequence[Cause], side: str, span: Span) -> list[Bar]:
    """The reasons that one side can act on, as long as their share is of the most frequent of all."""
    widths = shares([one.share.numerator for one in found])
    return [
        (label("cause", one.reason), span.words.figure(one.share, ""), width,
         url_for("portals.creditor_causes", reason=one.reason, period=str(span.period)) + "#accounts")
        for one, width in zip(found, widths, strict=True) if one.acts == side
    ]  # fmt: skip


def _year(period: Period) -> Period:
    """The twelve months up to the end of the period."""
    last = period.last
    months = months_between(date(last.year - 1, last.month, 1), last)
    return Period(months[-MONTHS], last)


def _months(mine: Sequence[Cause], counted: Mapping[tuple[date, str], int], span: Span) -> Chart:
    """The creditor's own reasons by month: accounts of which each was told."""
    months = _year(span.period).months()
    return Chart(
        _("What lies with you, by month"), [span.words.month(month) for month in months],
        [
            Series(
                label("cause", one.reason), [float(counted.get((month, one.reason), 0)) for month in months]
            )
            for one in mine[:LINES]
        ],
        kind="stack", told=_("Accounts of which each reason was told last in the month."),
        write=lambda value: span.words.count(round(value)),
    )  # fmt: skip


def _table(portfolios: dict[int, str]) -> Table[Example]:
    zone = ZoneInfo(timezone() or "UTC")

    def url(row: Example) -> str:
        return url_for("portals.creditor_account", account_id=row.account_id)

    return Table(
        "examples", _("Accounts behind the reasons"),
        [
            Column("number", _("Account"), lambda row: row.client_account, link=url),
            Column("portfolio", _("Portfolio"), lambda row: row.portfolio),
            Column("reason", _("Reason"), lambda row: row.reason, words="cause"),
            Column("how", _("Told by"), lambda row: row.how, words="told_by", sorts=False),
            Column("at", _("Day"), lambda row: row.at.astimezone(zone).date()),
            Column("balance", _("Balance"), lambda row: Money(row.balance_minor, row.currency)),
            Column("status", _("State"), lambda row: row.status, words="status", badge=True),
        ],
        filters=[
            Pick("reason", _("Reason"), options("cause")),
            Pick("portfolio", _("Portfolio"), [(str(one), name) for one, name in portfolios.items()]),
        ],
        sort="-at", per_page=25,
    )  # fmt: skip
