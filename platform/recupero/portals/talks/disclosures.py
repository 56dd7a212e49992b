"""What only the agency and a creditor can state of themselves, and some countries' law wants in a message."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import UserError
from recupero.outreach.texts import disclosures
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission


@blueprint.get("/tenants/<int:tenant_id>/disclosures")
@requires(Permission.TENANCY_MANAGE)
def tenant_disclosures(tenant_id: int) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        return _page(tenant_id, Form(disclosures.stated(session)))


@blueprint.post("/tenants/<int:tenant_id>/disclosures")
@requires(Permission.TENANCY_MANAGE)
def tenant_disclosures_sent(tenant_id: int) -> ResponseReturnValue:
    form = Form.sent()
    statements = {item: form.optional(item) for item in disclosures.STATED}
    try:
        with tenant_transaction(tenant_id) as session:
            disclosures.state(session, statements, actor=the_caller().actor)
    except UserError as error:
        form.refuse(error)
        return _page(tenant_id, form)
    flash(_("Saved."))
    return redirect(url_for("portals.tenant", tenant_id=tenant_id))


def _page(tenant_id: int, form: Form) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        found = queries.tenant(session)
    page = render_template("tenants/disclosures.html", tenant=found, form=form, items=disclosures.STATED)
    return page, form.status
