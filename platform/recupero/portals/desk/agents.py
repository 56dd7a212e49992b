"""Who has what at their desk, what each did, and their goals: for those who lead agents."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import clock
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.calls import sittings
from recupero.outreach.desk import figures
from recupero.placements import browse
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission, Role


@blueprint.get("/desk/agents")
@requires(Permission.DESK_LEAD)
def agents() -> ResponseReturnValue:
    return _page(Form())


@blueprint.post("/desk/agents/<int:sitting_id>/free")
@requires(Permission.DESK_LEAD)
def agents_free(sitting_id: int) -> ResponseReturnValue:
    """Take an account from somebody's desk; what they were doing with it is refused from then on."""
    with transaction() as session:
        sittings.free(session, sitting_id, actor=the_caller().actor)
    flash(_("The account is free for others."))
    return redirect(url_for("portals.agents"))


@blueprint.post("/desk/agents/goals")
@requires(Permission.DESK_LEAD)
def agents_goals() -> ResponseReturnValue:
    form = Form.sent()
    try:
        user_id = form.whole("user")
        with form.together():
            targets = {
                (period, measure): form.whole(f"{period}_{measure}")
                if form.optional(f"{period}_{measure}")
                else None
                for period in figures.PERIODS
                for measure in figures.MEASURES
            }
        with transaction() as session:
            figures.set_goals(session, user_id, targets, actor=the_caller().actor)
    except NotFound:
        raise
    except UserError as error:
        form.refuse(error)
        return _page(form)
    flash(_("Saved."))
    return redirect(url_for("portals.agents"))


def _page(form: Form) -> ResponseReturnValue:
    with transaction() as session:
        people = [
            user
            for user in tenancy.users(session)
            if user.active and user.role in (Role.AGENT.value, Role.SUPERVISOR.value)
        ]
        held = {one.user_id: one for one in sittings.everybody(session)}
        lines = browse.lines(session, [one.account_id for one in held.values()])
        done = {period: figures.of_agents(session, period) for period in figures.PERIODS}
        goals = figures.goals(session)
    page = render_template(
        "desk/agents.html", people=people, held=held, lines=lines, done=done, goals=goals, form=form,
        nothing=figures.Done(), periods=figures.PERIODS, measures=figures.MEASURES, now=clock.now(),
    )  # fmt: skip
    return page, form.status
