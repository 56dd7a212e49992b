"""What every step at the desk begins with: whose it is, and that the account is still at their desk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.calls import sittings
from recupero.outreach.desk_tables import Sitting
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.tenancy.guard import tenant_transaction, the_caller, transaction

#: Where a refusal of another room belongs on the desk's page.
FIELDS = {"amount_minor": "amount", "due_date": "due", "at_most_minor": "at_most", "total": "amount"}


def user_id() -> int:
    """The user at the desk."""
    return int(the_caller().actor.removeprefix("user:"))


def typed(form: Form) -> str:
    """What somebody wrote themselves in a form of the desk."""
    return form.optional("note") or form.optional("why")


def at_hand(form: Form) -> bool:
    """Whether the account that the form was made for is at the user's desk."""
    with transaction() as session:
        found = sittings.of_user(session, user_id())
        return found is not None and str(found.id) == form.optional("sitting")


@contextmanager
def at_desk(form: Form) -> Iterator[tuple[Session, Sitting]]:
    """A transaction of the creditor whose account the form was made for, with its sitting renewed and locked.
    Raises Conflict where the account is not at the user's desk any more."""
    wanted = form.optional("sitting")
    with transaction() as session:
        found = sittings.of_user(session, user_id())
        tenant_id = found.tenant_id if found is not None and str(found.id) == wanted else None
    if tenant_id is None:
        raise Conflict("this account is not at your desk any more")
    with tenant_transaction(tenant_id) as session:
        yield session, sittings.held(session, user_id(), int(wanted))


def go(
    form: Form, step: Callable[[Session, Sitting], None], refused: Callable[[Form], ResponseReturnValue]
) -> ResponseReturnValue:
    """Take the step and show the desk; what is wrong with a field is shown there, what has changed meanwhile
    above the page."""
    try:
        with at_desk(form) as (session, sitting):
            step(session, sitting)
    except NotFound:
        raise
    except Conflict as error:
        flash(said(error), "warn")
        if typed(form):
            return refused(form)
    except UserError as error:
        place = FIELDS.get(error.field or "", error.field) or ""
        form.errors[place] = said(error)
        return refused(form)
    return redirect(url_for("portals.desk"))
