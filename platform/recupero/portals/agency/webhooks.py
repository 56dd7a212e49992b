"""Where creditors' systems are told of events: set up, tried, and what was told."""

from contextlib import AbstractContextManager

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel.errors import UserError
from recupero.portals.frame.forms import Form, id_of
from recupero.portals.frame.pages import blueprint
from recupero.reports.webhooks import service
from recupero.reports.webhooks.telling import KINDS
from recupero.tenancy import queries
from recupero.tenancy.guard import recorded_of, recorded_transaction, requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

_FIELDS = ("name", "url", "kinds", "tenant")


@blueprint.get("/hooks")
@requires(Permission.FEEDS_MANAGE)
def webhooks_list() -> ResponseReturnValue:
    return _list_page(Form(), KINDS)


@blueprint.post("/hooks")
@requires(Permission.FEEDS_MANAGE)
def webhook_new() -> ResponseReturnValue:
    form, kinds = Form.sent(), request.form.getlist("kinds")
    try:
        with recorded_transaction(_tenant(form)) as session:
            made = service.add(
                session,
                name=form.optional("name"),
                url=form.optional("url"),
                kinds=kinds,
                actor=the_caller().actor,
            )
    except UserError as error:
        form.refuse(error, *_FIELDS)
        return _list_page(form, kinds)
    return _page(made.id, secret=made.secret)


def _tenant(form: Form) -> int:
    mine = the_caller().scope.tenant_ids
    if len(mine) == 1:
        return mine[0]
    chosen = form.text("tenant")
    if id_of(chosen) not in mine:
        raise UserError("Choose among your creditors.", field="tenant")
    return int(chosen)


def _list_page(form: Form, chosen: tuple[str, ...] | list[str]) -> ResponseReturnValue:
    with transaction() as session:
        rows, dead = service.webhooks(session), service.dead(session)
        names = {tenant.id: tenant.name for tenant in queries.tenants(session)}
    page = render_template(
        "webhooks/list.html", rows=rows, dead=dead, names=names, form=form, kinds=KINDS, chosen=chosen
    )
    return page, form.status


@blueprint.get("/hooks/<int:webhook_id>")
@requires(Permission.FEEDS_MANAGE)
def webhook(webhook_id: int) -> ResponseReturnValue:
    return _page(webhook_id)


def _page(
    webhook_id: int, form: Form | None = None, *, secret: str | None = None, chosen: list[str] | None = None
) -> ResponseReturnValue:
    with transaction() as session:
        found = service.one(session, webhook_id)
        told = service.events_of(session, found)
        name = queries.tenant(session, found.tenant_id).name
    form = form or Form({"name": found.name, "url": found.url, "active": "yes" if found.active else ""})
    page = render_template(
        "webhooks/one.html", webhook=found, told=told, creditor=name, form=form, kinds=KINDS, secret=secret,
        chosen=found.kinds if chosen is None else chosen,
    )  # fmt: skip
    return page, form.status


def _of(webhook_id: int) -> AbstractContextManager[Session]:
    """A transaction of the creditor whose webhook it is. Raises NotFound."""
    return recorded_of(lambda session: service.one(session, webhook_id).tenant_id)


def _back(webhook_id: int) -> ResponseReturnValue:
    return redirect(url_for("portals.webhook", webhook_id=webhook_id))


@blueprint.post("/hooks/<int:webhook_id>")
@requires(Permission.FEEDS_MANAGE)
def webhook_change(webhook_id: int) -> ResponseReturnValue:
    form, kinds = Form.sent(), request.form.getlist("kinds")
    try:
        with _of(webhook_id) as session:
            service.change(
                session, webhook_id, name=form.optional("name"), url=form.optional("url"), kinds=kinds,
                active=bool(form.optional("active")), actor=the_caller().actor,
            )  # fmt: skip
    except UserError as error:
        if error.status == 404:
            raise
        form.refuse(error, *_FIELDS)
        return _page(webhook_id, form, chosen=kinds)
    flash(_("Saved."))
    return _back(webhook_id)


@blueprint.post("/hooks/<int:webhook_id>/remove")
@requires(Permission.FEEDS_MANAGE)
def webhook_remove(webhook_id: int) -> ResponseReturnValue:
    with _of(webhook_id) as session:
        service.remove(session, webhook_id, actor=the_caller().actor)
    flash(_("The webhook is gone."))
    return redirect(url_for("portals.webhooks_list"))


@blueprint.post("/hooks/<int:webhook_id>/secret")
@requires(Permission.FEEDS_MANAGE)
def webhook_secret(webhook_id: int) -> ResponseReturnValue:
    """A new secret, shown this once."""
    with _of(webhook_id) as session:
        secret = service.rotate(session, webhook_id, actor=the_caller().actor)
    return _page(webhook_id, secret=secret)


@blueprint.post("/hooks/<int:webhook_id>/test")
@requires(Permission.FEEDS_MANAGE)
def webhook_test(webhook_id: int) -> ResponseReturnValue:
    with _of(webhook_id) as session:
        service.send_test(session, webhook_id, actor=the_caller().actor)
    flash(_("A test event is on its way: load this page again in a moment."))
    return _back(webhook_id)


@blueprint.post("/hooks/<int:webhook_id>/events/<int:event_id>/again")
@requires(Permission.FEEDS_MANAGE)
def webhook_again(webhook_id: int, event_id: int) -> ResponseReturnValue:
    with _of(webhook_id) as session:
        service.again(session, webhook_id, event_id, actor=the_caller().actor)
    flash(_("The event is sent once more."))
    return _back(webhook_id)
