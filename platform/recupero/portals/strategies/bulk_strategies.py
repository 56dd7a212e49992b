"""One portfolio's strategy for many others: what that would change, and the order.

It is taken back where the other orders are (`bulk.py`).
"""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.orders import bulk_strategies
from recupero.placements import browse
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.strategies.strategies import told
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

_TICKED = "portfolio_"  # begins the name of a portfolio's field; its value is the version that was seen


@blueprint.get("/strategies/many")
@requires(Permission.STRATEGY_MANAGE)
def strategy_many() -> ResponseReturnValue:
    """Which portfolio's strategy, and for which."""
    with transaction() as session:
        return _chosen(session, Form(dict(request.args)))


@blueprint.post("/strategies/many")
@requires(Permission.STRATEGY_MANAGE)
def strategy_many_order() -> ResponseReturnValue:
    """What the order means; with `confirmed`, the order."""
    form, caller = Form.sent(), the_caller()
    confirmed = bool(form.optional("confirmed"))
    try:
        source, seen = form.id("source"), _seen(form)
        if confirmed:
            made = bulk_strategies.order(
                runtime.current().database, caller.scope, source, seen, why=form.optional("why"),
                actor=caller.actor,
            )  # fmt: skip
            flash(ngettext("Done: %(num)s portfolio.", "Done: %(num)s portfolios.", made.changed))
            return redirect(url_for("portals.account_many"))
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "why", "source")
    with transaction() as session:
        if not confirmed and form.errors:
            return _chosen(session, form)
        return _previewed(session, form)


def _seen(form: Form) -> dict[int, int]:
    """The versions of the portfolios that are ticked."""
    ticked = [name for name in form.values if name.startswith(_TICKED)]
    return {int(name.removeprefix(_TICKED)): form.whole(name) for name in ticked
            if name.removeprefix(_TICKED).isdecimal()}  # fmt: skip


def _chosen(session: Session, form: Form) -> ResponseReturnValue:
    rows = browse.portfolios(session)
    names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    page = render_template(
        "tenants/strategies_many.html", form=form, rows=rows, names=names,
        sources=[(one.id, f"{names[one.tenant_id]} · {one.name} ({one.currency})") for one in rows],
    )  # fmt: skip
    return page, form.status


def _previewed(session: Session, form: Form) -> ResponseReturnValue:
    try:
        found = bulk_strategies.preview(session, form.id("source"), _seen(form))
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "source")
        return _chosen(session, form)
    currency = found.source.currency
    page = render_template(
        "tenants/strategies_many_seen.html", form=form, found=found,
        names={tenant.id: tenant.name for tenant in tenancy.tenants(session)},
        word=lambda key, value: "" if value is None else told({key: value}, currency)[0][1],
    )  # fmt: skip
    return page, form.status
