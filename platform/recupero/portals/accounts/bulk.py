"""Many accounts at once: what an order would do, the order, and taking it back."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.kernel.errors import UserError
from recupero.outreach.orders import bulk
from recupero.outreach.understanding import desk
from recupero.placements import browse, labels
from recupero.portals.accounts.accounts import filter_of
from recupero.portals.frame.forms import Form, id_of, ids_of
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.language import number as written
from recupero.portals.words.language import timezone
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

SHOWN = 50  # accounts that a preview names one by one
NARROWED = ("q", "tenant", "portfolio", "status", "stage", "held", "label")


@blueprint.get("/accounts/many")
@requires(Permission.ACCOUNTS_BULK)
def account_many() -> ResponseReturnValue:
    """The orders that were given, newest first."""
    with transaction() as session:
        orders = bulk.orders(session)
        label_names = {one.id: one.name for one in labels.of_scope(session)}
    return render_template(
        "accounts/orders.html", orders=orders, may_undo=bulk.may_be_undone, label_names=label_names
    )


@blueprint.post("/accounts/many")
@requires(Permission.ACCOUNTS_BULK)
def account_many_order() -> ResponseReturnValue:
    """What the order means; with `confirmed`, the order."""
    form = Form.sent()
    with transaction() as session:
        account_ids = _chosen(session, form)
    try:
        if form.optional("confirmed"):
            return _carry_out(form, account_ids)
        return _previewed(form, account_ids)
    except UserError as error:
        form.refuse(error, "why", "until", "kind", "user")
        if form.optional("confirmed") and account_ids:
            return _previewed(form, account_ids)
        flash(next(iter(form.errors.values())), "warn")
        return redirect(url_for(_list_of(form)))


def _list_of(form: Form) -> str:
    """The page whose list the accounts were ticked in."""
    return "portals.inbox" if form.optional("from") == "inbox" else "portals.accounts"


def _chosen(session: Session, form: Form) -> list[int]:
    """The accounts that were ticked, or all that the list has as it is narrowed; of the inbox all that its
    page showed."""
    if form.optional("from") == "inbox" and form.optional("all"):
        return ids_of("shown")
    if not form.optional("all"):
        return ids_of("account")
    countries = sorted({tenant.country for tenant in tenancy.tenants(session)})
    wanted = filter_of({name: form.optional(name) for name in NARROWED})
    return browse.account_ids(session, wanted, countries, bulk.MOST + 1)


def _previewed(form: Form, account_ids: list[int]) -> ResponseReturnValue:
    do = form.optional("do")
    kind = form.optional("kind") or ("client" if do in ("hold", "release") else None)
    with transaction() as session:
        choices = _labels(session, account_ids) if do in bulk.LABELLING else []
        label_id = _label_of(form, choices)
        found = bulk.preview(session, do, account_ids, kind, label_id)
        page = render_template(
            "accounts/many.html", form=form, do=do, found=found, shown=SHOWN, kinds=_kinds(),
            chosen_kind=kind, users=_users(session, found) if do == "give" else [], title=label("bulk", do),
            carried={name: form.optional(name) for name in (*NARROWED, "all", "from")},
            ticked=account_ids if not form.optional("all") or form.optional("from") else [],
            tick="shown" if form.optional("all") else "account", labels=choices, chosen_label=label_id,
            back=url_for(_list_of(form)), may_undo=do in bulk.TAKEN_BACK,
        )  # fmt: skip
    return page, form.status


def _kinds() -> list[tuple[str, str]]:
    return [(kind, label("hold", kind)) for kind in bulk.KINDS]


def _labels(session: Session, account_ids: list[int]) -> list[tuple[int, str]]:
    """The labels of the creditors whose accounts were chosen, with whose they are where there are several."""
    tenants = {one.tenant_id for one in browse.chosen(session, account_ids, "")}
    names = {one.id: one.name for one in tenancy.tenants(session)}
    return [
        (one.id, f"{one.name} ({names[one.tenant_id]})" if len(tenants) > 1 else one.name)
        for one in labels.of_scope(session)
        if one.tenant_id in tenants
    ]


def _label_of(form: Form, choices: list[tuple[int, str]]) -> int | None:
    """The label that was chosen, or the first; None for an order about no label. Raises UserError where
    there is none to choose."""
    if form.optional("do") not in bulk.LABELLING:
        return None
    if not choices:
        raise UserError("there are no labels yet: make one on the page of labels", field="label")
    known = {str(one): one for one, _name in choices}
    return known.get(form.optional("which_label"), choices[0][0])


def _users(session: Session, found: bulk.Preview) -> list[tuple[int, str]]:
    """The agents who may work for all of the creditors."""
    tenants = {one.tenant_id for one in found.touched}
    able = [{user.id: user.name for user in desk.workers(session, tenant_id)} for tenant_id in tenants]
    common = set.intersection(*(set(one) for one in able)) if able else set()
    return sorted(((one, able[0][one]) for one in common), key=lambda pair: pair[1])


def _carry_out(form: Form, account_ids: list[int]) -> ResponseReturnValue:
    do, caller, database = form.optional("do"), the_caller(), runtime.current().database
    until = form.end_of("until", timezone() or "UTC")
    with transaction() as session:
        made = bulk.order(
            session, do, account_ids, why=form.optional("why"), actor=caller.actor,
            kind=(form.optional("kind") or None) if do in ("hold", "release") else None,
            until=until if do == "hold" else None, user_id=id_of(form.optional("user")),
            label_id=form.whole("which_label") if do in bulk.LABELLING else None,
        )  # fmt: skip
        number = len(made.account_ids)
    if number <= bulk.AT_ONCE:
        done = bulk.carry_out(database, caller.scope, made.id)
        flash(ngettext("Done: %(num)s account.", "Done: %(num)s accounts.", done))
        if done < number:
            flash(_("Of %(number)s, the others had changed meanwhile.", number=written(number)), "warn")
    else:
        flash(
            _(
                "%(number)s accounts are being worked through. This page shows when it is done.",
                number=written(number),
            )
        )
    return redirect(url_for("portals.account_many"))


@blueprint.post("/accounts/many/<int:order_id>/undo")
@requires(Permission.ACCOUNTS_BULK)
def account_many_undo(order_id: int) -> ResponseReturnValue:
    caller = the_caller()
    number = bulk.undo(runtime.current().database, caller.scope, order_id, actor=caller.actor)
    flash(ngettext("Taken back on %(num)s account.", "Taken back on %(num)s accounts.", number))
    return redirect(url_for("portals.account_many"))
