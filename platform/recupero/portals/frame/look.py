"""How a creditor's pages for debtors look: its colour and logo."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import UserError
from recupero.outreach.debtors import page_looks
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission


@blueprint.route("/tenants/<int:tenant_id>/look", methods=["GET", "POST"])
@requires(Permission.TENANCY_MANAGE)
def tenant_look(tenant_id: int) -> ResponseReturnValue:
    """See it and set it."""
    form = Form.sent()
    if form.is_sent:
        try:
            _keep(tenant_id, form)
        except UserError as error:
            form.refuse(error, "colour", "logo")
        else:
            flash(_("Saved."))
            return redirect(url_for("portals.tenant_look", tenant_id=tenant_id))
    with tenant_transaction(tenant_id) as session:
        tenant, found = queries.tenant(session), page_looks.look(session)
    if not form.is_sent:
        form = Form({"colour": found.colour})
    return render_template("tenants/look.html", tenant=tenant, look=found, form=form), form.status


def _keep(tenant_id: int, form: Form) -> None:
    sent = request.files.get("logo")
    content = sent.read(page_looks.LARGEST + 1) if sent is not None and sent.filename else None
    with tenant_transaction(tenant_id) as session:
        page_looks.set_look(
            session, form.text("colour"), content, actor=the_caller().actor,
            without_logo=bool(form.optional("without_logo")),
        )  # fmt: skip
