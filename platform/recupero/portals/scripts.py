"""Call scripts: the platform's and an agency's own, written as YAML, read through, approved by another."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import UserError
from recupero.outreach.scripts import saying, shape, store
from recupero.outreach.scripts.shape import Script
from recupero.portals.errors import said
from recupero.portals.forms import Form
from recupero.portals.language import language
from recupero.portals.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

#: Values that a preview is read with, so that no real person stands on a page of texts.
_SAMPLE = {
    "agent": "Eva Ruiz", "name": "Ana Prueba", "phone": "+56 2 2345 6789", "account": "A-1",
    "call_back_phone": "+56 2 2345 6789", "recording": "", "amount": "$125.000", "due": "15/01/2026",
    "interest": "", "costs": "", "product": "", "promised": "$50.000", "promised_on": "20/03/2026",
    "link": "https://example.com/p/…",
}  # fmt: skip


@blueprint.get("/scripts")
@requires(Permission.WORDS_WRITE)
def scripts() -> ResponseReturnValue:
    """All versions, and what comes with the platform."""
    with transaction() as session:
        versions = store.all_versions(session)
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    return render_template("scripts/list.html", versions=versions, names=names)


@blueprint.get("/scripts/<int:script_id>")
@requires(Permission.WORDS_WRITE)
def script(script_id: int) -> ResponseReturnValue:
    """One version, step by step, `0` for the platform's own."""
    with transaction() as session:
        row = None if script_id == store.BUILT_IN else store.version(session, script_id)
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    read = store.standard() if row is None else shape.read(row.document)
    return render_template("scripts/script.html", row=row, names=names, **_shown(read))


@blueprint.get("/scripts/new")
@requires(Permission.WORDS_WRITE)
def script_new() -> ResponseReturnValue:
    """The editor, filled with the version that the new one starts from."""
    with transaction() as session:
        start = request.args.get("from", type=int)
        row = store.version(session, start) if start else None
        values = {"document": row.document if row else store.standard_document()}
        return _editor(Form(values | {"tenant": str(row.tenant_id or "") if row else ""}), [])


@blueprint.post("/scripts/new")
@requires(Permission.WORDS_WRITE)
def script_new_sent() -> ResponseReturnValue:
    """Check the document, and keep it as a draft where it is fit and `step` says so."""
    form, caller = Form.sent(), the_caller()
    found = store.problems(form.optional("document"))
    if found or form.optional("step") != "keep":
        return _editor(form, found, tried=not found)
    tenant_id = int(form.optional("tenant")) if form.optional("tenant").isdecimal() else None
    try:
        with transaction() as session:
            row = store.draft(session, form.text("document"), tenant_id=tenant_id, actor=caller.actor)
            script_id = row.id
    except UserError as error:
        return _editor(form, [error])
    flash(_("The draft is kept. Somebody else has to approve it before it leads calls."))
    return redirect(url_for("portals.script", script_id=script_id))


@blueprint.post("/scripts/<int:script_id>/approve")
@requires(Permission.WORDS_APPROVE)
def script_approve(script_id: int) -> ResponseReturnValue:
    try:
        with transaction() as session:
            store.approve(session, script_id, actor=the_caller().actor)
        flash(_("Approved: it leads calls from now on."))
    except UserError as error:
        flash(said(error), "warn")
    return redirect(url_for("portals.script", script_id=script_id))


@blueprint.post("/scripts/<int:script_id>/retire")
@requires(Permission.WORDS_APPROVE)
def script_retire(script_id: int) -> ResponseReturnValue:
    with transaction() as session:
        store.retire(session, script_id, actor=the_caller().actor)
    flash(_("Retired: it leads no more calls."))
    return redirect(url_for("portals.script", script_id=script_id))


def _editor(form: Form, problems: list[UserError], *, tried: bool = False) -> ResponseReturnValue:
    with transaction() as session:
        tenants = [("", _("The whole agency")), *((one.id, one.name) for one in tenancy.tenants(session))]
    shown = _shown(shape.read(form.optional("document"))) if tried else {}
    page = render_template(
        "scripts/edit.html", form=form, tenants=tenants, tried=tried,
        problems=[(problem.field or "", said(problem)) for problem in problems], **shown,
    )  # fmt: skip
    return page, 422 if problems else 200


def _shown(read: Script) -> dict[str, object]:
    """The script's steps as they would be said, in the reader's language where the script has it."""
    spoken = language() if language() in read.languages else read.languages[0]
    house = {"agency": _("The agency"), "creditor": _("The creditor")}
    values = _SAMPLE | house
    steps = [(name, step, saying.say(step.say, spoken, values)) for name, step in read.steps.items()]
    return {"script": read, "steps": steps, "spoken": spoken}
