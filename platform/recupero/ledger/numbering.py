"""Numbers of documents, by agency and series, in order and without gaps."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.ledger.tables import DocumentSeries


def next_number(session: Session, series: str) -> int:
    """The next number of a series of the agency in scope, from 1; see `next_numbers`."""
    return next_numbers(session, series, 1)[0]


def next_numbers(session: Session, series: str, count: int) -> range:
    """The next `count` numbers of a series of the agency in scope, from 1.

    Other transactions wait for this one to end, and a number given in one that fails is given again: so no
    number is missing. Ask last, and for documents that are made in the same transaction only.
    """
    taken = insert(DocumentSeries).values(
        agency_id=scope_of(session).agency(), series=series, last_number=count
    )
    last = session.execute(
        taken.on_conflict_do_update(
            index_elements=["agency_id", "series"], set_={"last_number": DocumentSeries.last_number + count}
        ).returning(DocumentSeries.last_number)
    ).scalar_one()
    return range(last - count + 1, last + 1)
