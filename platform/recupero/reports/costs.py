"""What contacts cost, by channel, beside what came back through it. Providers charge in a currency of their
own: costs are told apart by it and never added over currencies."""

from collections.abc import Iterator, Mapping, Sequence

from recupero.kernel.money import minor_units
from recupero.reports import metrics as m
from recupero.reports.metrics import Figure
from recupero.reports.queries import Cost
from recupero.reports.report import Costs, Line


def by_currency(
    rows: Sequence[Cost], collected: Mapping[str, int], payments: Mapping[str | None, int]
) -> Iterator[Costs]:
    """Of one section: `rows` of the debts' currency, money collected by channel in minor units of it, and
    payments by channel, with those of all channels under None."""
    for charged_in in sorted({row.charged_in for row in rows}):
        mine = [row for row in rows if row.charged_in == charged_in]
        lines = [_line(row.channel, [row], collected.get(row.channel, 0), payments) for row in mine]
        yield Costs(charged_in, (*lines, _line(None, mine, sum(collected.values()), payments)))


def _line(
    channel: str | None, rows: Sequence[Cost], collected: int, payments: Mapping[str | None, int]
) -> Line:
    """One channel, or all of them: what its contacts cost, each, and for what came back."""
    cost, contacts = sum(row.micro for row in rows), sum(row.contacts for row in rows)
    thousand = 1000 * 10 ** minor_units(rows[0].currency)
    return Line(
        channel or "",
        (
            Figure(m.CHARGED, contacts),
            Figure(m.COST, cost),
            Figure(m.COST_EACH, cost, contacts),
            Figure(m.COST_PER_PAYMENT, cost, payments.get(channel, 0)),
            Figure(m.COST_PER_THOUSAND, cost * thousand, max(collected, 0)),
        ),
    )
