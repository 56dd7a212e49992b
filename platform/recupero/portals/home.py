"""Where everybody begins: the agency's day, the platform for its operator, the report for creditors."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from recupero.portals.pages import blueprint
from recupero.tenancy.guard import signed_in, the_caller
from recupero.tenancy.permissions import Permission


@blueprint.get("/")
@signed_in
def home() -> ResponseReturnValue:
    caller = the_caller()
    if caller.may(Permission.PLATFORM_OPERATE):
        return redirect(url_for("portals.platform"))
    return render_template("home/agency.html")
