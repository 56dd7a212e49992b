"""What was done with the creditor's accounts, whether it was lawful, and how debtors took it."""

from flask import render_template
from flask.typing import ResponseReturnValue

from recupero.kernel.drawing import shares
from recupero.outreach import queries as outreach
from recupero.portals.creditor import figures
from recupero.portals.creditor.own import reading, tenant_id
from recupero.portals.lawful import rule_titles
from recupero.portals.pages import blueprint
from recupero.portals.words import label
from recupero.reports import drawn, layout
from recupero.reports.report import Section
from recupero.reports.words import Words
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission

REASONS = 12  # that stopped a contact, at most shown


@blueprint.get("/portal/activity")
@requires(Permission.REPORTS_READ)
def creditor_activity() -> ResponseReturnValue:
    shown = figures.shown()
    start, end = shown.report.period.bounds(shown.report.timezone)
    with reading() as session:
        blocked = list(outreach.blocked_by_reason(session, start, end).items())[:REASONS]
    titles = rule_titles()
    stopped = [
        (
            titles.get(reason.removeprefix("law:")) or label("held", reason),
            shown.words.count(number),
            share,
            None,
        )
        for (reason, number), share in zip(blocked, shares([number for _, number in blocked]), strict=True)
    ]
    rows_of = figures.RowsOf(tenant_id(), shown.report.period)
    parts = [_part(section, shown.words, rows_of) for section in shown.report.sections]
    page = render_template("creditor/activity.html", **shown.values, parts=parts, stopped=stopped)
    return page, shown.status


def _part(section: Section, words: Words, rows_of: figures.RowsOf) -> dict[str, object]:
    return {
        "section": section,
        "funnel": drawn.funnel(section, words, rows_of),
        "unlawful": section.figure("out_of_policy"),
        "groups": [one for one in layout.groups(section, words) if one[0] in ("rates", "voices", "digital")],
        "tables": [one for one in layout.tables(section, words) if one.key == "channels"],
    }
