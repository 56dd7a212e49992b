"""Who may open a debtor's pages: the link, the proof of who one is, and the house that the pages speak for.

Before the proof nothing of a debt, a creditor or an agency is shown, not even that there is one.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from recupero.kernel import clock, runtime
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.outreach.debtors import page_looks
from recupero.payments.gateways.links import Door, open_link, prove_identity
from recupero.placements.identity import Fact
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.shell import limiter
from recupero.portals.words.language import CODES, Brand, wear
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import public

blueprint = Blueprint("debtor", __name__)
limiter.limit("120 per minute")(blueprint)
PROOF = timedelta(minutes=30)
WHY = "a debtor has no login: the link's token opens it and nothing is shown before the identity is proven"


@blueprint.post("/p/<token>")
@limiter.limit("10 per minute")
@public(WHY)
def prove(token: str) -> ResponseReturnValue:
    """Answers to the questions."""
    door, form = door_of(token), Form.sent()
    try:
        with form.together():  # what is left empty is no try
            answers = {fact: form.text(fact.value) for fact in door.questions}
    except UserError as error:
        form.refuse(error)
        return questions(token, door, form)
    if prove_identity(runtime.current().database, door, answers):
        return let_in(token, door)
    form.errors[""] = _(
        "That does not match what we have. Check both answers;"
        " after five tries the page rests for half an hour."
    )
    return questions(token, door_of(token), form)


def let_in(token: str, door: Door) -> Response:
    """They proved who they are: on to the page they had asked for."""
    now = clock.now()
    proofs = {**session.get("proofs", {}), _proof_key(door): (now + PROOF).timestamp()}
    session["proofs"] = {key: until for key, until in proofs.items() if until > now.timestamp()}
    wanted = str(session.pop("wanted", ""))
    return redirect(wanted if _is_below(wanted, token) else url_for("debtor.link", token=token))


def questions(token: str, door: Door, form: Form) -> ResponseReturnValue:
    """Two questions that only this person can answer."""
    wear(Brand("", door.country, "UTC"))
    page = render_template("debtor/questions.html", token=token, door=door, form=form, Fact=Fact)
    return page, 429 if door.locked_until else form.status


def proven(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Let only people in who have just proven who they are; others are asked first and come back here."""

    @wraps(view)
    def guarded(token: str, **values: Any) -> ResponseReturnValue:
        door = door_of(token)
        if not is_proven(door):
            return _ask_first(token)
        try:
            return view(token, door, **values)
        except Conflict:  # paid meanwhile, perhaps in another window: the page says so
            return redirect(url_for("debtor.link", token=token))

    return guarded


def tried(form: Form, change: Callable[[], ResponseReturnValue], *fields: str) -> ResponseReturnValue | None:
    """What the change answers; None where it was refused, which then stands at its field of the form."""
    try:
        return change()
    except (NotFound, Forbidden, Conflict):
        raise
    except UserError as error:
        form.refuse(error, *fields)
        return None


def _ask_first(token: str) -> ResponseReturnValue:
    """To the questions, keeping the page: the one asked for, or the one whose form was sent. A script is told
    that its page has to be loaded again."""
    if request.path.endswith(".json"):
        return {"errors": {}}, 401
    wanted = request.full_path.rstrip("?") if request.method == "GET" else _sent_from()
    if _is_below(wanted, token):
        session["wanted"] = wanted
    return redirect(url_for("debtor.link", token=token))


def _sent_from() -> str:
    """The page of ours on which the form was."""
    told = urlsplit(request.referrer or "")
    if told.netloc != request.host:
        return ""
    return f"{told.path}?{told.query}" if told.query else told.path


def _is_below(path: str, token: str) -> bool:
    return path.startswith(f"/p/{token}/") and "\\" not in path


@blueprint.errorhandler(CSRFError)
def lost_form(_error: CSRFError) -> ResponseReturnValue:
    """The form was open longer than its session: prove it again, and back to its page."""
    token = (request.view_args or {}).get("token")
    if token is None:
        return _plain_error(_("The page was open for too long. Load it again."), 400)
    return _ask_first(token)


@blueprint.errorhandler(UserError)
def refused(error: UserError) -> ResponseReturnValue:
    """What is wrong, without a word about debts."""
    if isinstance(error, NotFound):
        gone = _("This link is not valid any more.")
        return render_template("debtor/error.html", message=gone, gone=True), error.status
    return _plain_error(said(error), error.status)


def _plain_error(message: str, status: int) -> ResponseReturnValue:
    return render_template("debtor/error.html", message=message), status


def door_of(token: str) -> Door:
    """The link behind the token. Raises NotFound."""
    door = open_link(runtime.current().database, token)
    if door is None:
        raise NotFound("no such link")
    if door.language in CODES and session.get("language") not in CODES:
        session["language"] = door.language
    return door


def _proof_key(door: Door) -> str:
    return f"{door.scope.tenant()}:{door.link_id}"


def is_proven(door: Door) -> bool:
    return bool(session.get("proofs", {}).get(_proof_key(door), 0) > clock.now().timestamp())


def transaction_of(door: Door) -> Any:
    """A transaction in the scope of the link's creditor."""
    return runtime.current().database.transaction(door.scope)


def done(token: str, what: str) -> Response:
    """Back to the page, which says that it was done."""
    return redirect(url_for("debtor.link", token=token, done=what))


def wear_house(opened: Session) -> tuple[Any, Any]:
    """Agency and creditor; the page in the creditor's look, money and dates as their country writes them."""
    agency, creditor = tenancy.agency(opened), tenancy.tenant(opened)
    wear(Brand(agency.name, creditor.country, creditor.timezone))
    g.look = {"name": creditor.name, "style": None, "logo": None}
    token = (request.view_args or {}).get("token")
    if token is not None:
        found = page_looks.look(opened)
        if found.mark:
            g.look["style"] = url_for("debtor.look_style", token=token, v=found.mark)
        if found.logo:
            g.look["logo"] = url_for("debtor.look_logo", token=token, v=found.mark)
    return agency, creditor


@blueprint.context_processor
def _dressed() -> dict[str, Any]:
    return {"look": g.get("look")}


@blueprint.get("/p/<token>/look.css")
@public(WHY)
@proven
def look_style(token: str, door: Door) -> ResponseReturnValue:
    """The creditor's colour."""
    with transaction_of(door) as opened:
        colour = page_looks.look(opened).colour
    text = f"@media (prefers-color-scheme: light) {{ :root {{ --deep: {colour}; --on-deep: #fff; }} }}"
    return Response(text, mimetype="text/css", headers={"Cache-Control": "private, max-age=3600"})


@blueprint.get("/p/<token>/logo")
@public(WHY)
@proven
def look_logo(token: str, door: Door) -> ResponseReturnValue:
    """The creditor's logo."""
    with transaction_of(door) as opened:
        kind, content = page_looks.logo(opened)
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(content, mimetype=kind, headers=headers)
