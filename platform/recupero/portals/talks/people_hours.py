"""When a creditor's people answer and within how many days, and from how probable a reading on the machine
does."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import UserError
from recupero.outreach.understanding import hours, readings
from recupero.placements import cases
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission


@blueprint.get("/tenants/<int:tenant_id>/answering")
@requires(Permission.TENANCY_MANAGE)
def tenant_answering(tenant_id: int) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        people = hours.hours(session)
        settings = queries.tenant(session).settings
        sure, within = readings.answers_from(settings), cases.answered_within(settings)
    form = Form({
        "opens": people.opens.isoformat("minutes"), "closes": people.closes.isoformat("minutes"),
        "sure": f"{100 * sure:g}", **within,
    })  # fmt: skip
    return _page(tenant_id, form)


@blueprint.post("/tenants/<int:tenant_id>/answering")
@requires(Permission.TENANCY_MANAGE)
def tenant_answering_sent(tenant_id: int) -> ResponseReturnValue:
    form, actor = Form.sent(), the_caller().actor
    try:
        with tenant_transaction(tenant_id) as session, form.together() as faults:
            sure = form.hundredths("sure") / 10_000
            within = {kind: form.whole(kind) for kind in cases.ANSWERED_WITHIN}
            with faults.caught():
                hours.set_hours(session, form.optional("opens"), form.optional("closes"), actor=actor)
            with faults.caught():
                readings.set_answers_from(session, sure, actor=actor)
            with faults.caught():
                cases.set_answered_within(session, within, actor=actor)
    except UserError as error:
        form.refuse(error)
        return _page(tenant_id, form)
    flash(_("Saved."))
    return redirect(url_for("portals.tenant", tenant_id=tenant_id))


def _page(tenant_id: int, form: Form) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        found = queries.tenant(session)
    return render_template("tenants/answering.html", tenant=found, form=form), form.status
