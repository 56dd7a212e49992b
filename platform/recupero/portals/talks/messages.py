"""What anybody may ask about a message of ours without a login: whether it is real, and no more of them.

Neither page names a person or says that anything is owed.
"""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from recupero.contacts import codes
from recupero.contacts import messages as contact_messages
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.outreach.conversations import unsubscribing
from recupero.portals.debtor.door import wear_house
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.shell import limiter
from recupero.portals.words.language import PLATFORM_BRAND, wear
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import public


@blueprint.get("/m")
@public("whoever got a message may ask whether it is real; nothing is said of anybody's debt")
def message_code() -> ResponseReturnValue:
    return _code_page(Form())


@blueprint.post("/m")
@limiter.limit("10 per minute; 60 per hour")
@public("whoever got a message may ask whether it is real; nothing is said of anybody's debt")
def message_code_asked() -> ResponseReturnValue:
    """Whose message the code is of: agency, creditor, day and channel; or that we know of none."""
    form = Form.sent()
    code = codes.code_in(form.optional("code"))
    if code is None:
        return _code_page(form, known=False)
    scopes = tenancy.agency_scopes(runtime.current().database)
    agencies = {tenant: agency.agency_id for agency in scopes for tenant in agency.tenant_ids}
    with runtime.current().database.transaction(Scope(None, tuple(agencies))) as session:
        found = contact_messages.by_code(session, code)
    if found is None:
        return _code_page(form, known=False)
    scope = Scope(agencies[found.tenant_id], (found.tenant_id,))
    with runtime.current().database.transaction(scope) as session:
        agency, creditor = wear_house(session)
        return _code_page(form, known=True, message=found, agency=agency, creditor=creditor)


def _code_page(form: Form, **found: object) -> ResponseReturnValue:
    if not found.get("known"):
        wear(PLATFORM_BRAND)
    return render_template("messages/code.html", form=form, **found)


@blueprint.get("/u/<token>")
@limiter.limit("60 per minute")
@public("the address in a mail by which its reader wants no more: nobody can guess it")
def unsubscribe(token: str) -> ResponseReturnValue:
    """A page with one button; opening it changes nothing, since mail scanners open every address."""
    unsubscribing.open_token(runtime.current().database, token)
    return render_template("messages/unsubscribe.html", done="done" in request.args)


@blueprint.post("/u/<token>")
@limiter.limit("60 per minute")
@public("one click in the mail program (RFC 8058): it has neither login nor form token")
def unsubscribe_now(token: str) -> ResponseReturnValue:
    """Close the channel at once. Doing it twice is once."""
    database = runtime.current().database
    scope, contact_id = unsubscribing.open_token(database, token)
    with database.transaction(scope) as session:
        unsubscribing.close(session, contact_id)
    if request.form.get("List-Unsubscribe") == "One-Click":
        return {"done": True}
    return redirect(url_for("portals.unsubscribe", token=token, done=1))
