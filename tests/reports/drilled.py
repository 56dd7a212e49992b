"""Whether the rows behind a figure make it up."""

from sqlalchemy.orm import Session

from recupero.kernel.listing import Part
from recupero.reports import drill
from recupero.reports.drill_statements import Tells
from recupero.reports.figures import Figure

#: What a figure's numerator is multiplied by, so that nothing is rounded.
_TIMES = {"collected_per_hour": 3600, "right_party_per_hour": 3600, "promises_per_hour": 3600, "dso": 28,
          "cost_per_thousand": 1000}  # fmt: skip


def made_up(session: Session, figure: Figure, of: drill.Of) -> None:
    """The rows are as many as the figure says, add up to it, or have it among them."""
    count, amount = drill.total(session, of)
    found, together = drill.rows_and_total(session, of, Part(limit=None))
    assert (len(found), together) == (count, (count, amount))
    told = {Tells.ROWS: count, Tells.AMOUNT: amount}.get(of.statement.tells)
    if told is not None:
        assert told * _TIMES.get(of.key, 1) == figure.numerator, of
    else:
        assert not figure.numerator or figure.numerator in {one.amount for one in found}, of
