"""Labels: the set of each creditor, and those that an account bears."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import NotFound, UserError
from recupero.placements import browse, labels
from recupero.portals.frame.forms import Form, ids_of
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.words import options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/labels")
@requires(Permission.ACCOUNTS_BULK)
def labels_list() -> ResponseReturnValue:
    """The labels of each creditor, with how many accounts bear them."""
    return _page(Form())


@blueprint.post("/labels")
@requires(Permission.ACCOUNTS_BULK)
def label_add() -> ResponseReturnValue:
    form = Form.sent()
    try:
        with tenant_transaction(form.id("tenant")) as session:
            labels.create(
                session, name=form.optional("name"), colour=form.optional("colour"), actor=the_caller().actor
            )
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "tenant", "name", "colour")
        return _page(form)
    flash(_("The label has been added."))
    return redirect(url_for("portals.labels_list"))


@blueprint.post("/labels/<int:label_id>")
@requires(Permission.ACCOUNTS_BULK)
def label_change(label_id: int) -> ResponseReturnValue:
    """Another name or colour."""
    form = Form.sent()
    try:
        with tenant_transaction(_tenant_of(label_id)) as session:
            labels.change(
                session, label_id, name=form.optional("name"), colour=form.optional("colour"),
                actor=the_caller().actor,
            )  # fmt: skip
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error, "name", "colour")
        return _page(form, label_id)
    flash(_("Saved."))
    return redirect(url_for("portals.labels_list"))


@blueprint.post("/labels/<int:label_id>/remove")
@requires(Permission.ACCOUNTS_BULK)
def label_remove(label_id: int) -> ResponseReturnValue:
    tenant_id = _tenant_of(label_id)
    if not Form.sent().optional("sure"):
        flash(_("Tick that its accounts lose the label."), "warn")
        return redirect(url_for("portals.labels_list"))
    with tenant_transaction(tenant_id) as session:
        labels.remove(session, label_id, actor=the_caller().actor)
    flash(_("The label is gone, from its accounts too."))
    return redirect(url_for("portals.labels_list"))


@blueprint.post("/accounts/<int:account_id>/labels")
@requires(Permission.ACCOUNTS_WORK)
def account_labels(account_id: int) -> ResponseReturnValue:
    """The labels that an account bears, all of them."""
    with transaction() as session:
        tenant_id = browse.account(session, account_id).account.tenant_id
    chosen = ids_of("label")
    with tenant_transaction(tenant_id) as session:
        labels.put(session, account_id, chosen, actor=the_caller().actor)
    flash(_("Saved."))
    return redirect(url_for("portals.account", account_id=account_id))


def _page(form: Form, label_id: int | None = None) -> ResponseReturnValue:
    with transaction() as session:
        tenants = tenancy.tenants(session)
        found, borne = labels.of_scope(session), labels.counts(session)
    page = render_template(
        "labels/list.html", form=form, tenants=tenants, borne=borne, wrong=label_id,
        creditors=[(one.id, one.name) for one in tenants], fresh=Form() if label_id else form,
        of={tenant.id: [one for one in found if one.tenant_id == tenant.id] for tenant in tenants},
        colours=options("label_colour"), longest=labels.LONGEST,
    )  # fmt: skip
    return page, form.status


def _tenant_of(label_id: int) -> int:
    with transaction() as session:
        return labels.find(session, label_id).tenant_id
