"""A draft of a strategy asked about the past: what it would have chosen, and what that would have brought."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.decisions.evidence import hindsight
from recupero.decisions.evidence.what_if import MOST, USUAL, WhatIf, what_if
from recupero.kernel import clock
from recupero.kernel.errors import NotFound, UserError
from recupero.placements import browse, strategies
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/strategy/draft/history")
@requires(Permission.STRATEGY_MANAGE)
def strategy_history(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    """The draft against the decisions that were made in a past window, by the creditor's days."""
    asked = Form(dict(request.args))
    with tenant_transaction(tenant_id) as session:
        portfolio, draft = browse.portfolio(session, portfolio_id), strategies.draft(session, portfolio_id)
        if draft is None:
            raise NotFound("there is no draft")
        tenant, found = tenancy.tenant(session), None
        today = clock.today(tenant.timezone)
        asked.values = {"to": today.isoformat(), **asked.values}
        try:
            if not asked.optional("from"):
                asked.values["from"] = _usual(session, portfolio_id, asked, tenant.timezone).isoformat()
            since, until = (_day(asked, name, tenant.timezone) for name in ("from", "to"))
            found = what_if(session, portfolio_id, draft.strategy, since, until + timedelta(days=1))
        except NotFound:
            raise
        except UserError as error:
            error.field = "from" if error.field == "since" else error.field
            asked.refuse(error, "from", "to")
    page = render_template(
        "tenants/strategy_history.html", portfolio=portfolio, tenant=tenant, found=found, asked=asked,
        rows=_rows(found), why_not=said(found.why_not) if found and found.why_not else None,
    )  # fmt: skip
    return page, asked.status


def _usual(session: Session, portfolio_id: int, asked: Form, zone: str) -> date:
    """The first day of the window where nobody says which: as long as is usual, or as can be answered while
    somebody waits."""
    last = asked.day("to")
    since, until = (_day(asked, "to", zone) + days for days in (-USUAL, timedelta(days=1)))
    full = hindsight.fitting(session, portfolio_id, since, until, MOST)
    if full == since:
        return last - USUAL
    return min(full.astimezone(ZoneInfo(zone)).date() + timedelta(days=1), last)


def _day(asked: Form, name: str, zone: str) -> datetime:
    """The beginning of a day of the creditor's."""
    return datetime.combine(asked.day(name), time(), ZoneInfo(zone)).astimezone(UTC)


def _rows(found: WhatIf | None) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """Groups of counts: title, and by name what was made and what would have been."""
    if found is None:
        return []
    outside = _("outside of any")
    return [
        (title, [(named(one), before.get(one, 0), after.get(one, 0)) for one in sorted({*before, *after})])
        for title, before, after, named in (
            (_("By channel"), found.made.channels, found.tried.channels, lambda one: label("channel", one)),
            (_("By hour of the day"), found.made.hours, found.tried.hours, lambda one: f"{int(one)}:00"),
            (_("By segment"), found.made.segments, found.tried.segments, lambda one: one or outside),
            (_("By arm"), found.made.arms, found.tried.arms, lambda one: one or outside),
        )
    ]
