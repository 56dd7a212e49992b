"""What the work on a creditor's accounts brought beside its control group, and how large that group is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.decisions.history.control import Group, set_share
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.money import Money
from recupero.placements import browse
from recupero.placements.browse import AccountLine
from recupero.portals.creditor import own
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer
from recupero.tenancy import queries
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission

if TYPE_CHECKING:
    from recupero.decisions.evidence.uplift import Counted

_LEFT_ALONE = {"left": True, "worked": False}


@blueprint.get("/portal/uplift")
@requires(Permission.REPORTS_READ)
def creditor_uplift() -> ResponseReturnValue:
    """The same for a creditor's own users."""
    return _page(own.tenant_id(), None)


@blueprint.get("/tenants/<int:tenant_id>/uplift")
@requires(Permission.REPORTS_READ)
def tenant_uplift(tenant_id: int) -> ResponseReturnValue:
    return _page(tenant_id, None)


@blueprint.get("/portal/uplift/accounts")
@requires(Permission.REPORTS_READ)
def creditor_uplift_rows() -> ResponseReturnValue:
    """The same for a creditor's own users."""
    return _rows(own.tenant_id())


@blueprint.get("/tenants/<int:tenant_id>/uplift/accounts")
@requires(Permission.REPORTS_READ)
def tenant_uplift_rows(tenant_id: int) -> ResponseReturnValue:
    return _rows(tenant_id)


@blueprint.post("/tenants/<int:tenant_id>/uplift")
@requires(Permission.TENANCY_MANAGE)
def tenant_control(tenant_id: int) -> ResponseReturnValue:
    """Change the size of the control group."""
    form = Form.sent()
    try:
        share = form.hundredths("share") / 10_000
        with tenant_transaction(tenant_id) as session:
            set_share(session, share, actor=the_caller().actor)
    except UserError as error:
        form.refuse(error)
        return _page(tenant_id, form)
    flash(_("Saved."))
    return redirect(url_for("portals.tenant_uplift", tenant_id=tenant_id))


def _page(tenant_id: int, sent: Form | None) -> ResponseReturnValue:
    from recupero.decisions.evidence.uplift import uplift

    asked = Form(dict(request.args))
    with tenant_transaction(tenant_id) as session:
        tenant = queries.tenant(session)
        group, portfolios = Group.of(tenant.settings), browse.portfolios(session)
        found = None
        try:
            found = uplift(session, *_compared(asked, tenant.timezone))
        except NotFound:
            raise
        except UserError as error:
            asked.refuse(error)
    form = sent or Form({"share": f"{group.share * 100:g}"})
    page = render_template(
        "tenants/uplift.html", tenant=tenant, group=group, portfolios=portfolios, found=found, asked=asked,
        form=form, rows_url=_rows_url(tenant_id, asked),
    )  # fmt: skip
    return page, form.status if sent else asked.status


def _compared(asked: Form, zone: str) -> tuple[datetime | None, datetime | None, int | None]:
    """From when to when, and in which portfolio, the address compares. Raises UserError."""
    begin, end = (_day(asked, name, zone) for name in ("from", "to"))
    portfolio = asked.id("portfolio") if asked.optional("portfolio") else None
    return begin, end and end + timedelta(days=1), portfolio


def _rows_url(tenant_id: int, asked: Form) -> Callable[..., str]:
    """Addresses of the accounts behind a figure: of a `group`, perhaps only of people who paid."""
    creditors = the_caller().is_creditor
    page = "portals.creditor_uplift_rows" if creditors else "portals.tenant_uplift_rows"
    kept: dict[str, Any] = {} if creditors else {"tenant_id": tenant_id}
    kept |= {name: asked.optional(name) for name in ("portfolio", "from", "to") if asked.optional(name)}
    return lambda group, **more: url_for(page, **kept, group=group, **more)


def _rows(tenant_id: int) -> ResponseReturnValue:
    """The accounts behind one of the two groups: `group=left` are those left alone, `paid=yes` those of
    people who paid."""
    from recupero.decisions.evidence.uplift import behind

    asked, lines = Form(dict(request.args)), dict[int, AccountLine]()
    with tenant_transaction(tenant_id) as session:
        tenant = queries.tenant(session)
        table = _table(lines)
        found = behind(
            session, *_compared(asked, tenant.timezone), left_alone=_LEFT_ALONE.get(table.chosen["group"]),
            paying=table.chosen["paid"] == "yes", part=table.part,
        )  # fmt: skip
        lines.update(browse.lines(session, [row.account_id for row in found.rows]))
    table.fill(found.rows)
    return answer("tenants/uplift_rows.html", table, tenant=tenant, found=found)


def _table(lines: Mapping[int, AccountLine]) -> Table[Counted]:
    page = "portals.creditor_account" if the_caller().is_creditor else "portals.account"
    return Table(
        "counted", _("What the figure counts"),
        [
            Column("number", _("Account"), lambda row: lines[row.account_id].client_account, sorts=False,
                   link=lambda row: url_for(page, account_id=row.account_id)),
            Column("portfolio", _("Portfolio"), lambda row: lines[row.account_id].portfolio, sorts=False),
            Column("person", _("Person"), lambda row: row.person, sorts=False),
            Column("status", _("State"), lambda row: lines[row.account_id].status, words="status", badge=True,
                   sorts=False),
            Column("recovered", _("Recovered"),
                   lambda row: Money(row.recovered_minor, lines[row.account_id].currency), sorts=False),
        ],
        filters=[
            Pick("group", _("Group"), [("worked", _("Worked")), ("left", _("Left alone"))]),
            Pick("paid", _("Paid"), [("yes", _("People who paid"))]),
        ],
    )  # fmt: skip


def _day(asked: Form, name: str, zone: str) -> datetime | None:
    """The beginning of a day of the creditor's; None where none is asked for."""
    if not asked.optional(name):
        return None
    return datetime.combine(asked.day(name), time(), ZoneInfo(zone)).astimezone(UTC)
