"""Signing in and out, the language switch, the user's profile."""

from datetime import timedelta
from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach.calls import sittings
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.shell import limiter
from recupero.portals.words.language import CODES
from recupero.tenancy import callers, guard, queries, users
from recupero.tenancy.guard import current_caller, public, requires, signed_in, the_caller
from recupero.tenancy.permissions import Permission
from recupero.tenancy.tables import User

#: For how many hours somebody may say that they take calls.
HOURS = (1, 2, 4, 8)


@blueprint.get("/sign-in")
@public("the page where everybody begins")
def sign_in() -> ResponseReturnValue:
    if current_caller() is not None:
        return redirect(local_target(request.args.get("next")))
    return render_template("sign_in.html", form=Form())


@blueprint.post("/sign-in")
@public("proves who somebody is; limited per address, locked per login")
@limiter.limit("20 per minute; 200 per hour", deduct_when=lambda response: response.status_code == 422)
def sign_in_sent() -> ResponseReturnValue:
    form = Form.sent()
    try:
        email, password = form.text("email"), form.text("password")
    except UserError as error:
        form.refuse(error)
        return render_template("sign_in.html", form=form), 422
    found = callers.sign_in(runtime.current().database, email, password)
    if found is None:
        form.errors[""] = _(
            "This e-mail and password do not fit together. After five tries the login rests for 15 minutes."
        )
        return render_template("sign_in.html", form=form), 422
    language = session.get("language")
    guard.remember(found[0])
    if language in CODES:
        session["language"] = language
    return redirect(local_target(request.args.get("next")))


def local_target(target: str | None) -> str:
    """`target` where it is a page of ours, else the home page: a link must not lead a user elsewhere."""
    if not target or not target.startswith("/") or "\\" in target or any(ord(sign) < 32 for sign in target):
        return url_for("portals.home")
    parts = urlsplit(target)
    outside = parts.scheme or parts.netloc or target.startswith("//")
    return url_for("portals.home") if outside else target


@blueprint.post("/sign-out")
@public("ends a session; harmless without one")
def sign_out() -> ResponseReturnValue:
    caller = guard.current_caller()
    if caller is not None and caller.scope.agency_id is not None:
        with runtime.current().database.transaction(caller.scope) as opened:
            sittings.sign_out(opened, _id(caller))  # whoever leaves has no account at their desk
    guard.forget()
    return redirect(url_for("portals.sign_in"))


@blueprint.get("/profile")
@signed_in
def profile() -> ResponseReturnValue:
    return _profile(Form({"locale": the_caller().locale[:2], "phone": _me().phone or ""}))


def _profile(form: Form) -> ResponseReturnValue:
    me = _me()
    takes = me.takes_calls_until
    lasting = [(str(hours), ngettext("%(num)s hour", "%(num)s hours", hours)) for hours in HOURS]
    page = render_template(
        "profile.html", form=form, hours=[("", _("No calls now")), *lasting],
        takes_until=takes if takes is not None and takes > clock.now() else None,
    )  # fmt: skip
    return page, form.status


def _me() -> User:
    caller = the_caller()
    with runtime.current().database.transaction(Scope(caller.agency_id)) as opened:
        return queries.user(opened, _id(caller))


def _id(caller: callers.Caller) -> int:
    return int(caller.actor.removeprefix("user:"))


@blueprint.post("/profile/calls")
@requires(Permission.ACCOUNTS_WORK)
def profile_calls() -> ResponseReturnValue:
    """Where calls ring for the user, and how long they are put through to them."""
    form, caller = Form.sent(), the_caller()
    try:
        agency = runtime.current().database.transaction(Scope(caller.agency_id))
        with agency as opened, form.together():
            hours = form.whole("hours") if form.optional("hours") else 0
            until = clock.now() + timedelta(hours=hours) if hours in HOURS else None
            users.set_phone(opened, _id(caller), form.optional("phone"))
            users.take_calls(opened, _id(caller), until)
    except UserError as error:
        form.refuse(error, "phone", "hours")
        return _profile(form)
    flash(_("Saved."))
    return redirect(url_for("portals.profile"))


@blueprint.post("/profile")
@signed_in
def profile_sent() -> ResponseReturnValue:
    form, caller = Form.sent(), the_caller()
    try:
        locale = form.one_of("locale", CODES)
    except UserError as error:
        form.refuse(error)
        return _profile(form)
    with runtime.current().database.transaction(Scope(caller.agency_id)) as opened:
        users.set_locale(opened, _id(caller), locale)
    session["language"] = locale
    flash(_("Saved."))
    return redirect(url_for("portals.profile"))
