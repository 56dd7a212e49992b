"""Own words of messages: written by creditor, language, form and tone, tried on an account, approved."""

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from jinja2 import TemplateError
from sqlalchemy.orm import Session

from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.marking import LANGUAGES
from recupero.outreach.actions.kinds import TEMPLATES, TONES
from recupero.outreach.template_tables import MessageTemplate
from recupero.outreach.texts import previews, versions, wording
from recupero.outreach.texts.previews import Preview
from recupero.outreach.texts.wording import FORMS, KNOWN, Own
from recupero.placements import reach
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer
from recupero.portals.words.language import LANGUAGES as PAGE_LANGUAGES
from recupero.portals.words.language import language
from recupero.portals.words.words import as_told, label, options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero_sdk.law.reasons import word

_FIELDS = ("template", "language", "form", "tone", "subject", "body", "account", "tenant")


@blueprint.get("/words")
@requires(Permission.WORDS_WRITE)
def words_list() -> ResponseReturnValue:
    """All versions of own words; where there are none the platform's are used."""
    with transaction() as session:
        found = versions.versions(session, MessageTemplate)
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    return answer("words/list.html", _versions_table(names).fill_whole(found))


def _versions_table(names: Mapping[int, str]) -> Table[MessageTemplate]:
    spoken, whole = dict(PAGE_LANGUAGES), _("The whole agency")
    columns: list[Column[MessageTemplate]] = [
        Column("message", _("Message"), lambda row: row.template, words="template",
               link=lambda row: url_for("portals.words_version", words_id=row.id)),
        Column("creditor", _("For"), lambda row: names.get(row.tenant_id or 0, whole)),
        Column("language", _("Language"), lambda row: spoken.get(row.language, row.language)),
        Column("form", _("Form"), lambda row: row.form, words="form"),
        Column("tone", _("Tone"), lambda row: label("tone", row.tone) if row.tone else _("Every tone")),
        Column("version", _("Version"), lambda row: row.version),
        Column("state", _("State"), lambda row: row.state, words="script", badge=True),
        Column("made", _("Made"), lambda row: row.made_at),
    ]  # fmt: skip
    return Table(
        "versions", _("Words of messages"), columns, sort="-made",
        filters=(
            Pick("template", _("Message"), options("template"), of=lambda row: row.template),
            Pick("language", _("Language"), PAGE_LANGUAGES, of=lambda row: row.language),
            Pick("state", _("State"), options("script"), of=lambda row: row.state),
        ),
    )  # fmt: skip


@blueprint.get("/words/new")
@requires(Permission.WORDS_WRITE)
def words_new() -> ResponseReturnValue:
    """The editor, empty or filled with the version that the new one starts from."""
    with transaction() as session:
        start = request.args.get("from", type=int)
        row = versions.version(session, MessageTemplate, start) if start else None
        values = {} if row is None else {name: getattr(row, name) or "" for name in _FIELDS[:6]}
        return _editor(session, Form(values | {"tenant": row.tenant_id or "" if row else ""}), None)


@blueprint.post("/words/new")
@requires(Permission.WORDS_WRITE)
def words_new_sent() -> ResponseReturnValue:
    """Read through with an account, or keep as a draft, as `step` says."""
    form, caller = Form.sent(), the_caller()
    given = {name: form.optional(name) for name in ("template", "language", "form", "subject", "body")}
    tone, tenant_id = form.optional("tone") or None, _tenant(form)
    with transaction() as session:
        for problem in wording.problems(tone=tone, **given):
            if problem.field not in form.errors:  # the first fault of a field explains the others
                form.refuse(problem, *_FIELDS)
        if form.errors:
            return _editor(session, form, None)
        if form.optional("step") != "keep":
            return _editor(session, form, _tried(session, form))
        row = wording.draft(session, tenant_id=tenant_id, tone=tone, actor=caller.actor, **given)
        words_id = row.id
    flash(_("The draft is kept. Somebody else has to approve it before it is used."))
    return redirect(url_for("portals.words_version", words_id=words_id))


@blueprint.get("/words/<int:words_id>")
@requires(Permission.WORDS_WRITE)
def words_version(words_id: int) -> ResponseReturnValue:
    with transaction() as session:
        row = versions.version(session, MessageTemplate, words_id)
        names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    return render_template("words/version.html", row=row, names=names)


@blueprint.post("/words/<int:words_id>/approve")
@requires(Permission.WORDS_APPROVE)
def words_approve(words_id: int) -> ResponseReturnValue:
    return _decide(words_id, approved=True)


@blueprint.post("/words/<int:words_id>/retire")
@requires(Permission.WORDS_APPROVE)
def words_retire(words_id: int) -> ResponseReturnValue:
    return _decide(words_id, approved=False)


def _decide(words_id: int, *, approved: bool) -> ResponseReturnValue:
    try:
        with transaction() as session:
            row = versions.version(session, MessageTemplate, words_id)
            (versions.approve if approved else versions.retire)(session, row, actor=the_caller().actor)
        flash(_("Approved: messages use it from now on.") if approved else _("Retired: no message uses it."))
    except NotFound:
        raise
    except UserError as error:
        flash(said(error), "warn")
    return redirect(url_for("portals.words_version", words_id=words_id))


def _tenant(form: Form) -> int | None:
    """The creditor for whose debtors the words are; None for all. An error stands at the field afterwards."""
    try:
        return form.id("tenant") if form.optional("tenant") else None
    except UserError as error:
        form.refuse(error)
        return None


def _tried(session: Session, form: Form) -> Preview | None:
    """The message as the account's debtor would get it; None, with an error at the field, where there is no
    such account."""
    ids = reach.called(session, form.optional("account")) if form.optional("account") else []
    account = reach.reachable(session, ids[:1]).get(ids[0]) if ids else None
    if account is None:
        form.errors["account"] = _("There is no such account. Give its number to read the words with it.")
        return None
    own = Own(0, form.optional("subject"), form.optional("body"))
    channel = "sms" if form.optional("form") == "short" else "email"
    with tenant_transaction(account.tenant_id) as one:
        try:
            return previews.preview(
                one, account, form.optional("template"), channel, form.optional("tone") or "neutral",
                previews.LINK, lambda *_key: own,
            )  # fmt: skip
        except TemplateError as error:
            form.errors["body"] = _("This cannot be read as a template: %(why)s", why=as_told(str(error)))
            return None


def _editor(session: Session, form: Form, tried: Preview | None) -> ResponseReturnValue:
    tenants = [("", _("The whole agency")), *((one.id, one.name) for one in tenancy.tenants(session))]
    options = {
        "template": [(name, label("template", name)) for name in TEMPLATES],
        "language": [(code, name) for code, name in PAGE_LANGUAGES if code in LANGUAGES],
        "form": [(name, label("form", name)) for name in FORMS],
        "tone": [("", _("Every tone")), *((name, label("tone", name)) for name in TONES)],
        "tenant": tenants,
    }
    spoken = language() if language() in LANGUAGES else "en"
    page = render_template(
        "words/edit.html", form=form, options=options, tried=tried, known=sorted(KNOWN),
        added=[word(item, spoken) for item in tried.added] if tried else [],
        missing=[word(item, spoken) for item in tried.missing] if tried else [],
    )  # fmt: skip
    return page, form.status
