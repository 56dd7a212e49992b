"""What was done with the creditor's accounts, whether it was lawful, and how debtors took it."""

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.kernel.drawing import shares
from recupero.portals.creditor import figures
from recupero.portals.creditor.own import reading, tenant_id
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.lawful import rule_titles
from recupero.portals.words.words import label
from recupero.reports import drawn, drill, layout
from recupero.reports.drawn import Bar
from recupero.reports.figures import Figure, Metric
from recupero.reports.metrics import BLOCKED, PUT_OFF
from recupero.reports.report import Section
from recupero.reports.words import Words
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission


@blueprint.get("/portal/activity")
@requires(Permission.REPORTS_READ)
def creditor_activity() -> ResponseReturnValue:
    shown = figures.shown()
    rows_of = figures.RowsOf(tenant_id(), shown.report.period)
    with reading() as session:
        parts = [_part(session, section, shown.words, rows_of) for section in shown.report.sections]
    return render_template("creditor/activity.html", **shown.values, parts=parts), shown.status


def _part(session: Session, section: Section, words: Words, rows_of: figures.RowsOf) -> dict[str, object]:
    return {
        "section": section,
        "funnel": drawn.funnel(section, words, rows_of),
        "unlawful": section.figure("out_of_policy"),
        "stopped": [
            (metric, _by_reason(session, metric, section.currency, words, rows_of))
            for metric in (BLOCKED, PUT_OFF)
        ],
        "groups": [one for one in layout.groups(section, words) if one[0] in ("rates", "voices", "digital")],
        "tables": [one for one in layout.tables(section, words) if one.key == "channels"],
    }


def _by_reason(
    session: Session, metric: Metric, currency: str, words: Words, rows_of: figures.RowsOf
) -> list[Bar]:
    """What stopped contacts or put them off, each reason leading to those it was about."""
    found = drill.parts(session, drill.Of(metric.key, currency, rows_of.period))
    titles = rule_titles()
    return [
        (titles.get(reason.removeprefix("law:")) or label("held", reason), words.count(count), share,
         rows_of(Figure(metric, count), currency, {"part": reason}))
        for (reason, count), share in zip(found, shares([count for _, count in found]), strict=True)
    ]  # fmt: skip
