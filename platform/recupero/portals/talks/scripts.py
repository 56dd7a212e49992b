"""Call scripts: the platform's and an agency's own, written as YAML, read through, approved by another."""

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import UserError
from recupero.outreach.scripts import saying, shape, spoken, store
from recupero.outreach.scripts.shape import Script
from recupero.placements import reach
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer
from recupero.portals.words.language import brand, country, language
from recupero.portals.words.words import options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

#: Values that a preview is read with, so that no real person stands on a page of texts.
_SAMPLE = {
    "agent": "Eva Ruiz", "name": "Ana Prueba", "phone": "+56 2 2345 6789", "account": "A-1",
    "call_back_phone": "+56 2 2345 6789", "recording": "", "amount": "$125.000", "due": "15/01/2026",
    "interest": "", "costs": "", "product": "", "promised": "$50.000", "promised_on": "20/03/2026",
    "link": "https://example.com/p/…", "others": "", "whole": "$125.000", "offer": "",
}  # fmt: skip


@blueprint.get("/scripts")
@requires(Permission.WORDS_WRITE)
def scripts() -> ResponseReturnValue:
    """All versions, and what comes with the platform."""
    with transaction() as session:
        versions = store.all_versions(session)
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    own = [_Listed(one.id, one.name, names.get(one.tenant_id or 0, _("The whole agency")), store.read(one),
                   one.version, one.state, one.made_at) for one in versions]  # fmt: skip
    standard = [store.standard(segment) for segment in store.standard_segments()]
    shipped = [_Listed(0, one.name, _("Comes with the platform"), one) for one in standard]
    return answer("scripts/list.html", _scripts_table().fill_whole([*own, *shipped]))


@dataclass(frozen=True, slots=True)
class _Listed:
    """A version of a script, or one that comes with the platform and leads where no other fits (`id` 0)."""

    id: int
    name: str
    leads: str
    read: Script
    version: int | None = None
    state: str = "shipped"
    made_at: datetime | None = None

    @property
    def url(self) -> str:
        return url_for("portals.script", script_id=self.id, segment=None if self.id else self.read.segment)


def _scripts_table() -> Table[_Listed]:
    columns: list[Column[_Listed]] = [
        Column("name", _("Script"), lambda row: row.read.title.get(language()) or row.name,
               link=lambda row: row.url, note=lambda row: row.name if row.id else None),
        Column("creditor", _("For"), lambda row: row.leads),
        Column("segment", _("Accounts"), lambda row: row.read.segment, words="script_segment",
               note=lambda row: country(row.read.country) if row.read.country != "**" else _("any country")),
        Column("version", _("Version"), lambda row: row.version, numeric=True),
        Column("state", _("State"), lambda row: row.state, words="script", badge=True),
        Column("made", _("Made"), lambda row: row.made_at),
    ]  # fmt: skip
    states = Pick[_Listed]("state", _("State"), options("script"), of=lambda row: row.state)
    return Table("scripts", _("Call scripts"), columns, (states,), sort="-made")


@blueprint.get("/scripts/<int:script_id>")
@requires(Permission.WORDS_WRITE)
def script(script_id: int) -> ResponseReturnValue:
    """One version, step by step, `0` for the platform's own of a segment."""
    with transaction() as session:
        row = None if script_id == store.BUILT_IN else store.version(session, script_id)
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    read = store.standard(_segment()) if row is None else store.read(row)
    form = Form({"account": request.args.get("account", "").strip()})
    real = _real(form, read)
    page = render_template(
        "scripts/script.html", row=row, names=names, form=form, real=real is not None, **_shown(read, real)
    )
    return page, form.status


def _segment() -> str:
    """The segment whose script of the platform is asked for."""
    asked = request.args.get("segment", "general")
    return asked if asked in store.standard_segments() else "general"


def _real(form: Form, read: Script) -> dict[str, str] | None:
    """What the script would say of the account that was asked for, to whoever may see accounts; None where
    none was, or, with an error at the field, there is none. Nobody is called."""
    if not form.optional("account") or not the_caller().may(Permission.ACCOUNTS_READ):
        return None
    with transaction() as session:
        ids = reach.called(session, form.optional("account"))
        account = reach.reachable(session, ids[:1]).get(ids[0]) if ids else None
    if account is None:
        form.errors["account"] = _("There is no such account.")
        return None
    with tenant_transaction(account.tenant_id) as session:
        return spoken.values(
            session, account.account_id, _spoken(read), agent=the_caller().name, proven=True,
            link=_SAMPLE["link"], records=read.records, offers=True,
        )  # fmt: skip


def _spoken(read: Script) -> str:
    return language() if language() in read.languages else read.languages[0]


@blueprint.get("/scripts/new")
@requires(Permission.WORDS_WRITE)
def script_new() -> ResponseReturnValue:
    """The editor, filled with the version that the new one starts from."""
    with transaction() as session:
        start = request.args.get("from", type=int)
        row = store.version(session, start) if start else None
        values = {"document": row.document if row else store.standard_document(_segment())}
        return _editor(Form(values | {"tenant": str(row.tenant_id or "") if row else ""}), [])


@blueprint.post("/scripts/new")
@requires(Permission.WORDS_WRITE)
def script_new_sent() -> ResponseReturnValue:
    """Check the document, and keep it as a draft where it is fit and `step` says so."""
    form, caller = Form.sent(), the_caller()
    found = store.problems(form.optional("document"))
    if found or form.optional("step") != "keep":
        return _editor(form, found, tried=not found)
    try:
        tenant_id = form.id("tenant") if form.optional("tenant") else None
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


def _shown(read: Script, real: dict[str, str] | None = None) -> dict[str, object]:
    """The script's steps as they would be said, in the reader's language where the script has it."""
    house = {"agency": brand().name, "creditor": _("Example Bank")}
    values, tongue = real or _SAMPLE | house, _spoken(read)
    steps = [(name, step, saying.say(step.say, tongue, values)) for name, step in read.steps.items()]
    return {"script": read, "steps": steps, "spoken": tongue}
