"""Payments and promises as lists; what the work costs and what comes back net."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import clock
from recupero.kernel.drawing import shares
from recupero.kernel.errors import UserError
from recupero.kernel.money import Money
from recupero.placements import browse
from recupero.portals.creditor import expecting, figures
from recupero.portals.creditor.own import reading, tenant_id
from recupero.portals.frame.errors import said
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Search, Table, answer
from recupero.portals.words.language import timezone
from recupero.portals.words.words import options
from recupero.reports import layout, lists
from recupero.reports.figures import Metric, Unit
from recupero.reports.lists import Move, MoveFilter, Promised, PromiseFilter
from recupero.reports.metrics import NET_BACK_RATE
from recupero.reports.periods import Period, parse_period
from recupero.reports.report import Section
from recupero.reports.words import Words
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission


@blueprint.get("/portal/payments")
@requires(Permission.REPORTS_READ)
def creditor_payments() -> ResponseReturnValue:
    """Moves of money; `from`, `to`, `placed` and `way` narrow them as the figures that lead here do."""
    error, months, until, placed = None, None, None, None
    try:
        months, until, placed = _months()
    except UserError as refused:
        error = said(refused)
    with reading() as session:
        table = _payments(browse.portfolio_names(session), any((months, until, placed)))
        chosen = table.chosen
        wanted = MoveFilter(
            months=months, until=until, placed=placed, way=chosen["way"] or None, number=chosen["q"],
            portfolio_id=int(chosen["portfolio"]) if chosen["portfolio"] else None,
        )  # fmt: skip
        table.fill(lists.moves(session, wanted, table.part))
        sums = [] if table.form else lists.sums(session, wanted)
    return answer(
        "creditor/payments.html", table, status=422 if error else 200, sums=sums, error=error,
        asked=request.args,
    )  # fmt: skip


def _months() -> tuple[Period | None, date | None, date | None]:
    """The months of a move, or all up to one; and the placement month."""
    first, last, placed = (request.args.get(name, "") for name in ("from", "to", "placed"))
    months = parse_period(f"{first}..{last or first}") if first else None
    until = parse_period(last).last if last and not first else None
    return months, until, parse_period(placed).first if placed else None


def _account_url(row: Move | Promised) -> str:
    return url_for("portals.creditor_account", account_id=row.account_id)


def _payments(portfolios: dict[int, str], narrowed: bool) -> Table[Move]:
    """By day; those of some months also in other orders, for which all of them are read."""
    zone = ZoneInfo(timezone() or "UTC")
    return Table(
        "payments", _("Payments"),
        [
            Column("at", _("Day"), lambda row: row.at.astimezone(zone).date()),
            Column("number", _("Account"), lambda row: row.client_account, link=_account_url,
                   sorts=narrowed),
            Column("portfolio", _("Portfolio"), lambda row: row.portfolio, sorts=narrowed),
            Column("placed_on", _("Placed on"), lambda row: row.placed_on, sorts=narrowed),
            Column("way", _("Way"), lambda row: row.way, words="way", badge=True, sorts=False),
            Column("amount", _("Amount"), lambda row: Money(row.amount_minor, row.currency), sorts=narrowed),
            Column("fee", _("Fee"), lambda row: Money(row.fee_minor, row.currency), sorts=narrowed),
            Column("tax", _("Tax on the fee"), lambda row: Money(row.tax_minor, row.currency), sorts=False),
        ],
        filters=[
            Search(_("Account number")),
            Pick("portfolio", _("Portfolio"), [(str(one), name) for one, name in portfolios.items()]),
            Pick("way", _("Way"), options("way")),
        ],
        sort="-at",
    )  # fmt: skip


@blueprint.get("/portal/promises")
@requires(Permission.REPORTS_READ)
def creditor_promises() -> ResponseReturnValue:
    """Promises by due date, and how many were kept over the period."""
    shown = figures.shown()
    with reading() as session:
        table = _promises(browse.portfolio_names(session))
        chosen = table.chosen
        asked = bool(request.args.get("from") or request.args.get("to") or request.args.get("period"))
        wanted = PromiseFilter(
            due=shown.report.period if asked else None, state=chosen["state"] or None, number=chosen["q"],
            portfolio_id=int(chosen["portfolio"]) if chosen["portfolio"] else None,
        )  # fmt: skip
        table.fill(lists.promises(session, wanted, table.part))
        coming = expecting.coming(session, clock.today(timezone() or "UTC"))
    return answer(
        "creditor/promises.html", table, status=shown.status, coming=coming, narrowed=asked, **shown.values
    )


def _promises(portfolios: dict[int, str]) -> Table[Promised]:
    zone = ZoneInfo(timezone() or "UTC")
    return Table(
        "promises", _("Promises"),
        [
            Column("number", _("Account"), lambda row: row.client_account, link=_account_url),
            Column("portfolio", _("Portfolio"), lambda row: row.portfolio),
            Column("made", _("Made"), lambda row: row.made_at.astimezone(zone).date()),
            Column("due", _("Due"), lambda row: row.due_date),
            Column("amount", _("Promised"), lambda row: Money(row.amount_minor, row.currency)),
            Column("paid", _("Received for it"), lambda row: Money(row.paid_minor, row.currency)),
            Column("state", _("State"), lambda row: row.state, words="promise", badge=True),
        ],
        filters=[
            Search(_("Account number")),
            Pick("portfolio", _("Portfolio"), [(str(one), name) for one, name in portfolios.items()]),
            Pick("state", _("State"), options("promise")),
        ],
        sort="-due",
    )  # fmt: skip


@blueprint.get("/portal/costs")
@requires(Permission.REPORTS_READ)
def creditor_costs() -> ResponseReturnValue:
    """From what was collected to what came back, by portfolio and placement month, and what contacts cost."""
    shown = figures.shown()
    rows_of = figures.RowsOf(tenant_id(), shown.report.period)
    parts = [
        {
            "section": section, "way_down": _way_down(section, shown.words, rows_of),
            "figures": [section.figure(key) for key in ("average_fee", "net_back_rate")],
            "tables": [_about_money(one) for one in layout.tables(section, shown.words)
                       if one.key in ("portfolios", "vintages", "costs")],
        }
        for section in shown.report.sections
    ]  # fmt: skip
    return render_template("creditor/costs.html", **shown.values, parts=parts), shown.status


def _is_money(metric: Metric) -> bool:
    return metric.unit in (Unit.MONEY, Unit.COST) or metric is NET_BACK_RATE


def _about_money(table: layout.Table) -> layout.Table:
    """The columns of a table that say what was placed, what came in and what it cost."""
    kept = [place for place, metric in enumerate(table.metrics) if _is_money(metric)]
    return replace(
        table, metrics=tuple(table.metrics[place] for place in kept),
        rows=tuple((name, tuple(figures[place] for place in kept)) for name, figures in table.rows),
    )  # fmt: skip


def _way_down(
    section: Section, words: Words, rows_of: figures.RowsOf
) -> Sequence[tuple[str, str, float, str | None]]:
    """Collected, the fee taken off, net: bars under each other."""
    found = [section.figure(key) for key in ("collected", "fees", "fee_tax", "net_back")]
    return [
        (words(one.metric.label), words.figure(one, section.currency), share,
         rows_of(one, section.currency))
        for one, share in zip(found, shares([max(0.0, one) for one in figures.counts(tuple(found))]),
                              strict=True)
    ]  # fmt: skip
