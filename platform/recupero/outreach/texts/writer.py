"""Who writes and calls for a creditor."""

from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.outreach.texts.words import Sender
from recupero.tenancy import queries as tenancy


def sender_of(session: Session) -> Sender:
    """Who writes for the tenant in scope."""
    house = tenancy.house(session)
    return Sender(house.creditor, house.agency, house.phone, house.email, _site())


def _site() -> str:
    """The address of the house as people type it."""
    return runtime.current().config.base_url.removeprefix("https://").removeprefix("http://")
