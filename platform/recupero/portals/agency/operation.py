"""Watching over the house: plug-ins, the audit trail; for the platform's operator agencies and jobs."""

from json import dumps
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import audit as trail
from recupero.kernel import job_requests, jobs, runtime
from recupero.kernel.errors import NotFound
from recupero.kernel.plugins import PluginState
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Search, Table, answer
from recupero.portals.words.language import country
from recupero.portals.words.words import label, options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, transaction
from recupero.tenancy.permissions import Permission
from recupero.tenancy.queries import AgencyLine


@blueprint.get("/plugins")
@requires(Permission.TENANCY_READ)
def plugins() -> ResponseReturnValue:
    return _plugins_page()


@blueprint.get("/platform/plugins")
@requires(Permission.PLATFORM_OPERATE)
def platform_plugins() -> ResponseReturnValue:
    return _plugins_page()


def _plugins_page() -> ResponseReturnValue:
    columns: list[Column[PluginState]] = [
        Column("name", _("Plug-in"), _called, note=lambda row: ", ".join(row.keys) or row.name),
        Column("kind", _("Kind"), lambda row: row.kind, words="plugin"),
        Column("package", _("Package"), lambda row: f"{row.distribution} {row.version}"),
        Column("state", _("State"), _working, words="plugin_state", badge=True, note=lambda row: row.error),
    ]  # fmt: skip
    table = Table[PluginState](
        "plugins", _("Plug-ins"), columns, sort="name", exports=False,
        filters=(
            Search(_("Search"), of=lambda row: f"{_called(row)} {row.name} {row.distribution}"),
            Pick("kind", _("Kind"), options("plugin"), of=lambda row: row.kind),
            Pick("state", _("State"), options("plugin_state"), of=_working),
        ),
    )  # fmt: skip
    return answer("admin/plugins.html", table.fill_whole(runtime.current().plugins.states))


def _called(state: PluginState) -> str:
    """What a plug-in is for: the country of a law, else its name in words."""
    return country(state.name.upper()) if state.kind == "regulation" else label("plugin_name", state.name)


def _working(state: PluginState) -> str:
    return "failed" if state.error else "working"


@blueprint.get("/audit")
@requires(Permission.AUDIT_READ)
def audit() -> ResponseReturnValue:
    table = _events_table()
    with transaction() as session:
        table.fill(trail.page(session, holding=table.chosen["q"], part=table.part))
        problems = trail.verify(session) if "verify" in request.args else None
        head = trail.head(session)
    return answer("admin/audit.html", table, problems=problems, head=head, in_words=subject_in_words)


def _events_table() -> Table[trail.AuditEvent]:
    columns: list[Column[trail.AuditEvent]] = [
        Column("seq", _("No."), lambda row: row.seq),
        Column("at", _("When"), lambda row: row.at),
        Column("actor", _("Who"), lambda row: row.actor),
        Column("action", _("Action"), lambda row: row.action, words="audit_action"),
        Column("subject", _("What"), lambda row: row.subject, link=_subject_url),
        Column("details", _("Details"), lambda row: dumps(row.details) if row.details else None, sorts=False),
    ]
    asked = Search[trail.AuditEvent](_("Search"), _("Action, who or what, such as sign_in or user:7"))
    return Table("events", _("Audit trail"), columns, filters=(asked,), sort="-seq", per_page=100)


#: The pages of what the trail tells of, by the word before the colon, with the id's name in their address.
_PAGES = {
    "account": ("portals.account", "account_id"), "tenant": ("portals.tenant", "tenant_id"),
    "debtor": ("portals.account_person", "debtor_id"), "contact": ("portals.contact_proof", "contact_id"),
    "import": ("portals.placement", "batch_id"),
}  # fmt: skip


def _subject_url(event: trail.AuditEvent) -> str | None:
    kind, _colon, number = event.subject.partition(":")
    if kind not in _PAGES or not number.isdecimal():
        return None
    endpoint, name = _PAGES[kind]
    values: dict[str, Any] = {name: int(number)}
    return url_for(endpoint, **values)


def subject_in_words(subject: str) -> str:
    """`account:7` as people read it."""
    kind, _colon, rest = subject.partition(":")
    return f"{label('audit_subject', kind)} {rest}".strip()


@blueprint.get("/platform")
@requires(Permission.PLATFORM_OPERATE)
def platform() -> ResponseReturnValue:
    running = runtime.current()
    states = running.plugins.states
    columns: list[Column[AgencyLine]] = [
        Column("name", _("Name"), lambda row: row.name),
        Column("slug", _("Short name"), lambda row: row.slug),
        Column("country", _("Country"), lambda row: country(row.country)),
        Column("tenants", _("Creditors"), lambda row: row.tenants),
    ]
    search = Search[AgencyLine](_("Search"), of=lambda row: f"{row.name} {row.slug}")
    table = Table("agencies", _("Agencies"), columns, (search,), sort="name")
    return answer(
        "home/platform.html", table.fill_whole(tenancy.agencies(running.database)),
        counts=job_requests.counts(), failed=[state for state in states if state.error],
        installed=len(states),
    )  # fmt: skip


@blueprint.get("/platform/jobs")
@requires(Permission.PLATFORM_OPERATE)
def platform_jobs() -> ResponseReturnValue:
    columns: list[Column[job_requests.JobRequest]] = [
        Column("name", _("Job"), lambda row: label("job_name", row.name), note=lambda row: row.name),
        Column("agency", _("Agency"), lambda row: row.agency_id),
        Column("arguments", _("Arguments"), lambda row: dumps(row.arguments), sorts=False),
        Column("error", _("Error"), lambda row: row.error),
        Column("at", _("When"), lambda row: row.finished_at),
        Column("again", _("Action"), lambda _row: None, sorts=False),
    ]
    search = Search[job_requests.JobRequest](
        _("Search"), of=lambda row: f"{label('job_name', row.name)} {row.name} {row.error}"
    )
    table = Table("letters", _("Given up"), columns, (search,), sort="-at")
    return answer(
        "admin/jobs.html", table.fill_whole(job_requests.dead_letters()), counts=job_requests.counts(),
        periodic=jobs.periodic_jobs(),
    )  # fmt: skip


@blueprint.post("/platform/jobs/<int:request_id>/again")
@requires(Permission.PLATFORM_OPERATE)
def platform_job_again(request_id: int) -> ResponseReturnValue:
    if not job_requests.requeue_dead(request_id):
        raise NotFound("This job is no longer among those given up.")
    flash(_("The job is tried again."))
    return redirect(url_for("portals.platform_jobs"))
