"""What contacts cost, by channel, beside what came back through it. Providers charge in a currency of their
own: costs are told apart by it and never added over currencies."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from recupero.kernel.money import minor_units
from recupero.reports import metrics as m
from recupero.reports.figures import Figure
from recupero.reports.queries import Cost
from recupero.reports.report import Costs, Line


class Brought(NamedTuple):
    """What came back through a channel, or through all: money in minor units, payments, right-party contacts,
    accounts attempted."""

    collected: int
    payments: int
    right_party: int
    attempted: int


def by_currency(rows: Sequence[Cost], brought: Callable[[str | None], Brought]) -> Iterator[Costs]:
    """Of one section: `rows` of the debts' currency, and what each channel, or all (None), brought."""
    for charged_in in sorted({row.charged_in for row in rows}):
        mine = [row for row in rows if row.charged_in == charged_in]
        lines = [_line(row.channel, [row], brought(row.channel)) for row in mine]
        yield Costs(charged_in, (*lines, _line(None, mine, brought(None))))


def _line(channel: str | None, rows: Sequence[Cost], brought: Brought) -> Line:
    """One channel, or all of them: what its contacts cost, each, and for what came back."""
    cost, contacts = sum(row.micro for row in rows), sum(row.contacts for row in rows)
    thousand = 1000 * 10 ** minor_units(rows[0].currency)
    return Line(
        channel or "",
        (
            Figure(m.CHARGED, contacts),
            Figure(m.COST, cost),
            Figure(m.COST_EACH, cost, contacts),
            Figure(m.COST_PER_ACCOUNT, cost, brought.attempted),
            Figure(m.COST_PER_RIGHT_PARTY, cost, brought.right_party),
            Figure(m.COST_PER_PAYMENT, cost, brought.payments),
            Figure(m.COST_PER_THOUSAND, cost * thousand, max(brought.collected, 0)),
        ),
    )
