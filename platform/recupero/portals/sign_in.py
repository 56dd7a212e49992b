"""Signing in and out, the language switch, the user's profile."""

from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.portals.forms import Form
from recupero.portals.language import CODES
from recupero.portals.pages import blueprint
from recupero.portals.shell import limiter
from recupero.tenancy import guard, service
from recupero.tenancy.guard import current_caller, public, signed_in, the_caller


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
    found = service.sign_in(runtime.current().database, email, password)
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
    guard.forget()
    return redirect(url_for("portals.sign_in"))


@blueprint.get("/profile")
@signed_in
def profile() -> ResponseReturnValue:
    return render_template("profile.html", form=Form({"locale": the_caller().locale[:2]}))


@blueprint.post("/profile")
@signed_in
def profile_sent() -> ResponseReturnValue:
    locale = Form.sent().text("locale")
    if locale not in CODES:
        raise UserError("Choose one of the languages.", field="locale")
    caller = the_caller()
    with runtime.current().database.transaction(Scope(caller.agency_id)) as opened:
        service.set_locale(opened, int(caller.actor.removeprefix("user:")), locale)
    session["language"] = locale
    flash(_("Saved."))
    return redirect(url_for("portals.profile"))
