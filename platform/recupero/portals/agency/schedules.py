"""Reports that go out by e-mail by themselves: set up, and what went."""

from contextlib import AbstractContextManager
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel.errors import UserError
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.reports.schedules import service
from recupero.tenancy import queries
from recupero.tenancy.guard import recorded_of, recorded_transaction, requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

_NEW = {"report": "recovery", "form": "pdf", "every": "month", "day": 3}


@blueprint.get("/schedules")
@requires(Permission.FEEDS_MANAGE)
def schedules_list() -> ResponseReturnValue:
    return _list_page(Form(_NEW))


@blueprint.post("/schedules")
@requires(Permission.FEEDS_MANAGE)
def schedule_new() -> ResponseReturnValue:
    form, mine = Form.sent(), the_caller().scope.tenant_ids
    try:
        tenant = form.id("tenant") if len(mine) > 1 else mine[0]
        with form.together():
            settings = _settings(form)
            service.check(**settings)
        with recorded_transaction(tenant) as session:
            made = service.add(session, **settings, actor=the_caller().actor)
    except UserError as error:
        form.refuse(error)
        return _list_page(form)
    flash(_("The report goes out by itself from now on."))
    return redirect(url_for("portals.schedule", schedule_id=made.id))


def _settings(form: Form) -> dict[str, Any]:
    return {
        "report": form.text("report"), "form": form.text("form"), "every": form.text("every"),
        "day": form.whole("day"), "recipients": form.text("recipients"),
    }  # fmt: skip


def _list_page(form: Form) -> ResponseReturnValue:
    with transaction() as session:
        rows, last = service.schedules(session), {}
        for mail in reversed(service.mails(session, limit=200)):
            last[mail.schedule_id] = mail
        names = {tenant.id: tenant.name for tenant in queries.tenants(session)}
    return render_template("schedules/list.html", rows=rows, last=last, names=names, form=form), form.status


@blueprint.get("/schedules/<int:schedule_id>")
@requires(Permission.FEEDS_MANAGE)
def schedule(schedule_id: int) -> ResponseReturnValue:
    return _page(schedule_id)


def _page(schedule_id: int, form: Form | None = None) -> ResponseReturnValue:
    with transaction() as session:
        found = service.one(session, schedule_id)
        mails = service.mails(session, found, limit=24)
        name = queries.tenant(session, found.tenant_id).name
    form = form or Form({
        "report": found.report, "form": found.form, "every": found.every, "day": found.day,
        "recipients": found.recipients, "active": "yes" if found.active else "",
    })  # fmt: skip
    page = render_template("schedules/one.html", schedule=found, mails=mails, creditor=name, form=form)
    return page, form.status


def _of(schedule_id: int) -> AbstractContextManager[Session]:
    """A transaction of the creditor whose schedule it is. Raises NotFound."""
    return recorded_of(lambda session: service.one(session, schedule_id).tenant_id)


@blueprint.post("/schedules/<int:schedule_id>")
@requires(Permission.FEEDS_MANAGE)
def schedule_change(schedule_id: int) -> ResponseReturnValue:
    form = Form.sent()
    try:
        with form.together():
            settings = _settings(form)
            service.check(**settings)
        with _of(schedule_id) as session:
            service.change(
                session, schedule_id, **settings, active=bool(form.optional("active")),
                actor=the_caller().actor,
            )  # fmt: skip
    except UserError as error:
        if error.status == 404:
            raise
        form.refuse(error)
        return _page(schedule_id, form)
    flash(_("Saved."))
    return redirect(url_for("portals.schedule", schedule_id=schedule_id))


@blueprint.post("/schedules/<int:schedule_id>/remove")
@requires(Permission.FEEDS_MANAGE)
def schedule_remove(schedule_id: int) -> ResponseReturnValue:
    with _of(schedule_id) as session:
        service.remove(session, schedule_id, actor=the_caller().actor)
    flash(_("The report does not go out any more."))
    return redirect(url_for("portals.schedules_list"))


@blueprint.post("/schedules/<int:schedule_id>/mails/<int:mail_id>/again")
@requires(Permission.FEEDS_MANAGE)
def schedule_again(schedule_id: int, mail_id: int) -> ResponseReturnValue:
    with _of(schedule_id) as session:
        service.again(session, schedule_id, mail_id, actor=the_caller().actor)
    flash(_("The report is sent once more."))
    return redirect(url_for("portals.schedule", schedule_id=schedule_id))
