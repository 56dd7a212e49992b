"""Recovery at a glance: what came back, how far along it is, and what waits for the creditor."""

from dataclasses import dataclass

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel.drawing import shares, spark_path
from recupero.kernel.marking import N_
from recupero.payments.agreements import plans, settlement_queries
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.papers import invoice_requests
from recupero.placements import disputes
from recupero.portals.creditor import figures
from recupero.portals.creditor.own import reading, tenant_id
from recupero.portals.frame.pages import blueprint
from recupero.reports import drawn
from recupero.reports.report import Section
from recupero.reports.words import Words
from recupero.tenancy.guard import requires, the_caller
from recupero.tenancy.permissions import Permission

#: Shown large, with where each leads on to.
CARDS = (
    ("collected", "portals.creditor_payments"),
    ("liquidation", "portals.creditor_months"),
    ("net_back", "portals.creditor_costs"),
    ("placed", "portals.creditor_accounts"),
    ("right_party_rate", "portals.creditor_activity"),
    ("kept_rate", "portals.creditor_promises"),
    ("complaint_rate", "portals.creditor_activity"),
    ("out_of_policy", "portals.creditor_activity"),
)


@dataclass(frozen=True, slots=True)
class Waits:
    """Something that only the creditor can do: how many, called what, and where."""

    number: int
    text: str
    url: str


@blueprint.get("/portal")
@requires(Permission.REPORTS_READ)
def creditor_overview() -> ResponseReturnValue:
    shown = figures.shown()
    with reading() as session:
        waits = [one for one in _waits(session) if one.number]
    rows_of = figures.RowsOf(tenant_id(), shown.report.period)
    parts = [_part(section, shown.words, rows_of) for section in shown.report.sections]
    page = render_template("creditor/overview.html", **shown.values, parts=parts, waits=waits)
    return page, shown.status


def _waits(session: Session) -> list[Waits]:
    found = [
        Waits(len({one.hold_id for one in disputes.waiting(session)}), _("Disputes to answer"),
              url_for("portals.creditor_disputes", state="waits")),
        Waits(len(invoice_requests.waiting(session)), _("Invoices that debtors asked for"),
              url_for("portals.invoices", state="open")),
    ]  # fmt: skip
    if the_caller().may(Permission.OFFERS_GRANT):
        offers: list[Plan | Settlement] = [*plans.asked(session), *settlement_queries.asked(session)]
        mine = sum(one.approver == "creditor" for one in offers)
        found.append(Waits(mine, _("Offers beyond your terms"), url_for("portals.exceptions")))
    return found


def _part(section: Section, words: Words, rows_of: figures.RowsOf) -> dict[str, object]:
    flows = [float(flow.total_minor) for flow in section.flows]
    lines = [(line, next(one for one in line.figures if one.metric.key == "liquidation"))
             for line in section.portfolios]  # fmt: skip
    rates = [figure.value or 0.0 for _line, figure in lines]
    return {
        "section": section,
        "cards": [(section.figure(key), url_for(endpoint)) for key, endpoint in CARDS],
        "spark": spark_path(flows),
        "months": drawn.months(section, words, (drawn.WAYS[0], N_("Paid to you"))),
        "funnel": drawn.funnel(section, words, rows_of),
        "portfolios": [
            (line.name, figures.percent(words, figure.value or 0.0), share,
             rows_of(figure, section.currency, {"portfolio_id": line.id}))
            for (line, figure), share in zip(lines, shares(rates), strict=True)
        ],
    }  # fmt: skip
