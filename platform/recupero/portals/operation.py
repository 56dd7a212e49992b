"""Watching over the house: plug-ins, the audit trail; for the platform's operator agencies and jobs."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import audit as trail
from recupero.kernel import jobs, runtime
from recupero.kernel.errors import NotFound
from recupero.portals.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, transaction
from recupero.tenancy.permissions import Permission

PAGE = 100


@blueprint.get("/plugins")
@requires(Permission.TENANCY_READ)
def plugins() -> ResponseReturnValue:
    return render_template("admin/plugins.html", states=runtime.current().plugins.states)


@blueprint.get("/platform/plugins")
@requires(Permission.PLATFORM_OPERATE)
def platform_plugins() -> ResponseReturnValue:
    return render_template("admin/plugins.html", states=runtime.current().plugins.states)


@blueprint.get("/audit")
@requires(Permission.AUDIT_READ)
def audit() -> ResponseReturnValue:
    before, text = request.args.get("before", type=int), request.args.get("q", "").strip()[:100]
    with transaction() as session:
        rows = trail.page(session, before=before, holding=text, limit=PAGE + 1)
        problems = trail.verify(session) if "verify" in request.args else None
        head = trail.head(session)
    return render_template(
        "admin/audit.html", rows=rows[:PAGE], text=text, problems=problems, head=head,
        first_url=url_for("portals.audit", q=text) if before else None,
        next_url=url_for("portals.audit", q=text, before=rows[PAGE - 1].seq) if len(rows) > PAGE else None,
    )  # fmt: skip


@blueprint.get("/platform")
@requires(Permission.PLATFORM_OPERATE)
def platform() -> ResponseReturnValue:
    running = runtime.current()
    states = running.plugins.states
    return render_template(
        "home/platform.html", agencies=tenancy.agencies(running.database), counts=jobs.counts(),
        failed=[state for state in states if state.error], installed=len(states),
    )  # fmt: skip


@blueprint.get("/platform/jobs")
@requires(Permission.PLATFORM_OPERATE)
def platform_jobs() -> ResponseReturnValue:
    return render_template(
        "admin/jobs.html", counts=jobs.counts(), letters=jobs.dead_letters(), periodic=jobs.periodic_jobs()
    )


@blueprint.post("/platform/jobs/<int:request_id>/again")
@requires(Permission.PLATFORM_OPERATE)
def platform_job_again(request_id: int) -> ResponseReturnValue:
    if not jobs.requeue_dead(request_id):
        raise NotFound("This job is no longer among those given up.")
    flash(_("The job is tried again."))
    return redirect(url_for("portals.platform_jobs"))
