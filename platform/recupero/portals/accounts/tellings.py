"""The papers that debtors sent on their own page, for whoever works the account."""

from flask import Response
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.kernel import rest
from recupero.outreach.debtors import tellings
from recupero.portals.frame.pages import blueprint
from recupero.tenancy.guard import requires, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/tellings/<int:telling_id>/papers/<int:place>")
@requires(Permission.ACCOUNTS_WORK)
def telling_paper(telling_id: int, place: int) -> ResponseReturnValue:
    """A paper to keep; never shown in the page, whatever it holds."""
    with transaction() as session:
        return paper_response(session, telling_id, place)


def paper_response(session: Session, telling_id: int, place: int) -> Response:
    """The paper as a file that no browser shows. Raises NotFound."""
    name, media_type, content = tellings.paper(session, telling_id, place)
    return rest.file(content, media_type, name)
