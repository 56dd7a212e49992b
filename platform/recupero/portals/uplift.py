"""What the work on a creditor's accounts brought beside its control group, and how large that group is."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.decisions.control import Group, set_share
from recupero.kernel.errors import NotFound, UserError
from recupero.placements import browse
from recupero.portals.creditor import own
from recupero.portals.forms import Form
from recupero.portals.pages import blueprint
from recupero.tenancy import queries
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission


@blueprint.get("/portal/uplift")
@requires(Permission.REPORTS_READ)
def creditor_uplift() -> ResponseReturnValue:
    """The same for a creditor's own users."""
    return _page(own.tenant_id(), None)


@blueprint.get("/tenants/<int:tenant_id>/uplift")
@requires(Permission.REPORTS_READ)
def tenant_uplift(tenant_id: int) -> ResponseReturnValue:
    return _page(tenant_id, None)


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
    from recupero.decisions.uplift import uplift

    asked = Form(dict(request.args))
    with tenant_transaction(tenant_id) as session:
        tenant = queries.tenant(session)
        group, portfolios = Group.of(tenant.settings), browse.portfolios(session)
        found = None
        try:
            begin, end = (_day(asked, name, tenant.timezone) for name in ("from", "to"))
            portfolio = asked.whole("portfolio") if asked.optional("portfolio") else None
            found = uplift(session, begin, end and end + timedelta(days=1), portfolio)
        except NotFound:
            raise
        except UserError as error:
            asked.refuse(error)
    form = sent or Form({"share": f"{group.share * 100:g}"})
    page = render_template(
        "tenants/uplift.html", tenant=tenant, group=group, portfolios=portfolios, found=found, asked=asked,
        form=form,
    )  # fmt: skip
    return page, form.status if sent else asked.status


def _day(asked: Form, name: str, zone: str) -> datetime | None:
    """The beginning of a day of the creditor's; None where none is asked for."""
    if not asked.optional(name):
        return None
    return datetime.combine(asked.day(name), time(), ZoneInfo(zone)).astimezone(UTC)
